#pragma once

#include <cstdint>
#include <set>

#include "ring/epoch.h"

namespace coterie::admin {

/// What the nodes that can be reached are good for.
struct Availability {
  std::uint32_t partitions = 0;
  std::uint32_t full = 0;             // every owner can be reached
  std::uint32_t short_of_copies = 0;  // an owner is missing, the quorum is there
  std::uint32_t without_quorum = 0;
  /// How many owners the most demanding bucket needs: the greatest R or W of all.
  std::uint32_t quorum = 0;
  /// Whichever nodes (or whole zones) of those that can be reached fail next: so many leave every
  /// partition its quorum. 0 also where one is without it already.
  std::uint32_t nodes_may_fail = 0;
  std::uint32_t zones_may_fail = 0;
};

/// `reachable`: the members that count as serving. Exact: the worst case over all partitions.
[[nodiscard]] Availability availability_of(const Epoch& epoch, const std::set<NodeId>& reachable);

}  // namespace coterie::admin
