#include "storage/key.h"

#include <bit>

#include "base/check.h"
#include "base/codec.h"
#include "base/limits.h"

namespace coterie {
namespace {

void write_prefix(ByteWriter& writer, Token token, BucketId bucket, BytesView partition_key) {
  writer.u64_sorted(token.value);
  writer.u32_sorted(bucket.value);
  writer.u16_sorted(static_cast<std::uint16_t>(partition_key.size()));
  writer.raw(partition_key);
}

/// The first bytes above all that begin with `prefix`; empty if there are none.
Bytes above(Bytes prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

Bytes token_bytes(std::uint64_t token) {
  Bytes out;
  ByteWriter(out).u64_sorted(token);
  return out;
}

}  // namespace

Result<Bytes> encode_key(const KeyParts& parts) {
  if (parts.partition_key.empty()) {
    return fail(ErrorCode::invalid_argument, "the key is empty: it needs at least one byte");
  }
  if (parts.partition_key.size() > limits::key_bytes ||
      parts.sort_key.size() > limits::key_bytes - parts.partition_key.size()) {
    return fail(ErrorCode::too_large,
                "the key is longer than " + std::to_string(limits::key_bytes) + " bytes");
  }
  Bytes out;
  out.reserve(key_overhead_bytes + parts.partition_key.size() + parts.sort_key.size());
  ByteWriter writer(out);
  write_prefix(writer, parts.token, parts.bucket, parts.partition_key);
  writer.raw(parts.sort_key);
  return out;
}

Result<KeyParts> decode_key(BytesView key) {
  ByteReader reader(key);
  KeyParts parts;
  parts.token = Token{reader.u64_sorted()};
  parts.bucket = BucketId{reader.u32_sorted()};
  parts.partition_key = reader.raw(reader.u16_sorted());
  parts.sort_key = reader.raw(reader.left());
  if (!reader.ok() || parts.partition_key.empty() ||
      key.size() > key_overhead_bytes + limits::key_bytes) {
    return fail(ErrorCode::corrupt, "a record's key is malformed");
  }
  return parts;
}

KeyRange range_of(Token token, BucketId bucket, BytesView partition_key) {
  KeyRange range;
  if (partition_key.empty() || partition_key.size() > limits::key_bytes) {
    // No such key can exist: a range without room, not one without end.
    range.from = range.to = token_bytes(token.value);
    return range;
  }
  ByteWriter writer(range.from);
  write_prefix(writer, token, bucket, partition_key);
  range.to = above(range.from);
  return range;
}

KeyRange range_of(PartitionId partition, std::uint32_t partitions) {
  check(std::has_single_bit(partitions) && partition.value < partitions,
        "a partition is one of a power of two");
  if (partitions == 1) return {};
  const int shift = 64 - std::countr_zero(partitions);
  KeyRange range;
  range.from = token_bytes(std::uint64_t{partition.value} << shift);
  if (partition.value + 1 < partitions) {
    range.to = token_bytes((std::uint64_t{partition.value} + 1) << shift);
  }
  return range;
}

}  // namespace coterie
