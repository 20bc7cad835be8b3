#include "gossip/packet.h"

#include <utility>

#include "base/check.h"
#include "base/codec.h"
#include "base/limits.h"

namespace coterie::gossip {

namespace {

constexpr std::uint32_t magic = 0x50475443;  // "CTGP"
constexpr std::size_t tag_bytes = 8;
static_assert(limits::gossip_members *
                      (limits::gossip_meta_bytes + limits::address_host_bytes + 64) <
                  limits::gossip_state_bytes,
              "a full table fits into one exchange");

void write_id(ByteWriter& writer, const NodeId& id) {
  writer.u64(id.high);
  writer.u64(id.low);
}

NodeId read_id(ByteReader& reader) {
  const std::uint64_t high = reader.u64();
  const std::uint64_t low = reader.u64();
  return {.high = high, .low = low};
}

void write_address(ByteWriter& writer, const Address& address) {
  writer.sized(address.host);
  writer.u16(address.port);
}

/// False if it is no address or too long; the reader's own state is asked apart.
bool read_address(ByteReader& reader, Address& address) {
  const BytesView host = reader.sized();
  if (host.empty() || host.size() > limits::address_host_bytes) return false;
  address.host = host;
  address.port = reader.u16();
  return true;
}

bool read_incarnation(ByteReader& reader, std::uint64_t& incarnation) {
  incarnation = reader.u64();
  return incarnation < incarnation_end;
}

void write(ByteWriter& writer, const Ping& ping) {
  writer.u32(ping.sequence);
  write_id(writer, ping.target);
}

bool read(ByteReader& reader, Ping& ping) {
  ping.sequence = reader.u32();
  ping.target = read_id(reader);
  return true;
}

void write(ByteWriter& writer, const Ack& ack) {
  writer.u32(ack.sequence);
  write_id(writer, ack.subject);
}

bool read(ByteReader& reader, Ack& ack) {
  ack.sequence = reader.u32();
  ack.subject = read_id(reader);
  return true;
}

void write(ByteWriter& writer, const Nack& nack) {
  writer.u32(nack.sequence);
  write_id(writer, nack.subject);
}

bool read(ByteReader& reader, Nack& nack) {
  nack.sequence = reader.u32();
  nack.subject = read_id(reader);
  return true;
}

void write(ByteWriter& writer, const PingRequest& request) {
  writer.u32(request.sequence);
  write_id(writer, request.target);
  write_address(writer, request.address);
}

bool read(ByteReader& reader, PingRequest& request) {
  request.sequence = reader.u32();
  request.target = read_id(reader);
  return read_address(reader, request.address);
}

void write(ByteWriter& writer, const AliveClaim& claim) {
  write_id(writer, claim.id);
  writer.u64(claim.incarnation);
  write_address(writer, claim.address);
  writer.sized(claim.meta);
}

bool read(ByteReader& reader, AliveClaim& claim) {
  claim.id = read_id(reader);
  if (!read_incarnation(reader, claim.incarnation)) return false;
  if (!read_address(reader, claim.address)) return false;
  const BytesView meta = reader.sized();
  if (meta.size() > limits::gossip_meta_bytes) return false;
  claim.meta = meta;
  return true;
}

void write(ByteWriter& writer, const SuspectClaim& claim) {
  check(!claim.accusers.empty() && claim.accusers.size() <= accusers_most,
        "a suspicion names 1 to accusers_most accusers");
  write_id(writer, claim.id);
  writer.u64(claim.incarnation);
  writer.u8(static_cast<std::uint8_t>(claim.accusers.size()));
  for (const NodeId& accuser : claim.accusers) write_id(writer, accuser);
}

bool read(ByteReader& reader, SuspectClaim& claim) {
  claim.id = read_id(reader);
  if (!read_incarnation(reader, claim.incarnation)) return false;
  const std::size_t count = reader.u8();
  if (count == 0 || count > accusers_most) return false;
  for (std::size_t i = 0; i < count; ++i) {
    claim.accusers.push_back(read_id(reader));
    if (i > 0 && claim.accusers[i - 1] >= claim.accusers[i]) return false;
  }
  return true;
}

void write(ByteWriter& writer, const DeadClaim& claim) {
  write_id(writer, claim.id);
  writer.u64(claim.incarnation);
}

bool read(ByteReader& reader, DeadClaim& claim) {
  claim.id = read_id(reader);
  return read_incarnation(reader, claim.incarnation);
}

void write(ByteWriter& writer, const LeftClaim& claim) {
  write_id(writer, claim.id);
  writer.u64(claim.incarnation);
}

bool read(ByteReader& reader, LeftClaim& claim) {
  claim.id = read_id(reader);
  return read_incarnation(reader, claim.incarnation);
}

void write(ByteWriter& writer, const ClockShown& shown) {
  writer.u32(shown.sequence);
  writer.u64(shown.wall_ms);
}

bool read(ByteReader& reader, ClockShown& shown) {
  shown.sequence = reader.u32();
  shown.wall_ms = reader.u64();
  return true;
}

/// A message kind is one more than its place in Message, and never changes.
/// Reads the alternative that stands at `kind` - 1 in Message; false if malformed.
template <std::size_t at = 0>
bool read_kind(std::uint8_t kind, BytesView body, std::vector<Message>& out) {
  if constexpr (at == std::variant_size_v<Message>) {
    return true;  // of a later build
  } else {
    if (kind != at + 1) return read_kind<at + 1>(kind, body, out);
    std::variant_alternative_t<at, Message> message;
    ByteReader reader(body);
    if (!read(reader, message) || !reader.finished()) return false;
    out.emplace_back(std::move(message));
    return true;
  }
}

}  // namespace

Bytes encode_message(const Message& message) {
  Bytes body;
  ByteWriter body_writer(body);
  std::visit([&](const auto& alternative) { write(body_writer, alternative); }, message);
  Bytes out;
  out.reserve(body.size() + 3);
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(message.index() + 1));
  writer.sized(body);
  return out;
}

