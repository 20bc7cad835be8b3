// Purges of partition copies: generations, what is purged, and copies that were restored.

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "node/local_copies.h"
#include "node/replica/purge.h"
#include "node/replica/purge_state.h"
#include "storage/key.h"
#include "storage/record.h"
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
  if (!state.is_emptying) return;
  emptying_.insert(partition);
  (void)empty(copy);
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

Result<void> LocalCopies::adopt_purges(PartitionId partition, Generation generation,
                                       Generation purged) {
  auto* copy = find(partition);
  if (copy == nullptr) return fail(ErrorCode::not_owner, "this node has no copy of the partition");
  if (generation <= copy->generation() && purged <= copy->purged()) return {};
  copy->raise_purged(std::max(copy->purged(), purged));
  copy->raise_generation(std::max(copy->generation(), generation));
  const auto kept = keep_purge_state(*copy, emptying_.contains(partition));
  if (!kept) return std::unexpected(kept.error());
  return {};
}

void LocalCopies::heard_of_purge(PartitionId partition, Generation purged) {
  auto* copy = find(partition);
  if (copy == nullptr || copy->generation() >= purged) return;
  if (filling(partition)) {
    // It promised nothing before it was given the partition.
    copy->raise_purged(purged);
    (void)keep_purge_state(*copy, emptying_.contains(partition));
    return;
  }
  // This copy's word that it had reached `purged` was durable before anything was purged.
  ++counters_.destroyed_copies;
  destroyed_.insert(partition);
  copy->set_state(replica::CopyState::unsure);
  copy->raise_purged(purged);
  redraw(*copy);
  emptying_.insert(partition);
  (void)empty(*copy);
  if (on_damage_) on_damage_(partition, {});
}

/// Erases all records of a destroyed copy: among them may be what was deleted and purged since.
/// Within one call, so that nothing comes in between; it is as rare as disks are exchanged. The
/// store may refuse: then it is tried again before the copy counts.
Result<void> LocalCopies::empty(replica::PartitionCopy& copy) {
  if (auto kept = keep_purge_state(copy, true); !kept) return std::unexpected(kept.error());
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
    if (auto scanned = store_.scan(Space::records, from, range.to, visit); !scanned) {
      return scanned;
    }
    if (erasures.empty()) break;
    from = erasures.back().key;
    if (auto done = store_.append(erasures); !done) return std::unexpected(done.error());
  }
  if (auto kept = keep_purge_state(copy, false); !kept) return std::unexpected(kept.error());
  emptying_.erase(copy.partition());
  return {};
}

Result<LogPosition> LocalCopies::refilled(PartitionId partition) {
  auto* copy = find(partition);
  if (copy == nullptr) return fail(ErrorCode::not_owner, "this node has no copy of the partition");
  if (emptying_.contains(partition)) {
    // Among what it was refilled with may still be what was deleted and purged.
    if (auto emptied = empty(*copy); !emptied) return std::unexpected(emptied.error());
    return fail(ErrorCode::unsure, "the copy has only now been emptied");
  }
  if (copy->is_in_doubt()) {
    if (auto ended = end_doubt(partition); !ended) return std::unexpected(ended.error());
  }
  destroyed_.erase(partition);
  copy->set_state(sound_state(partition));
  return keep_purge_state(*copy, false);
}

LocalCopies::Rests LocalCopies::rests_on(const replica::PartitionCopy& copy,
                                         LogPosition position) const {
  return {.position = position,
          .durability = Durability::commit,
          .generation = copy.generation(),
          .purged = copy.purged()};
}

Result<LocalCopies::Rests> LocalCopies::purge_raise(const wire::PurgeRaise& message) {
  auto* copy = find(message.scope.partition);
  heard_of_purge(message.scope.partition, message.purged);
  if (auto checked = check_scope(copy, message.scope, replica::Use::read); !checked) {
    return std::unexpected(checked.error());
  }
  if (auto listed = replica::check_listed(*copy, message.actor); !listed) {
    return std::unexpected(listed.error());
  }
  const auto position = raise_generation(message.scope.partition, message.scope.generation);
  if (!position) return std::unexpected(position.error());
  return rests_on(*copy, *position);
}

/// A damaged record is none that could be purged: it is not known what it says.
Result<LocalCopies::Purgeable> LocalCopies::purge_list(const wire::PurgeList& message,
                                                       WallTime now) {
  const auto* copy = find(message.scope.partition);
  if (auto checked = check_scope(copy, message.scope, replica::Use::read); !checked) {
    return std::unexpected(checked.error());
  }
  const KeyRange range = range_of(copy->partition(), epoch_->partitions());
  Purgeable out{.listing = {.generation = copy->generation(),
                            .purged = copy->purged(),
                            .actor = copy->actor()},
                .rests = rests_on(*copy, store_.last())};
  std::size_t seen = 0;
  const auto visit = [&](BytesView key, BytesView value) {
    if (++seen > limits::scan_page_records) {
      out.listing.reach = key;
      return false;
    }
    const auto record = decode_record(key, value);
    if (!record) return true;
    // A newer epoch may say what the bucket allows: that others hold copies of it.
    const auto what =
        is_of_known_bucket(key) ? replica::purgeable(*record, resolver_of(key), now) : std::nullopt;
    if (what) {
      out.listing.entries.push_back({.key = Bytes(key), .digest = digest(*record), .what = *what});
    }
    return true;
  };
  const BytesView from = std::max<BytesView>(range.from, message.from);
  if (auto scanned = store_.scan(Space::records, from, range.to, visit); !scanned) {
    return std::unexpected(scanned.error());
  }
  return out;
}

Result<LocalCopies::Purged> LocalCopies::purge_apply(const wire::PurgeApply& message,
                                                     WallTime now) {
  auto* copy = find(message.scope.partition);
  if (auto checked = check_scope(copy, message.scope, replica::Use::read); !checked) {
    return std::unexpected(checked.error());
  }
  if (copy->generation() < message.scope.generation) {
    heard_of_purge(copy->partition(), message.scope.generation);
    return fail(ErrorCode::unsure, "this copy was restored from an old state");
  }
  if (copy->purged() < message.scope.generation) {
    copy->raise_purged(message.scope.generation);
    if (auto kept = keep_purge_state(*copy, false); !kept) return std::unexpected(kept.error());
  }
  Purged out;
  for (const auto& entry : message.entries) {
    const auto stored = store_.get(Space::records, entry.key);
    if (!stored) return std::unexpected(stored.error());
    auto done = replica::purge(entry, *stored ? std::optional<BytesView>(**stored) : std::nullopt,
                               resolver_of(entry.key), now);
    if (!done || done->outcome == replica::PurgeOutcome::unchanged) continue;
    const bool is_erased = done->outcome == replica::PurgeOutcome::erase;
    Write write{.space = Space::records,
                .key = Bytes(entry.key),
                .old_leaf_hash = done->old_leaf_hash,
                .new_leaf_hash = done->new_leaf_hash};
    if (!is_erased) write.value = std::move(done->record);
    if (auto appended = store_.append(std::span(&write, 1)); !appended) {
      return std::unexpected(appended.error());
    }
    minted_keys_.forget(entry.key);
    ++(is_erased ? out.purged : out.trimmed);
  }
  counters_.purged_records += out.purged;
  counters_.trimmed_records += out.trimmed;
  out.rests = rests_on(*copy, store_.last());
  return out;
}

}  // namespace coterie
