// Who serves a partition now: this shard, another one of this node, an owner, a fallback.

#include <algorithm>

#include "base/limits.h"
#include "node/shard.h"

namespace coterie {

bool Shard::is_ours(const Incoming& in, const Asked& asked, const Forwards::Message& message) {
  const PartitionId partition = asked.partition;
  const auto readers = view_->epoch->readers(partition);
  // Whoever passed it on may not have heard of the cut-over yet.
  const bool is_owner = std::ranges::count(readers, options_.node) != 0 ||
                        (asked.was_forwarded && view_->epoch->owns(options_.node, partition));
  if (!is_owner && !(asked.is_sloppy && stands_in(partition))) {
    if (asked.was_forwarded) {
      refuse(in, {.code = ErrorCode::not_owner,
                  .message = "this node does not own the key; fetch the ring and ask an owner"});
    } else {
      forward(in, asked, message);
    }
    return false;
  }
  const ShardIndex shard{static_cast<std::uint16_t>(partition.value % options_.shards)};
  if (shard == options_.shard) return true;
  pass_to(shard, in);
  return false;
}

void Shard::forward(const Incoming& in, const Asked& asked, const Forwards::Message& message) {
  const auto* put = std::get_if<wire::Put>(&message);
  if (put != nullptr && coordinator_.remembers(put->id, now())) {
    return refuse(in, {.code = ErrorCode::unknown_outcome,
                       .message = "this node began it, and owns the key no more; read the key"});
  }
  const auto client = admit(in);
  if (!client) return;
  std::vector<PeerLinks::Target> near;
  std::vector<PeerLinks::Target> far;
  for (const auto node : view_->epoch->readers(asked.partition)) {
    const auto target = links_.shard_of(node, asked.partition);
    if (!target) continue;
    (reach_of(node) == coordinator::Reach::good ? near : far).push_back(*target);
  }
  near.insert(near.end(), far.begin(), far.end());
  if (asked.is_sloppy) {
    find_fallbacks(asked.partition, true);
    for (const auto node : fallbacks_) {
      const auto target = links_.shard_of(node, asked.partition);
      if (target && node != options_.node) near.push_back(*target);
    }
  }
  forwards_.pass_on(*client, message, near, deadline_of(in));
}

/// This node coordinates in the place of owners of whom it reaches none, if it is among the first
/// that all would ask then.
bool Shard::stands_in(PartitionId partition) {
  const auto owners = view_->epoch->holders(partition);
  const bool is_alone = std::ranges::all_of(
      owners, [this](NodeId node) { return reach_of(node) == coordinator::Reach::none; });
  if (!is_alone) return false;
  find_fallbacks(partition, true);
  const auto at = std::ranges::find(fallbacks_, options_.node);
  return at != fallbacks_.end() && at - fallbacks_.begin() < std::ssize(owners);
}

coordinator::Reach Shard::reach_of(NodeId node) const {
  const bool is_alive = links_.is_alive(node);
  const bool is_reachable = links_.is_reachable(node);
  if (is_alive && is_reachable) return coordinator::Reach::good;
  const bool is_connected = links_.is_connected(node);
  // a send would be refused: better said before the write has its dot than after
  if (!is_reachable && !is_connected) return coordinator::Reach::none;
  return is_alive || is_connected ? coordinator::Reach::doubtful : coordinator::Reach::none;
}

const std::vector<NodeId>& Shard::fallbacks_of(PartitionId partition) {
  const auto [at, is_new] = fallback_lists_.try_emplace(partition);
  if (is_new) {
    const auto& epoch = *view_->epoch;
    auto list = epoch.preference_list(partition, epoch.members().size());
    std::erase_if(list, [&](NodeId node) { return epoch.holds(node, partition); });
    at->second = std::move(list);
  }
  return at->second;
}

/// Those that can be reached, in the order of the preference list, as many as are ever used; those
/// whose hints are at their bound only for reads.
void Shard::find_fallbacks(PartitionId partition, bool with_full) {
  fallbacks_.clear();
  are_hints_full_ = false;
  for (const auto node : fallbacks_of(partition)) {
    if (fallbacks_.size() == limits::replicas_most) return;
    const bool is_here = node == options_.node;
    if (!is_here && reach_of(node) == coordinator::Reach::none) continue;
    if (!with_full && view_->epoch->is_leaving(node)) continue;
    const auto full = hints_full_until_.find(node);
    const bool is_full = is_here
                             ? record_hints_.is_full()
                             : full != hints_full_until_.end() && full->second > env_.clock.now();
    if (is_full && !with_full) {
      are_hints_full_ = true;
    } else {
      fallbacks_.push_back(node);
    }
  }
}

coordinator::Placement Shard::placement_of(const Asked& asked) {
  const auto& epoch = *view_->epoch;
  owners_.clear();
  const auto add = [this](NodeId node) {
    owners_.push_back(
        {.node = node, .reach = node == options_.node ? coordinator::Reach::good : reach_of(node)});
  };
  for (const auto node : epoch.owners(asked.partition)) add(node);
  coordinator::Placement out{.partition = asked.partition,
                             .configuration = epoch.configuration(asked.partition),
                             .is_sloppy = asked.is_sloppy};
  if (epoch.stage(asked.partition) != Stage::stable) {
    const auto change = epoch.at(asked.partition);
    out.groups = transition::groups_of(change);
    for (const auto node : change.new_owners) {
      if (!epoch.owns(node, asked.partition)) add(node);
    }
  }
  out.owners = owners_;
  if (!asked.is_sloppy) return out;
  find_fallbacks(asked.partition, !asked.is_put);
  out.fallbacks = fallbacks_;
  out.are_hints_full = are_hints_full_;
  return out;
}

coordinator::Placement Shard::placement(PartitionId partition, bool is_sloppy, bool is_put) {
  return placement_of({.partition = partition, .is_sloppy = is_sloppy, .is_put = is_put});
}

}  // namespace coterie
