#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"

namespace coterie {

/// A node that partitions can be placed on.
struct PlacementNode {
  NodeId id;
  std::string zone;
  std::uint32_t weight = 1;
};

/// The floor and the ceiling of a node's weighted share, in virtual nodes.
struct LoadBounds {
  std::uint32_t least = 0;
  std::uint32_t most = 0;

  bool operator==(const LoadBounds&) const = default;
};

/// What each node should carry.
struct Shares {
  /// Owners of one partition in one zone, at most: ceil(N / zones), or the smallest number above it
  /// with which the nodes suffice (a zone of few nodes cannot take its part).
  std::uint32_t zone_most = 0;
  std::vector<LoadBounds> loads;  ///< of each node, in the order given
};

/// Splits partitions x replicas virtual nodes by weight, exactly (in integers). A node carries at
/// most `partitions` and a zone at most zone_most x partitions; what is cut off there goes to the
/// others by weight. Loads within these bounds that add up to partitions x replicas, no zone over
/// its most, can always be placed. Requires nodes >= replicas >= 1 and weights >= 1.
[[nodiscard]] Shares shares_of(std::span<const PlacementNode> nodes, std::uint32_t partitions,
                               std::uint32_t replicas);

/// Where some partitions stay as they are: `fixed` is how many of these each node owns. A node with
/// more than its share keeps those and gets no other; what the fixed ones leave to the others they
/// divide by weight. Zones are kept in the partitions that are free.
[[nodiscard]] Shares shares_beside(std::span<const PlacementNode> nodes, std::uint32_t partitions,
                                   std::uint32_t replicas, std::span<const std::uint32_t> fixed);

}  // namespace coterie
