#include "node/coordinator/scan_range.h"

#include "base/codec.h"
#include "base/hash.h"
#include "base/limits.h"
#include "ring/token.h"

namespace coterie::coordinator {

namespace {

constexpr std::uint8_t cursor_format = 1;

std::uint64_t hash_of(const KeyRange& range) {
  return hash64(range.to, hash64(range.from));
}

}  // namespace

Result<KeyRange> scan_range(const wire::Scan& scan, Token token, std::uint32_t partitions) {
  if (scan.partition_key.empty()) {
    if (!scan.sort_key_from.empty() || !scan.sort_key_to.empty()) {
      return fail(ErrorCode::invalid_argument,
                  "sort keys bound a scan of one partition key only; name it");
    }
    return range_of(scan.partition, partitions);
  }
  if (partition_of(token, partitions) != scan.partition) {
    return fail(ErrorCode::invalid_argument, "the partition key is of another partition");
  }
  KeyRange range = range_of(token, scan.bucket, scan.partition_key);
  const auto bound = [&](BytesView sort_key) {
    return encode_key({.token = token,
                       .bucket = scan.bucket,
                       .partition_key = scan.partition_key,
                       .sort_key = sort_key});
  };
  Result<Bytes> from = bound(scan.sort_key_from);
  if (!from) return std::unexpected(from.error());
  range.from = std::move(*from);
  if (!scan.sort_key_to.empty()) {
    Result<Bytes> to = bound(scan.sort_key_to);
    if (!to) return std::unexpected(to.error());
    range.to = std::move(*to);
  }
  return range;
}

Bytes encode_cursor(const KeyRange& range, BytesView last) {
  Bytes cursor;
  ByteWriter writer(cursor);
  writer.u8(cursor_format);
  writer.u64(hash_of(range));
  writer.raw(last);
  return cursor;
}

Result<Bytes> decode_cursor(const KeyRange& range, BytesView cursor) {
  if (cursor.empty()) return range.from;
  ByteReader reader(cursor);
  const std::uint8_t format = reader.u8();
  if (format != cursor_format) {
    return fail(ErrorCode::unsupported_version, "a cursor of format " + std::to_string(format) +
                                                    " is not known; begin the scan again");
  }
  const std::uint64_t hash = reader.u64();
  const BytesView last = reader.raw(reader.left());
  const bool is_within = last >= range.from && (range.to.empty() || last < range.to);
  if (!reader.ok() || hash != hash_of(range) || !is_within ||
      last.size() > limits::stored_key_bytes) {
    return fail(ErrorCode::invalid_argument, "the cursor is of another scan; begin it again");
  }
  // the least key above `last`
  Bytes next(last);
  next.push_back('\0');
  return next;
}

}  // namespace coterie::coordinator
