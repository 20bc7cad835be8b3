#include "ring/paxos/acceptor_codec.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/codec.h"
#include "base/hash.h"
#include "ring/epoch_codec.h"

namespace coterie::paxos {
namespace {

constexpr std::uint16_t format = 1;
constexpr std::size_t checksum_bytes = 8;

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::corrupt, "a voter's bytes: " + std::string(what));
}

void write(ByteWriter& writer, const Ballot& ballot) {
  writer.u64(ballot.round);
  writer.u64(ballot.proposer.high);
  writer.u64(ballot.proposer.low);
}

Ballot read_ballot(ByteReader& reader) {
  Ballot ballot;
  ballot.round = reader.u64();
  ballot.proposer.high = reader.u64();
  ballot.proposer.low = reader.u64();
  return ballot;
}

}  // namespace

Bytes encode_acceptor(const AcceptorState& state) {
  Bytes out;
  ByteWriter writer(out);
  writer.u16(format);
  writer.u32(state.slot.lineage);
  writer.u64(state.slot.number);
  write(writer, state.promised);
  write(writer, state.accepted);
  writer.sized(state.value == nullptr ? Bytes{} : encode_epoch(*state.value));
  writer.u64(hash64(out));
  return out;
}

Result<AcceptorState> decode_acceptor(BytesView bytes) {
  const std::uint16_t version = ByteReader(bytes).u16();
  if (version > format) {
    return fail(ErrorCode::unsupported_version,
                "a voter's bytes: of a format of a newer build; upgrade this node");
  }
  if (version == 0 || bytes.size() <= checksum_bytes) return corrupt("truncated");
  const BytesView body = bytes.substr(0, bytes.size() - checksum_bytes);
  if (ByteReader(bytes.substr(body.size())).u64() != hash64(body)) {
    return corrupt("the checksum is wrong");
  }
  ByteReader reader(body);
  reader.u16();
  AcceptorState state;
  state.slot.lineage = reader.u32();
  state.slot.number = reader.u64();
  state.promised = read_ballot(reader);
  state.accepted = read_ballot(reader);
  const BytesView value = reader.sized();
  if (!reader.finished()) return corrupt("truncated or too long");
  if (state.accepted > state.promised) return corrupt("more was accepted than promised");
  if (state.accepted.is_none() != value.empty()) return corrupt("what was accepted is missing");
  if (value.empty()) return state;
  auto epoch = decode_epoch(value);
  if (!epoch) return std::unexpected(std::move(epoch.error()));
  if (epoch->number() != state.slot) return corrupt("what was accepted is of another slot");
  state.value = std::make_shared<const Epoch>(*std::move(epoch));
  return state;
}

}  // namespace coterie::paxos
