#include "ring/transition/entries.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

namespace coterie::transition {
namespace {

Result<Change*> find(EpochContents& next, std::uint64_t id) {
  const auto found = std::ranges::find(next.changes, id, &Change::id);
  if (found == next.changes.end()) {
    return fail(ErrorCode::not_found, "no change " + std::to_string(id) + " is under way");
  }
  return &*found;
}

Stage stage_after(Step step) {
  switch (step) {
    case Step::cut_over:
      return Stage::cut_over;
    case Step::abort:
      return Stage::aborting;
    case Step::finish:
    case Step::end_abort:
      return Stage::stable;
  }
  return Stage::stable;
}

void move_to(EpochContents& next, const Handover& handover, Step step) {
  const auto partition = handover.partition.value;
  next.stages[partition] = stage_after(step);
  next.configurations[partition].value += 1;
  if (step != Step::finish) return;
  std::ranges::copy(
      handover.new_owners,
      next.owners.begin() + static_cast<std::ptrdiff_t>(std::size_t{partition} * next.replicas));
}

bool takes_part(const EpochContents& contents, const Change& change, NodeId node) {
  return std::ranges::any_of(change.handovers, [&](const Handover& handover) {
    const auto owners =
        std::span(contents.owners)
            .subspan(std::size_t{handover.partition.value} * contents.replicas, contents.replicas);
    return std::ranges::count(owners, node) != 0 ||
           std::ranges::count(handover.new_owners, node) != 0;
  });
}

}  // namespace

SmallestQuorums smallest_quorums(const Epoch& epoch) {
  SmallestQuorums out{.r = epoch.replicas(), .w = epoch.replicas()};
  for (const Bucket& bucket : epoch.buckets()) {
#ifdef COTERIE_PLANT_QUORUMS_OF_NOW  // defined only where a test must see it
    out.r = std::min(out.r, bucket.r);
    out.w = std::min(out.w, bucket.w);
#else
    out.r = std::min(out.r, bucket.lowest_r());
    out.w = std::min(out.w, bucket.lowest_w());
#endif
  }
  return out;
}

EpochContents following(const Epoch& base) {
  EpochContents next = base.contents();
  next.number.number += 1;
  return next;
}

Result<void> open_change(EpochContents& next, std::vector<Handover> handovers,
                         std::vector<NodeId> removed, std::vector<NodeId> leaving) {
  if (handovers.empty()) return fail(ErrorCode::invalid_argument, "a change moves something");
  std::ranges::sort(handovers, {}, &Handover::partition);
  for (const Handover& handover : handovers) {
    const auto partition = handover.partition.value;
    if (partition >= next.partitions) {
      return fail(ErrorCode::invalid_argument,
                  "there is no partition " + std::to_string(partition));
    }
    if (next.stages[partition] != Stage::stable) {
      return fail(ErrorCode::refused, "partition " + std::to_string(partition) +
                                          " is in another change; wait until that has ended");
    }
  }
  for (const Handover& handover : handovers) {
    next.stages[handover.partition.value] = Stage::open;
    next.configurations[handover.partition.value].value += 1;
  }
  std::ranges::sort(removed);
  std::ranges::sort(leaving);
  next.changes.push_back({.id = next.number.number,
                          .removed = std::move(removed),
                          .handovers = std::move(handovers),
                          .leaving = std::move(leaving)});
  return {};
}

Result<void> open_fence(EpochContents& next) {
  if (!next.changes.empty()) {
    return fail(ErrorCode::refused, "change " + std::to_string(next.changes.front().id) +
                                        " is under way; wait until that has ended");
  }
  if (std::ranges::none_of(next.buckets, [](const Bucket& one) { return one.least_r != 0; })) {
    return fail(ErrorCode::refused,
                "no bucket has had a lower R than now: nothing is to be fenced");
  }
  std::vector<Handover> handovers;
  for (std::uint32_t partition = 0; partition < next.partitions; ++partition) {
    const auto owners =
        std::span(next.owners).subspan(std::size_t{partition} * next.replicas, next.replicas);
    handovers.push_back(
        {.partition = PartitionId{partition}, .new_owners = {owners.begin(), owners.end()}});
  }
  return open_change(next, std::move(handovers), {});
}

const Change* change_of_all(const EpochContents& contents) {
  const auto found = std::ranges::find_if(contents.changes, [&contents](const Change& change) {
    return change.handovers.size() == contents.partitions;
  });
  return found == contents.changes.end() ? nullptr : &*found;
}

Result<void> take_step(EpochContents& next, std::uint64_t change, Step step) {
  const auto found = find(next, change);
  if (!found) return std::unexpected(found.error());
  Change& moving = **found;
  if (moving.stage != stage_before(step)) {
    return fail(ErrorCode::refused,
                "change " + std::to_string(change) + " is at another stage than this step's");
  }
  if (moving.is_paused && step == Step::cut_over) {
    return fail(ErrorCode::refused, "change " + std::to_string(change) + " is paused");
  }
  for (const Handover& handover : moving.handovers) move_to(next, handover, step);
  if (step == Step::finish && change_of_all(next) == &moving) {
    for (Bucket& bucket : next.buckets) bucket.least_r = 0;
  }
  moving.stage = stage_after(step);
  if (step == Step::abort) moving.leaving.clear();
  if (moving.stage == Stage::stable)
    std::erase_if(next.changes, [change](const Change& one) { return one.id == change; });
  return {};
}

bool remove_from_changes(EpochContents& next, NodeId node) {
  bool was_any = false;
  for (Change& change : next.changes) {
    const auto place = std::ranges::lower_bound(change.removed, node);
    const bool is_removed = place != change.removed.end() && *place == node;
    if (is_removed || !takes_part(next, change, node)) continue;
    change.removed.insert(place, node);
    was_any = true;
  }
  return was_any;
}

Result<void> pause_change(EpochContents& next, std::uint64_t change, bool is_paused) {
  const auto found = find(next, change);
  if (!found) return std::unexpected(found.error());
  if ((*found)->stage != Stage::open) {
    return fail(ErrorCode::refused, "only a change that is open can be paused or resumed");
  }
  (*found)->is_paused = is_paused;
  return {};
}

}  // namespace coterie::transition
