#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "ring/transition/configuration.h"

namespace coterie::transition {

/// The smallest R and W over all buckets (of every epoch that may still be in use): what barriers
/// count with.
struct SmallestQuorums {
  std::uint32_t r = 1;
  std::uint32_t w = 1;
};

/// The owners that the change gives the partition, in the order of their ids. `configuration` is
/// changing, here and below.
[[nodiscard]] std::vector<NodeId> gained(const Configuration& configuration);
/// The owner whose copy the new owner's replaces: each gained owner has one of its own. Nothing for
/// a node that was an owner before.
[[nodiscard]] std::optional<NodeId> displaced_by(const Configuration& configuration,
                                                 NodeId new_owner);

/// Whether a source may hand out its copy to a new owner: only after it has durably fenced the
/// configuration that opened the change. Before, it may take a write that was agreed on without
/// the new owner, after the stream has passed that place.
[[nodiscard]] bool may_serve_stream(ConfigurationNumber fenced, ConfigurationNumber opened);

/// Whether a new owner that holds all that each of `covered` (old owners) held when it fenced
/// "open" stands for what was acknowledged before: the replica that it displaces is one of them, or
/// N-W+1 of the old owners are. One picked at will is not enough: it may be the one that missed an
/// acknowledged write. An owner from before needs no source. Where so many owners are `removed`
/// that fewer than N-W+1 are left, these are all there will ever be: what the removed alone had
/// acknowledged is lost, which the operator was told before.
[[nodiscard]] bool is_covered(const Configuration& configuration, NodeId new_owner,
                              std::span<const NodeId> covered, std::span<const NodeId> removed,
                              SmallestQuorums smallest);

}  // namespace coterie::transition
