#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/wire/messages.h"
#include "ring/epoch.h"

namespace coterie::client {

/// One shard of one node: where a connection goes.
struct Target {
  NodeId node;
  ShardIndex shard;

  auto operator<=>(const Target&) const = default;
};

/// The ring and how its members fare, as some node told it.
struct Ring {
  struct Node {
    NodeId id;
    wire::Liveness liveness = wire::Liveness::dead;
    std::uint16_t shards = 0;
    /// Of its client door; nothing while no node has heard of it.
    std::optional<Address> address;
  };

  std::shared_ptr<const Epoch> epoch;
  std::vector<Node> nodes;  // sorted by id

  [[nodiscard]] const Node* node(NodeId id) const;
  /// The shard of a node that holds a partition; nothing while it cannot be dialled.
  [[nodiscard]] std::optional<Target> target(NodeId node, PartitionId partition) const;
};

/// What a ring reply says; `before` gives the epoch where the reply leaves it out. Errors: corrupt
/// (the epoch's bytes), unsupported_version, refused (an epoch of another cluster than before).
[[nodiscard]] Result<Ring> read_ring(const wire::RingReply& reply, const Ring& before);

}  // namespace coterie::client
