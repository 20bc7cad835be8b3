#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "node/control/topology.h"
#include "node/inspections.h"
#include "node/node.h"

namespace coterie::admin {

/// What is done on every shard's thread, and its outcome there: how many things it was about.
using ShardTask = std::function<Result<std::uint64_t>(Shard&)>;

/// Where the admin door's answers come from. Each call waits, bounded, for the event loops and
/// never blocks one. From any thread. Errors: unavailable (no answer in time, or stopping).
struct Source {
  std::function<Result<NodeStatus>()> status;
  /// What each owner of a partition holds of a stored key.
  std::function<Result<std::vector<Inspection>>(PartitionId partition, Bytes key)> inspect;
  /// Runs a task on each shard of this node; what came of it, in their order. Errors: also if one
  /// of them could not be asked; others may have run it then.
  std::function<Result<std::vector<Result<std::uint64_t>>>(ShardTask)> on_all_shards;
  /// As Control::order. Errors: also those of it.
  std::function<Result<topology::Answer>(const topology::Order&)> order;
  /// Stops this node cleanly, as Node::stop(); does not wait for it.
  std::function<void()> stop;
};

}  // namespace coterie::admin
