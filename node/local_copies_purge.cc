// Purges of partition copies: generations, what is purged, and copies that were restored.

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "node/local_copies.h"
#include "node/replica/purge_state.h"
#include "storage/key.h"
#include "storage/shard_trees.h"

namespace coterie {

void LocalCopies::add(PartitionId partition, ActorId actor, bool is_damaged) {
  replica::PurgeState state;
  bool is_unsure = is_damaged;
  if (auto stored = store_.get(Space::meta, replica::purge_state_key(partition)); !stored) {
    is_unsure = true;
  } else if (*stored) {
    const auto decoded = replica::decode_purge_state(**stored);
    if (decoded) state = *decoded;
    if (!decoded || decoded->is_destroyed) is_unsure = true;
  }
  const auto place = copies_.emplace(
      partition,
      replica::PartitionCopy(partition, actor, epoch_->configuration(partition), state.generation,
                             is_unsure ? replica::CopyState::unsure : replica::CopyState::full));
  auto& copy = place.first->second;
  copy.raise_purged(state.purged);
  by_partition_[partition.value] = &copy;
  if (state.is_destroyed) destroyed_.insert(partition);
  if (state.is_emptying) empty(copy);
}

Result<LogPosition> LocalCopies::keep_purge_state(const replica::PartitionCopy& copy,
                                                  bool is_emptying) {
  Write write{
      .space = Space::meta,
      .key = replica::purge_state_key(copy.partition()),
      .value = replica::encode_purge_state({.generation = copy.generation(),
                                            .purged = copy.purged(),
                                            .is_destroyed = destroyed_.contains(copy.partition()),
                                            .is_emptying = is_emptying})};
  return store_.append(std::span(&write, 1));
}

Result<LogPosition> LocalCopies::raise_generation(PartitionId partition, Generation generation) {
  auto* copy = find(partition);
  if (copy == nullptr) return fail(ErrorCode::not_owner, "this node has no copy of the partition");
  if (generation > copy->generation()) {
    copy->raise_generation(generation);
    return keep_purge_state(*copy, false);
  }
  // It may have been raised a moment ago, and not be durable yet.
  const auto stored = store_.read(Space::meta, replica::purge_state_key(partition));
  if (!stored) return std::unexpected(stored.error());
  return stored->rests_on;
}

void LocalCopies::heard_of_purge(PartitionId partition, Generation purged) {
  auto* copy = find(partition);
  if (copy == nullptr || copy->generation() >= purged) return;
  // This copy's word that it had reached `purged` was durable before anything was purged.
  ++counters_.destroyed_copies;
  destroyed_.insert(partition);
  copy->set_state(replica::CopyState::unsure);
  copy->raise_purged(purged);
  redraw(*copy);
  if (keep_purge_state(*copy, true)) empty(*copy);
}

/// Erases all records of a destroyed copy: among them may be what was deleted and purged since.
/// Within one call, so that nothing comes in between; it is as rare as disks are exchanged.
void LocalCopies::empty(replica::PartitionCopy& copy) {
  const KeyRange range = range_of(copy.partition(), epoch_->partitions());
  Bytes from = range.from;
  for (;;) {
    std::vector<Write> erasures;
    const auto visit = [&](BytesView key, BytesView value) {
      erasures.push_back({.space = Space::records,
                          .key = Bytes(key),
                          .value = std::nullopt,
                          .old_leaf_hash = stored_leaf_hash(key, value)});
      return erasures.size() < limits::batch_writes;
    };
    if (!store_.scan(Space::records, from, range.to, visit)) return;
    if (erasures.empty()) break;
    from = erasures.back().key;
    if (!store_.append(erasures)) return;
  }
  (void)keep_purge_state(copy, false);
}

Result<LogPosition> LocalCopies::refilled(PartitionId partition) {
  auto* copy = find(partition);
  if (copy == nullptr) return fail(ErrorCode::not_owner, "this node has no copy of the partition");
  destroyed_.erase(partition);
  copy->set_state(replica::CopyState::full);
  return keep_purge_state(*copy, false);
}

}  // namespace coterie
