#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "ring/shares.h"

namespace coterie {

struct PlacementInput {
  std::vector<PlacementNode> nodes;  ///< in any order; the result does not depend on it
  std::uint32_t partitions = 0;
  std::uint32_t replicas = 0;
  /// As EpochContents::owners; empty if there are none. Nodes no longer listed are replaced.
  std::vector<NodeId> previous_owners;
  /// Partitions that keep their previous owners, in their order; ascending. They are nodes.
  std::vector<std::uint32_t> fixed;
};

struct Placement {
  /// As EpochContents::owners: partition by partition, the preferred coordinator first.
  std::vector<NodeId> owners;
  /// Virtual nodes that stand where they did not before; all of them if there were none before.
  std::size_t moves = 0;
  /// Owners of a partition in one zone, at most. Above ceil(N / zones) only where some zones have
  /// too few nodes to take their part.
  std::uint32_t zone_most = 0;
};

/// Decides who owns what. Goals, the earlier before the later: the owners of a partition are
/// distinct nodes; at most zone_most of them are in one zone; each node carries its weighted share,
/// rounded down or up (shares_beside, where some are fixed); as few owners as possible are new.
/// Within that, replica sets are mixed, so that a failed node's work falls on many, and each
/// position in the lists of owners is spread evenly. The same input gives the same output with
/// every compiler. DESIGN: ring and placement.
///
/// invalid_argument: fewer nodes than replicas, a node twice, weights or sizes outside limits.
[[nodiscard]] Result<Placement> place(const PlacementInput& input);

}  // namespace coterie
