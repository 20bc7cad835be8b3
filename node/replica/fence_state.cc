#include "node/replica/fence_state.h"

#include <string>

#include "base/codec.h"

namespace coterie::replica {
namespace {

constexpr std::uint8_t fence_format = 1;

}  // namespace

Bytes fence_state_key(PartitionId partition) {
  Bytes key = "f";
  ByteWriter(key).u32_sorted(partition.value);
  return key;
}

Bytes encode_fence_state(const FenceState& state) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(fence_format);
  writer.u64(state.configuration.value);
  writer.u64(state.gained_in);
  writer.u8(state.is_filling ? 1 : 0);
  return out;
}

Result<FenceState> decode_fence_state(BytesView bytes) {
  ByteReader reader(bytes);
  if (const auto found = reader.u8(); reader.ok() && found != fence_format) {
    return fail(ErrorCode::unsupported_version,
                "a partition's fence is of version " + std::to_string(found));
  }
  FenceState state{.configuration = ConfigurationNumber{reader.u64()}, .gained_in = reader.u64()};
  const auto flags = reader.u8();
  state.is_filling = flags == 1;
  const bool is_sound = flags <= 1 && (!state.is_filling || state.gained_in != 0);
  if (!reader.finished() || !is_sound || state.configuration.value == 0) {
    return fail(ErrorCode::corrupt, "a partition's fence is malformed");
  }
  return state;
}

}  // namespace coterie::replica
