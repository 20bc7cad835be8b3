// What a simulated node's copies are worth.

#include <utility>

#include "base/check.h"
#include "tests/sim/node.h"

namespace coterie::sim {

bool SimNode::is_sure(PartitionId partition) const {
  const auto* copy = std::as_const(shard_of(partition)).copies().copy(partition);
  return copy != nullptr && copy->state() == replica::CopyState::full;
}

bool SimNode::is_in_doubt(PartitionId partition) const {
  const auto* copy = std::as_const(shard_of(partition)).copies().copy(partition);
  return copy != nullptr && copy->is_in_doubt();
}

bool SimNode::has_copy(PartitionId partition) const {
  return shard_of(partition).copies().copy(partition) != nullptr;
}

ConfigurationNumber SimNode::heard(PartitionId partition) const {
  const auto* copy = std::as_const(shard_of(partition)).copies().copy(partition);
  return copy == nullptr ? ConfigurationNumber{0} : copy->configuration();
}

ConfigurationNumber SimNode::fenced(PartitionId partition) const {
  return shard_of(partition).copies().fenced(partition);
}

std::vector<NodeId> SimNode::covered(PartitionId partition) const {
  return shard_of(partition).streams().covered(partition);
}

ConfigurationNumber SimNode::covered_at(PartitionId partition) const {
  return shard_of(partition).streams().opened(partition);
}

bool SimNode::accept_doubts() {
  check(is_ready(), "people speak to those who listen");
  bool is_any = false;
  for (const auto partition : view()->epoch->partitions_of(id_)) {
    if (!is_in_doubt(partition)) continue;
    (void)shard_of(partition).anti_entropy().accept_loss(partition);
    is_any = true;
  }
  return is_any;
}

}  // namespace coterie::sim
