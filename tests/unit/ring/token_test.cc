#include "ring/token.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "base/hash.h"
#include "base/limits.h"
#include "base/random.h"

using namespace coterie;

TEST_CASE("a token is the seeded hash of bucket id and partition key: golden values") {
  // Data lies on disk by these: they must never change.
  CHECK(to_hex(token_of(BucketId{1}, "alpha", 42).value) == "f61784b5a9f0536f");
  CHECK(to_hex(token_of(BucketId{2}, "alpha", 42).value) == "5bba6e053b6b7281");
  CHECK(to_hex(token_of(BucketId{1}, "alpha", 43).value) == "af0d069e9da5c81b");
  CHECK(to_hex(token_of(BucketId{1}, "", 42).value) == "b70b3e12bb82f1b8");
  CHECK(token_of(BucketId{0x01020304}, "key", 7).value ==
        hash64(BytesView("\x04\x03\x02\x01key", 7), 7));
}

TEST_CASE("the longest key has a token that depends on its last byte") {
  std::string key(limits::key_bytes, 'k');
  const Token before = token_of(BucketId{1}, key, 0);
  key.back() = 'l';
  CHECK(token_of(BucketId{1}, key, 0) != before);
}

TEST_CASE("partitions cut the ring into equal arcs without gaps") {
  for (const std::uint32_t partitions :
       {limits::partitions_least, 1024U, limits::partitions_most}) {
    std::uint64_t next = 0;
    for (std::uint32_t p = 0; p < partitions; ++p) {
      const TokenRange range = bounds_of(PartitionId{p}, partitions);
      REQUIRE(range.first.value == next);
      REQUIRE(partition_of(range.first, partitions) == PartitionId{p});
      REQUIRE(partition_of(range.last, partitions) == PartitionId{p});
      REQUIRE(range.contains(range.first));
      REQUIRE(range.contains(range.last));
      next = range.last.value + 1;
    }
    CHECK(next == 0);  // the last arc ends where the first began
  }
}

TEST_CASE("keys spread evenly over partitions") {
  constexpr std::uint32_t partitions = 16;
  constexpr int keys = 160000;
  std::array<int, partitions> counts{};
  for (int i = 0; i < keys; ++i) {
    ++counts[partition_of(token_of(BucketId{1}, std::to_string(i), 5), partitions).value];
  }
  for (const int count : counts) {  // five standard deviations
    CHECK(count > keys / 16 - 500);
    CHECK(count < keys / 16 + 500);
  }
}
