#include "node/replica/purge_state.h"

#include "base/codec.h"

namespace coterie::replica {
namespace {

constexpr std::uint8_t purge_format = 1;
constexpr std::uint8_t destroyed_flag = 1;
constexpr std::uint8_t emptying_flag = 2;

}  // namespace

Bytes purge_state_key(PartitionId partition) {
  Bytes key = "p";
  ByteWriter(key).u32_sorted(partition.value);
  return key;
}

Bytes encode_purge_state(const PurgeState& state) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(purge_format);
  writer.u64(state.generation.value);
  writer.u64(state.purged.value);
  writer.u8(static_cast<std::uint8_t>((state.is_destroyed ? destroyed_flag : 0) |
                                      (state.is_emptying ? emptying_flag : 0)));
  return out;
}

Result<PurgeState> decode_purge_state(BytesView bytes) {
  ByteReader reader(bytes);
  if (const auto found = reader.u8(); reader.ok() && found != purge_format) {
    return fail(ErrorCode::unsupported_version,
                "a partition's purge state is of version " + std::to_string(found));
  }
  PurgeState state{.generation = Generation{reader.u64()}, .purged = Generation{reader.u64()}};
  const auto flags = reader.u8();
  state.is_destroyed = (flags & destroyed_flag) != 0;
  state.is_emptying = (flags & emptying_flag) != 0;
  if (!reader.finished() || flags > (destroyed_flag | emptying_flag) ||
      state.purged > state.generation) {
    return fail(ErrorCode::corrupt, "a partition's purge state is malformed");
  }
  return state;
}

}  // namespace coterie::replica
