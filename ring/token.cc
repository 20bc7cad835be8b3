#include "ring/token.h"

#include <array>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"

namespace coterie {
namespace {

constexpr std::size_t bucket_bytes = 4;

int token_shift(std::uint32_t partitions) {
  check(std::has_single_bit(partitions) && partitions >= limits::partitions_least &&
            partitions <= limits::partitions_most,
        "the number of partitions is a power of two within limits");
  return 64 - std::countr_zero(partitions);
}

}  // namespace

Token token_of(BucketId bucket, BytesView partition_key, std::uint64_t cluster_seed) {
  std::array<char, bucket_bytes + limits::key_bytes> input;
  check(partition_key.size() <= limits::key_bytes, "a key is checked before it gets a token");
  for (std::size_t i = 0; i < bucket_bytes; ++i) {
    input[i] = static_cast<char>(bucket.value >> (8 * i));
  }
  if (!partition_key.empty()) {
    std::memcpy(input.data() + bucket_bytes, partition_key.data(), partition_key.size());
  }
  return Token{hash64(BytesView(input.data(), bucket_bytes + partition_key.size()), cluster_seed)};
}

PartitionId partition_of(Token token, std::uint32_t partitions) {
  return PartitionId{static_cast<std::uint32_t>(token.value >> token_shift(partitions))};
}

TokenRange bounds_of(PartitionId partition, std::uint32_t partitions) {
  const int shift = token_shift(partitions);
  check(partition.value < partitions, "a partition is below the number of partitions");
  const std::uint64_t first = std::uint64_t{partition.value} << shift;
  return {.first = Token{first}, .last = Token{first | ((std::uint64_t{1} << shift) - 1)}};
}

}  // namespace coterie
