#include "tests/explore/world_key.h"

#include "base/check.h"
#include "storage/key.h"
#include "storage/record.h"
#include "storage/versions.h"

namespace coterie::explore {
namespace {

Bytes made(BytesView partition_key) {
  auto encoded = encode_key(
      {.token = Token{0}, .bucket = BucketId{1}, .partition_key = partition_key, .sort_key = {}});
  check(encoded.has_value(), "a short key is a key");
  return *std::move(encoded);
}

}  // namespace

const Bytes& key() {
  static const Bytes encoded = made("k");
  return encoded;
}

const Bytes& other_key() {
  static const Bytes encoded = made("o");
  return encoded;
}

Records::Id merged_of(Records& records, Records::Id a, Records::Id b) {
  if (a == 0 || b == 0 || a == b) return a == 0 ? b : a;
  const auto left = decode_record(key(), records.bytes(a));
  const auto right = decode_record(key(), records.bytes(b));
  check(left && right, "what was encoded decodes");
  return records.id_of(encode_record(key(), sync(*left, *right, Resolver::siblings)));
}

}  // namespace coterie::explore
