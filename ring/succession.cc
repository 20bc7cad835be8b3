#include "ring/succession.h"

#include <algorithm>
#include <span>
#include <string>

#include "ring/transition/entries.h"

namespace coterie {
namespace {

using transition::smallest_quorums;

std::unexpected<Error> refuse_next(std::string why) {
  return fail(ErrorCode::invalid_argument, "the next epoch: " + std::move(why));
}

Result<void> check_constants(const Epoch& base, const Epoch& next) {
  if (next.number().lineage != base.number().lineage ||
      next.number().number != base.number().number + 1) {
    return refuse_next("its number does not follow");
  }
  const bool is_same_ring =
      next.cluster() == base.cluster() && next.hash_seed() == base.hash_seed() &&
      next.partitions() == base.partitions() && next.replicas() == base.replicas();
  if (!is_same_ring) {
    return refuse_next("cluster, hash seed, partitions and replicas are fixed at birth");
  }
  return {};
}

/// A bucket's id is in the keys on disk.
Result<void> check_buckets(const Epoch& base, const Epoch& next) {
  for (const Bucket& bucket : base.buckets()) {
    const Bucket* now = next.bucket(bucket.id);
    if (now == nullptr || now->name != bucket.name) {
      return refuse_next("bucket " + bucket.name + " is gone or renamed");
    }
    // What has been stored was stored by these rules.
    if (now->sloppy != bucket.sloppy || now->durability != bucket.durability ||
        now->resolver != bucket.resolver) {
      return refuse_next("bucket " + bucket.name +
                         ": only R, W and the default time to live change after it was created");
    }
  }
  const auto highest = base.buckets().empty() ? BucketId{} : base.buckets().back().id;
  for (const Bucket& bucket : next.buckets()) {
    if (bucket.id > highest || base.bucket(bucket.id) != nullptr) continue;
    return refuse_next("bucket " + bucket.name + " has an id that may have been used before");
  }
  return {};
}

/// Barriers of changes under way count with the smallest, so these stay; and what each bucket has
/// had is not forgotten, but by a change of all partitions that finishes. That all of that meets is
/// Epoch::make's to verify.
Result<void> check_quorums(const Epoch& base, const Epoch& next) {
  const auto before = smallest_quorums(base);
  const auto after = smallest_quorums(next);
  if (!base.changes().empty() && (after.r < before.r || after.w < before.w)) {
    return refuse_next("no bucket's R or W may be smaller than all others' while owners change");
  }
  const Change* all = transition::change_of_all(base.contents());
  const bool is_fenced = all != nullptr && all->stage == Stage::cut_over &&
                         next.change(all->handovers.front().partition) == nullptr;
  for (const Bucket& now : next.buckets()) {
    const Bucket* bucket = base.bucket(now.id);
    const Bucket& had = bucket == nullptr ? now : *bucket;
    if (all != nullptr && (now.r != had.r || now.w != had.w)) {
      return refuse_next("bucket " + now.name + ": R and W stay while all partitions change");
    }
    const auto lowest_r = is_fenced ? now.r : std::min(had.lowest_r(), now.r);
    const bool is_kept =
        now.lowest_r() == lowest_r && now.lowest_w() == std::min(had.lowest_w(), now.w);
    const bool is_fresh = bucket != nullptr || (now.least_r == 0 && now.least_w == 0);
    if (is_kept && is_fresh) continue;
    return refuse_next("bucket " + now.name + ": the lowest R and W that it has had are others");
  }
  return {};
}

bool is_same(std::span<const NodeId> one, std::span<const NodeId> other) {
  return std::ranges::equal(one, other);
}

/// Whether one entry of the log may bring a partition from `before` to `after`.
bool is_step(const transition::Configuration& before, const transition::Configuration& after) {
  const bool keeps_old = is_same(before.old_owners, after.old_owners);
  const bool keeps_new = is_same(before.new_owners, after.new_owners);
  switch (before.stage) {
    case Stage::stable:
      return after.stage == Stage::open && keeps_old;
    case Stage::open:
      return (after.stage == Stage::cut_over || after.stage == Stage::aborting) && keeps_old &&
             keeps_new;
    case Stage::cut_over:
      return after.stage == Stage::stable && is_same(before.new_owners, after.old_owners);
    case Stage::aborting:
      return after.stage == Stage::stable && keeps_old;
  }
  return false;
}

Result<void> check_partition(const Epoch& base, const Epoch& next, PartitionId partition) {
  const auto before = base.at(partition);
  const auto after = next.at(partition);
  const auto which = "partition " + std::to_string(partition.value) + ": ";
  const bool is_unchanged = before.stage == after.stage &&
                            is_same(before.old_owners, after.old_owners) &&
                            is_same(before.new_owners, after.new_owners);
  if (!is_unchanged && !is_step(before, after)) {
    return refuse_next(which + "its owners change only by the stages of a change, one at a time");
  }
  if (after.number.value != before.number.value + (is_unchanged ? 0 : 1)) {
    return refuse_next(which +
                       "the configuration number rises by one with each change, and only then");
  }
  return {};
}

const Change* find(std::span<const Change> changes, std::uint64_t id) {
  const auto found = std::ranges::lower_bound(changes, id, {}, &Change::id);
  return found != changes.end() && found->id == id ? &*found : nullptr;
}

/// A change moves as a whole. Its partitions' stages are looked at one by one elsewhere.
Result<void> check_change(const Change& change, const Epoch& base, const Epoch& next) {
  const auto which = "change " + std::to_string(change.id) + ": ";
  const Change* before = find(base.changes(), change.id);
  if (before == nullptr) {
    if (change.id != next.number().number || change.stage != Stage::open) {
      return refuse_next(which + "it is opened by the epoch that gives it its id");
    }
    return {};
  }
  if (change.handovers != before->handovers) return refuse_next(which + "its partitions are fixed");
  if (!std::ranges::includes(change.removed, before->removed)) {
    return refuse_next(which + "who was removed stays removed");
  }
  const bool is_abort = change.stage == Stage::aborting;
  if (!is_abort && change.leaving != before->leaving) {
    return refuse_next(which + "who leaves is fixed, unless it is aborted");
  }
  if (before->is_paused && before->stage == Stage::open && change.stage == Stage::cut_over) {
    return refuse_next(which + "it is paused");
  }
  return {};
}

/// Who leaves goes with the entry that finishes the change.
Result<void> check_finished(const Change& change, const Epoch& next) {
  if (find(next.changes(), change.id) != nullptr) return {};
  for (const NodeId node : change.leaving) {
    if (next.member(node) == nullptr) continue;
    return refuse_next("change " + std::to_string(change.id) + " ends, and node " + to_hex(node) +
                       ", which leaves by it, is still a member");
  }
  return {};
}

}  // namespace

Result<void> check_succession(const Epoch& base, const Epoch& next) {
  if (auto fine = check_constants(base, next); !fine) return fine;
  for (const auto part : {check_buckets, check_quorums}) {
    if (auto fine = part(base, next); !fine) return fine;
  }
  for (const Change& change : next.changes()) {
    if (auto fine = check_change(change, base, next); !fine) return fine;
  }
  for (const Change& change : base.changes()) {
    if (auto fine = check_finished(change, next); !fine) return fine;
  }
  for (std::uint32_t partition = 0; partition < base.partitions(); ++partition) {
    if (auto fine = check_partition(base, next, PartitionId{partition}); !fine) return fine;
  }
  return {};
}

}  // namespace coterie
