#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/ids.h"

namespace coterie {

/// The place of a partition key on the ring: XXH3-64, seeded with the cluster's hash seed, of the
/// bucket id (u32, little-endian) and then the partition key. The sort key has no part in it.
/// Fixed for the life of a cluster: data lies on disk by it.
[[nodiscard]] Token token_of(BucketId bucket, BytesView partition_key, std::uint64_t cluster_seed);

/// The partition that holds `token`: the token's top bits. `partitions` is a power of two within
/// limits (check()ed; an Epoch has verified its own).
[[nodiscard]] PartitionId partition_of(Token token, std::uint32_t partitions);

/// Consecutive tokens, both ends included (the last token of the ring has no successor).
struct TokenRange {
  Token first;
  Token last;

  constexpr auto operator<=>(const TokenRange&) const = default;
  [[nodiscard]] constexpr bool contains(Token token) const {
    return first <= token && token <= last;
  }
};

/// The tokens of a partition; `partition` must be below `partitions`.
[[nodiscard]] TokenRange bounds_of(PartitionId partition, std::uint32_t partitions);

}  // namespace coterie
