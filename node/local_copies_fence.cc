// Copies while their partition changes owners: fences, copies that are gained and left.

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "node/local_copies.h"
#include "ring/transition/configuration.h"
#include "storage/key.h"
#include "storage/shard_trees.h"

namespace coterie {

ConfigurationNumber LocalCopies::fenced(PartitionId partition) const {
  const auto at = fenced_.find(partition);
  return at == fenced_.end() ? ConfigurationNumber{0} : at->second;
}

std::optional<LocalCopies::Filling> LocalCopies::filling(PartitionId partition) const {
  const auto at = fences_.find(partition);
  if (at == fences_.end() || !at->second.is_filling) return std::nullopt;
  return Filling{.change = at->second.gained_in, .began_empty = began_empty_.contains(partition)};
}

replica::CopyState LocalCopies::sound_state(PartitionId partition) const {
  return filling(partition) ? replica::CopyState::filling : replica::CopyState::full;
}

/// What cannot be read is as good as none: a copy that is being filled then begins anew.
replica::FenceState LocalCopies::stored_fence(PartitionId partition) {
  const auto stored = store_.read(Space::meta, replica::fence_state_key(partition));
  if (!stored || !stored->value) return {};
  const auto state = replica::decode_fence_state(*stored->value);
  if (!state) return {};
  gate_.call(stored->rests_on, [this, partition, configuration = state->configuration] {
    on_fence_synced(partition, configuration);
  });
  return *state;
}

void LocalCopies::keep_fence(PartitionId partition) {
  const auto& fence = fences_.at(partition);
  Write write{.space = Space::meta,
              .key = replica::fence_state_key(partition),
              .value = replica::encode_fence_state(fence)};
  const auto position = store_.append(std::span(&write, 1));
  if (!position) {
    unkept_fences_.insert(partition);
    return;
  }
  unkept_fences_.erase(partition);
  store_.request_sync();
#ifdef COTERIE_PLANT_EARLY_FENCE  // defined only where a test must see it
  on_fence_synced(partition, fence.configuration);
#else
  gate_.call(*position, [this, partition, configuration = fence.configuration] {
    on_fence_synced(partition, configuration);
  });
#endif
}

void LocalCopies::on_fence_synced(PartitionId partition, ConfigurationNumber configuration) {
  auto& known = fenced_[partition];
  if (configuration <= known) return;
  known = configuration;
  // Whoever comes back before this is durable must not find half a copy that it believes in.
  if (left_over_.contains(partition) && transition::may_delete_copy(epoch_->at(partition), self_)) {
    erasing_.insert(partition);
    if (on_work_) on_work_();
  }
  if (on_fenced_) on_fenced_(partition, configuration);
}

/// Of a partition that this node holds under the epoch.
void LocalCopies::hold(PartitionId partition, const std::vector<PartitionId>& damaged) {
  const auto* change = epoch_->owns(self_, partition) ? nullptr : epoch_->change(partition);
  const auto configuration = epoch_->configuration(partition);
  auto* copy = find(partition);
  const auto known = copy != nullptr ? fences_[partition] : stored_fence(partition);
  const bool is_regained = change != nullptr && known.gained_in != change->id;
  if (copy != nullptr && is_regained) {
    // It was left in between: the actor of then may have minted what is not here any more.
    drop(partition);
    copy = nullptr;
  }
  replica::FenceState next{.configuration = std::max(known.configuration, configuration),
                           .gained_in = change == nullptr ? 0 : change->id,
                           .is_filling = known.is_filling && change != nullptr &&
                                         epoch_->stage(partition) != Stage::cut_over};
  fences_[partition] = next;
  if (copy == nullptr) {
#ifdef COTERIE_PLANT_KEPT_ACTOR  // defined only where a test must see it
    const ActorId actor{self_.low ^ partition.value};
#else
    const ActorId actor{random_.next()};
#endif
    add(partition, actor, std::ranges::find(damaged, partition) != damaged.end());
    copy = find(partition);
  }
  left_over_.erase(partition);
  left_whole_.erase(partition);
  erasing_.erase(partition);
  if (is_regained) gain(*copy, next, *change);
  copy->raise_configuration(next.configuration);
  fences_[partition] = next;
  if (copy->state() != replica::CopyState::unsure) copy->set_state(sound_state(partition));
  if (!next.is_filling) began_empty_.erase(partition);
  // The first configuration has none before it that could be refused.
  const bool is_news = known != next && next.configuration > ConfigurationNumber{1};
  if (is_news || unkept_fences_.contains(partition)) keep_fence(partition);
}

/// A copy that the change gives this node, and of which it knows nothing yet. What may still be
/// here of an earlier time goes first: among it may be what was deleted and purged since.
void LocalCopies::gain(replica::PartitionCopy& copy, replica::FenceState& fence,
                       const Change& change) {
  const PartitionId partition = copy.partition();
  ++counters_.gained_copies;
  const bool is_cut_over = change.stage == Stage::cut_over;
  fence.is_filling = !is_cut_over;
  began_empty_.insert(partition);
  // That the change is cut over says that this copy was full: it was lost since.
  if (is_cut_over) {
    ++counters_.destroyed_copies;
    destroyed_.insert(partition);
  } else {
    destroyed_.erase(partition);
  }
  emptying_.insert(partition);
  copy.set_state(replica::CopyState::unsure);
  // What comes now, power has not taken.
  if (doubt_ != 0) (void)end_doubt(partition);
  if (!empty(copy)) return;
  (void)store_.clear_damage(partition);
  if (!is_cut_over) copy.set_state(replica::CopyState::filling);
}

void LocalCopies::drop(PartitionId partition) {
  copies_.erase(partition);
  by_partition_[partition.value] = nullptr;
  destroyed_.erase(partition);
  emptying_.erase(partition);
  began_empty_.erase(partition);
}

/// What this node holds no more, or still holds from before it was started. It answers for none of
/// it, and erases what the epoch allows once its fence is durable.
void LocalCopies::let_go(ShardIndex shard, std::uint16_t shards) {
  for (std::uint32_t at = shard.value; at < epoch_->partitions(); at += shards) {
    const PartitionId partition{at};
    const bool may_delete = transition::may_delete_copy(epoch_->at(partition), self_);
    if (!may_delete && epoch_->holds(self_, partition)) continue;
    const auto* tree = store_.tree(partition);
    const auto* copy = find(partition);
    const bool had_copy = copy != nullptr;
    if (!had_copy && (tree == nullptr || tree->root().records == 0)) continue;
    const auto known = had_copy ? fences_[partition] : stored_fence(partition);
    if (had_copy && copy->state() == replica::CopyState::full) {
      left_whole_[partition] = copy->purged();
    }
    if (had_copy) drop(partition);
    left_over_.insert(partition);
    if (!may_delete) continue;
    const auto configuration = std::max(known.configuration, epoch_->configuration(partition));
    if (fenced(partition) >= configuration) {
      erasing_.insert(partition);
      continue;
    }
    fences_[partition] = {.configuration = configuration};
    keep_fence(partition);
  }
}

Result<coordinator::LocalRead> LocalCopies::read_left(PartitionId partition, BytesView key) {
  if (stopped_) return fail(ErrorCode::unavailable, *stopped_);
  const auto left = left_whole_.find(partition);
  if (left == left_whole_.end()) return LocalReplica::read_left(partition, key);
  auto stored = store_.get(Space::records, key);
  if (!stored) return std::unexpected(stored.error());
  coordinator::LocalRead out{.generation = left->second, .purged = left->second};
  if (*stored) out.record = *std::move(*stored);
  return out;
}

LocalCopies::Tended LocalCopies::tend() {
  if (stopped_) return Tended::all;
  if (!unkept_fences_.empty()) {
    const auto partition = *unkept_fences_.begin();
    keep_fence(partition);
    return unkept_fences_.contains(partition) ? Tended::refused : Tended::more;
  }
  for (const auto partition : emptying_) {
    auto& copy = *find(partition);
    if (!fences_[partition].is_filling) continue;
    if (!empty(copy)) return Tended::refused;
    (void)store_.clear_damage(partition);
    copy.set_state(replica::CopyState::filling);
    return Tended::more;
  }
  if (erasing_.empty()) return Tended::all;
  return erase_some(*erasing_.begin());
}

LocalCopies::Tended LocalCopies::erase_some(PartitionId partition) {
  const KeyRange range = range_of(partition, epoch_->partitions());
  std::vector<Write> erasures;
  const auto visit = [&](BytesView key, BytesView value) {
    erasures.push_back({.space = Space::records,
                        .key = Bytes(key),
                        .value = std::nullopt,
                        .old_leaf_hash = stored_leaf_hash(key, value)});
    return erasures.size() < limits::batch_writes;
  };
  if (auto scanned = store_.scan(Space::records, range.from, range.to, visit); !scanned) {
    return Tended::refused;
  }
  const bool is_last = erasures.empty();
  if (is_last) {
    erasures.push_back({.space = Space::meta, .key = replica::fence_state_key(partition)});
  }
  if (!store_.append(erasures)) return Tended::refused;
  if (!is_last) return Tended::more;
  (void)store_.clear_damage(partition);
  erasing_.erase(partition);
  left_over_.erase(partition);
  left_whole_.erase(partition);
  fences_.erase(partition);
  fenced_.erase(partition);
  ++counters_.dropped_copies;
  return erasing_.empty() ? Tended::all : Tended::more;
}

}  // namespace coterie
