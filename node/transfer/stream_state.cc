#include "node/transfer/stream_state.h"

#include "base/codec.h"
#include "base/limits.h"

namespace coterie::transfer {
namespace {

constexpr std::uint8_t stream_format = 1;
constexpr std::uint8_t covered_flag = 1;

}  // namespace

Bytes encode_stream_key(const StreamKey& key) {
  Bytes out(stream_keys);
  ByteWriter writer(out);
  writer.u32_sorted(key.partition.value);
  writer.u64_sorted(key.source.high);
  writer.u64_sorted(key.source.low);
  return out;
}

Result<StreamKey> decode_stream_key(BytesView bytes) {
  ByteReader reader(bytes);
  const bool is_stream = reader.raw(stream_keys.size()) == stream_keys;
  StreamKey out{.partition = PartitionId{reader.u32_sorted()}, .source = {}};
  out.source.high = reader.u64_sorted();
  out.source.low = reader.u64_sorted();
  if (!is_stream || !reader.finished()) {
    return fail(ErrorCode::corrupt, "a stream's key is malformed");
  }
  return out;
}

Bytes encode_stream_state(const StreamState& state) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(stream_format);
  writer.u64(state.opened.value);
  writer.u8(state.is_covered ? covered_flag : 0);
  writer.u64(state.records);
  writer.u64(state.bytes);
  writer.u64(state.records_total);
  writer.raw(state.cursor);
  return out;
}

Result<StreamState> decode_stream_state(BytesView bytes) {
  ByteReader reader(bytes);
  const auto version = reader.u8();
  StreamState out;
  out.opened = ConfigurationNumber{reader.u64()};
  const auto flags = reader.u8();
  out.is_covered = flags == covered_flag;
  out.records = reader.u64();
  out.bytes = reader.u64();
  out.records_total = reader.u64();
  out.cursor = reader.raw(reader.left());
  if (reader.ok() && version != stream_format) {
    return fail(ErrorCode::unsupported_version, "a stream's state is of a later version");
  }
  const bool is_good =
      reader.ok() && flags <= covered_flag && out.cursor.size() <= limits::stored_key_bytes + 1;
  if (!is_good) return fail(ErrorCode::corrupt, "a stream's state is malformed");
  return out;
}

}  // namespace coterie::transfer
