#include "storage/key.h"

#include <doctest/doctest.h>

#include <string>

#include "base/limits.h"

using namespace coterie;

namespace {

Bytes key_of(std::uint64_t token, std::uint32_t bucket, BytesView partition_key,
             BytesView sort_key = {}) {
  return encode_key({.token = Token{token},
                     .bucket = BucketId{bucket},
                     .partition_key = partition_key,
                     .sort_key = sort_key})
      .value();
}

bool lies_in(const KeyRange& range, BytesView key) {
  return key >= range.from && (range.to.empty() || key < range.to);
}

}  // namespace

TEST_CASE("a key's bytes are golden") {
  CHECK(key_of(0x0102030405060708, 0x0a0b0c0d, "user", "x1") ==
        BytesView("\x01\x02\x03\x04\x05\x06\x07\x08\x0a\x0b\x0c\x0d\x00\x04userx1", 20));
}

TEST_CASE("a key is read back") {
  const Bytes key = key_of(~0ULL, 7, BytesView("a\0b", 3), BytesView("\0", 1));
  const KeyParts parts = decode_key(key).value();
  CHECK(parts.token == Token{~0ULL});
  CHECK(parts.bucket == BucketId{7});
  CHECK(parts.partition_key == BytesView("a\0b", 3));
  CHECK(parts.sort_key == BytesView("\0", 1));
  CHECK(decode_key(key_of(1, 2, "k")).value().sort_key.empty());
}

TEST_CASE("keys have an edge of 400 bytes") {
  const std::string most(limits::key_bytes, 'k');
  const std::string half(limits::key_bytes / 2, 'k');
  CHECK(encode_key({.partition_key = most}).has_value());
  CHECK(encode_key({.partition_key = half, .sort_key = half}).has_value());
  CHECK(encode_key({.partition_key = most, .sort_key = "s"}).error().code == ErrorCode::too_large);
  CHECK(encode_key({.partition_key = most + "k"}).error().code == ErrorCode::too_large);
  CHECK(encode_key({.partition_key = "", .sort_key = "s"}).error().code ==
        ErrorCode::invalid_argument);
  CHECK(key_of(1, 2, most).size() == key_overhead_bytes + limits::key_bytes);
  CHECK(decode_key(key_of(1, 2, most)).has_value());
  CHECK(decode_key(key_of(1, 2, most) + "s").error().code == ErrorCode::corrupt);
}

TEST_CASE("what is no key is refused") {
  const Bytes key = key_of(1, 2, "key");
  for (std::size_t size = 0; size < key.size(); ++size) {
    CHECK(decode_key(BytesView(key).substr(0, size)).error().code == ErrorCode::corrupt);
  }
  Bytes empty_partition_key = key;
  empty_partition_key[13] = 0;
  CHECK(decode_key(empty_partition_key).error().code == ErrorCode::corrupt);
}

TEST_CASE("keys sort by token, bucket, partition key's length, partition key, sort key") {
  CHECK(key_of(1, 9, "z", "z") < key_of(2, 1, "a", "a"));
  CHECK(key_of(0x7f00, 1, "z") < key_of(0x8000, 1, "a"));
  CHECK(key_of(1, 1, "z", "z") < key_of(1, 2, "a"));
  CHECK(key_of(1, 1, "z", "z") < key_of(1, 1, "aa"));
  CHECK(key_of(1, 1, "a", "z") < key_of(1, 1, "b"));
  CHECK(key_of(1, 1, "a") < key_of(1, 1, "a", BytesView("\0", 1)));
  CHECK(key_of(1, 1, "a", "\x7f") < key_of(1, 1, "a", "\x80"));
}

TEST_CASE("a partition key's range holds its records and no other's") {
  const KeyRange range = range_of(Token{5}, BucketId{3}, "k\xff");
  CHECK(lies_in(range, key_of(5, 3, "k\xff")));
  CHECK(lies_in(range, key_of(5, 3, "k\xff", std::string(300, '\xff'))));
  CHECK_FALSE(lies_in(range, key_of(5, 3, "l")));
  CHECK_FALSE(lies_in(range, key_of(5, 3, "k\xfe", "\xff")));
  CHECK_FALSE(lies_in(range, key_of(5, 3, "k\xff\xff")));
  CHECK_FALSE(lies_in(range, key_of(5, 2, "k\xff")));
  CHECK_FALSE(lies_in(range, key_of(4, 3, "k\xff")));
  CHECK_FALSE(lies_in(range, key_of(6, 3, "k\xff")));

  const std::string highest(limits::key_bytes, '\xff');
  const KeyRange last = range_of(Token{~0ULL}, BucketId{~0U}, highest);
  CHECK(lies_in(last, key_of(~0ULL, ~0U, highest)));
  CHECK_FALSE(lies_in(last, key_of(~0ULL, ~0U, highest.substr(1))));
}

TEST_CASE("the range of a key that cannot exist is empty") {
  for (const std::string& key : {std::string(), std::string(limits::key_bytes + 1, 'k')}) {
    const KeyRange range = range_of(Token{0}, BucketId{0}, key);
    CHECK_FALSE(range.to.empty());
    CHECK(range.from == range.to);
  }
}

TEST_CASE("partitions' ranges cut the ring without gap or overlap") {
  for (const std::uint32_t partitions : {1U, 2U, 16U, 16384U}) {
    Bytes expected;
    for (std::uint32_t i = 0; i < partitions; ++i) {
      const KeyRange range = range_of(PartitionId{i}, partitions);
      if (i > 0) CHECK(range.from == expected);
      CHECK(range.to.empty() == (i + 1 == partitions));
      expected = range.to;
    }
  }
  const KeyRange last = range_of(PartitionId{15}, 16);
  CHECK(lies_in(last, key_of(~0ULL, ~0U, "\xff", "\xff")));
  CHECK(lies_in(last, key_of(0xf000000000000000, 0, "a")));
  CHECK_FALSE(lies_in(last, key_of(0xefffffffffffffff, ~0U, "\xff")));
}
