#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "ring/epoch.h"

namespace coterie {

struct BirthInput {
  ClusterId cluster;            ///< drawn by whoever gives birth
  std::uint64_t hash_seed = 0;  ///< likewise
  std::uint32_t partitions = 0;
  std::uint32_t replicas = 0;
  std::vector<Member> members;  ///< all of `initial_members`, in any order
  std::vector<Bucket> buckets;  ///< in any order; their ids are given here, by name, from 1
};

/// Epoch (1, 1): all partitions placed, stable and in configuration 1. The voters are as many
/// members as make an odd number, at most limits::voters_most, spread over the zones. The same
/// input, in whatever order, gives the same epoch.
///
/// invalid_argument where place() or Epoch::make refuse.
[[nodiscard]] Result<Epoch> first_epoch(BirthInput input);

/// Spread over zones: zone by zone, in the order of their names, the next member by id, until there
/// are enough. Sorted.
[[nodiscard]] std::vector<NodeId> choose_voters(const std::vector<Member>& members);

}  // namespace coterie
