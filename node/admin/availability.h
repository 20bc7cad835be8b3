#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "base/ids.h"
#include "ring/epoch.h"

namespace coterie::admin {

/// The partitions that stand the fewest more failures.
struct ThinPartitions {
  /// How many they are; 0: nothing is missing anywhere that could make one thinner than another.
  std::uint32_t partitions = 0;
  /// So many more of their nodes may fail; none: they are without quorum.
  std::optional<std::uint32_t> spare;
  /// The first of them, at most limits::partitions_named.
  std::vector<PartitionId> first;
  struct Lacking {
    NodeId node;
    std::uint32_t partitions = 0;
  };
  /// By whose absence they are thin, by id.
  std::vector<Lacking> lacking;
  /// Who is left to them, by id.
  std::vector<NodeId> resting_on;
};

/// What the nodes that can be reached are good for. Counted with the quorums that requests need at
/// the stage that each partition is at: while its owners change, of the old and of the new ones.
struct Availability {
  std::uint32_t partitions = 0;
  std::uint32_t full = 0;             // all that have a copy or are given one can be reached
  std::uint32_t short_of_copies = 0;  // one of them is missing, the quorums are there
  std::uint32_t without_quorum = 0;
  std::uint32_t changing = 0;  // of all: their owners change
  /// How many owners the most demanding bucket needs: the greatest R or W of all.
  std::uint32_t quorum = 0;
  /// Whichever nodes (or whole zones) of those that can be reached fail next: so many leave every
  /// partition its quorum. 0 also where one is without it already.
  std::uint32_t nodes_may_fail = 0;
  std::uint32_t zones_may_fail = 0;
  ThinPartitions thin;
};

/// `reachable`: the members that count as serving. Exact: the worst case over all partitions.
[[nodiscard]] Availability availability_of(const Epoch& epoch, const std::set<NodeId>& reachable);

/// The partitions of which `node` has or is given a copy that would be without quorum if it, too,
/// could not be reached; ascending.
[[nodiscard]] std::vector<PartitionId> resting_on(const Epoch& epoch, std::set<NodeId> reachable,
                                                  NodeId node);

}  // namespace coterie::admin