Result<std::vector<Message>> decode_messages(BytesView body) {
  std::vector<Message> out;
  ByteReader reader(body);
  while (reader.ok() && reader.left() > 0) {
    const std::uint8_t kind = reader.u8();
    const BytesView message = reader.sized();
    if (!reader.ok() || kind == 0 || !read_kind(kind, message, out)) {
      return fail(ErrorCode::corrupt, "malformed gossip message");
    }
  }
  return out;
}

Bytes encode_table(const std::vector<TableEntry>& entries) {
  Bytes out;
  ByteWriter writer(out);
  writer.varint(entries.size());
  for (const TableEntry& entry : entries) {
    write(writer, entry.member);
    writer.u8(static_cast<std::uint8_t>(entry.state));
    writer.u32(entry.age_s);
  }
  return out;
}

Result<std::vector<TableEntry>> decode_table(BytesView body) {
  std::vector<TableEntry> out;
  ByteReader reader(body);
  const std::uint64_t count = reader.varint();
  if (!reader.ok() || count == 0 || count > limits::gossip_members) {
    return fail(ErrorCode::corrupt, "malformed gossip table");
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    TableEntry entry;
    const bool fits = read(reader, entry.member);
    const std::uint8_t state = reader.u8();
    entry.age_s = reader.u32();
    if (!fits || !reader.ok() || state < 1 || state > 4) {
      return fail(ErrorCode::corrupt, "malformed gossip table entry");
    }
    entry.state = static_cast<MemberState>(state);
    out.push_back(std::move(entry));
  }
  if (!reader.finished()) return fail(ErrorCode::corrupt, "bytes after the gossip table");
  return out;
}

std::expected<Envelope, EnvelopeFault> open_envelope(BytesView bytes, const ClusterTag& ours,
                                                     const PacketSeal& seal) {
  const auto fault = [](EnvelopeFault why) { return std::unexpected(why); };
  ByteReader reader(bytes);
  if (reader.u32() != magic) return fault(EnvelopeFault::malformed);
  const std::uint8_t version = reader.u8();
  if (!reader.ok() || version == 0) return fault(EnvelopeFault::malformed);
  if (version > packet_version) return fault(EnvelopeFault::newer_version);
  if (bytes.size() < envelope_bytes) return fault(EnvelopeFault::malformed);

  Envelope envelope;
  const std::uint8_t kind = reader.u8();
  const std::uint8_t key_id = reader.u8();
  const std::uint8_t zero = reader.u8();
  Header& header = envelope.header;
  header.cluster.name_hash = reader.u64();
  header.cluster.id_hash = reader.u64();
  header.sender = read_id(reader);
  header.instance = reader.u64();
  header.epoch.number.lineage = reader.u32();
  header.epoch.number.number = reader.u64();
  header.epoch.hash = reader.u64();
  envelope.body = reader.raw(reader.left() - tag_bytes);
  const std::uint64_t tag = reader.u64();
  const bool both_born = header.cluster.id_hash != 0 && ours.id_hash != 0;
  if (header.cluster.name_hash != ours.name_hash ||
      (both_born && header.cluster.id_hash != ours.id_hash)) {
    return fault(EnvelopeFault::other_cluster);
  }
  if (seal.tag(key_id, bytes.substr(0, bytes.size() - tag_bytes)) != tag) {
    return fault(EnvelopeFault::unverified);
  }
  if (zero != 0 || kind < 1 || kind > 3) return fault(EnvelopeFault::malformed);
  envelope.kind = static_cast<EnvelopeKind>(kind);
  return envelope;
}

EnvelopeWriter::EnvelopeWriter(EnvelopeKind kind, const Header& header, const PacketSeal& seal,
                               std::size_t limit_bytes)
    : seal_(seal), key_id_(seal.key_id()), limit_bytes_(limit_bytes) {
  ByteWriter writer(bytes_);
  writer.u32(magic);
  writer.u8(packet_version);
  writer.u8(static_cast<std::uint8_t>(kind));
  writer.u8(key_id_);
  writer.u8(0);
  writer.u64(header.cluster.name_hash);
  writer.u64(header.cluster.id_hash);
  write_id(writer, header.sender);
  writer.u64(header.instance);
  writer.u32(header.epoch.number.lineage);
  writer.u64(header.epoch.number.number);
  writer.u64(header.epoch.hash);
  check(bytes_.size() + tag_bytes == envelope_bytes, "the envelope has a fixed size");
}

bool EnvelopeWriter::add(BytesView part) {
  if (part.size() > room()) return false;
  bytes_.append(part);
  return true;
}

std::size_t EnvelopeWriter::room() const {
  return limit_bytes_ - tag_bytes - bytes_.size();
}

Bytes EnvelopeWriter::finish() {
  const auto tag = seal_.tag(key_id_, bytes_);
  check(tag.has_value(), "a seal knows its own key");
  ByteWriter(bytes_).u64(*tag);
  return std::move(bytes_);
}

}  // namespace coterie::gossip
