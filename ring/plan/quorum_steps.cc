#include "ring/plan/quorum_steps.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "ring/transition/joint_quorum.h"
#include "ring/transition/place_quorum.h"

namespace coterie::plan {
namespace {

using transition::Groups;
using transition::PlaceQuorum;
using transition::Places;

constexpr std::array all_steps = {QuorumStep::before, QuorumStep::open, QuorumStep::cut_over,
                                  QuorumStep::finished, QuorumStep::aborting};

/// Partitions are alike whose old, new and lost owners have the same places.
struct Shape {
  Places old_owners = 0;
  Places new_owners = 0;  // none: the partition does not change
  Places lost = 0;
  Stage other = Stage::stable;  // of another change, if it is in one

  auto operator<=>(const Shape&) const = default;
  [[nodiscard]] Groups groups() const {
    return {.old_owners = old_owners, .new_owners = new_owners};
  }
};

/// An R and a W that a bucket has.
using Numbers = std::pair<std::uint32_t, std::uint32_t>;

/// `open`: without a stage, that is the step's.
Groups groups_at(QuorumStep step, const Groups& open) {
  const Groups stable{.stage = Stage::stable, .old_owners = open.old_owners};
  if (open.new_owners == 0) return stable;
  Groups out = open;
  switch (step) {
    case QuorumStep::before:
      return stable;
    case QuorumStep::open:
      out.stage = Stage::open;
      return out;
    case QuorumStep::cut_over:
      out.stage = Stage::cut_over;
      return out;
    case QuorumStep::finished:
      return {.stage = Stage::stable, .old_owners = open.new_owners};
    case QuorumStep::aborting:
      out.stage = Stage::aborting;
      return out;
  }
  return stable;
}

/// Whose reads must see what was written at the step.
std::vector<QuorumStep> readers_of(QuorumStep step) {
  switch (step) {
    case QuorumStep::before:
      return {QuorumStep::before, QuorumStep::open};
    case QuorumStep::open:
      return {QuorumStep::open, QuorumStep::cut_over, QuorumStep::aborting};
    case QuorumStep::cut_over:
      return {QuorumStep::cut_over, QuorumStep::finished};
    case QuorumStep::finished:
      return {QuorumStep::finished};
    case QuorumStep::aborting:
      return {QuorumStep::aborting, QuorumStep::before};
  }
  return {};
}

/// Whether each write quorum has an owner of each read quorum: tried out with every set of owners.
bool meet(const PlaceQuorum& write, const PlaceQuorum& read, Places all) {
  const Places sets = Places{1} << std::bit_width(all);
  for (Places wrote = 0; wrote < sets; ++wrote) {
    if (write.is_reached(wrote) && read.is_reached(all & ~wrote)) return false;
  }
  return true;
}

/// What the partition may be at while the plan is at `step`. Other changes go on meanwhile, or are
/// aborted, at any time.
std::vector<QuorumStep> steps_of(const Shape& shape, QuorumStep step) {
  switch (shape.other) {
    case Stage::stable:
      return {step};
    case Stage::open:
      return {QuorumStep::open, QuorumStep::cut_over, QuorumStep::finished, QuorumStep::aborting,
              QuorumStep::before};
    case Stage::cut_over:
      return {QuorumStep::cut_over, QuorumStep::finished};
    case Stage::aborting:
      return {QuorumStep::aborting, QuorumStep::before};
  }
  return {step};
}

bool all_meet(const Shape& shape, QuorumStep step, const std::set<Numbers>& numbers) {
  return std::ranges::all_of(steps_of(shape, step), [&](QuorumStep at) {
    return std::ranges::all_of(numbers, [&](const Numbers& of_bucket) {
      return reads_meet_writes(at, shape.groups(), of_bucket.first, of_bucket.second);
    });
  });
}

/// How it is at one step of its own.
struct Reach {
  bool is_written = true;
  bool is_read = true;
  std::uint32_t spare = 0;
};

void look_at(Reach& out, const Shape& shape, QuorumStep step, const std::set<Numbers>& numbers) {
  const Groups groups = groups_at(step, shape.groups());
  for (const auto& [r, w] : numbers) {
    const auto write = PlaceQuorum::of_write(groups, w);
    const auto read = PlaceQuorum::of_read(groups, r);
    out.is_written = out.is_written && write.is_reachable_without(shape.lost);
    out.is_read = out.is_read && read.is_reachable_without(shape.lost);
    const auto writers = write.held(~shape.lost);
    const auto readers = read.held(~shape.lost);
    out.spare =
        std::min({out.spare, writers - std::min(writers, w), readers - std::min(readers, r)});
  }
}

void count(StepQuorums& out, const Shape& shape, std::uint32_t partitions,
           const std::set<Numbers>& numbers) {
  Reach reach{.spare = out.may_fail};
  for (const QuorumStep step : steps_of(shape, out.step)) look_at(reach, shape, step, numbers);
  if (!reach.is_written) out.without_writes += partitions;
  if (!reach.is_read) out.without_reads += partitions;
  out.may_fail = std::min(out.may_fail, reach.spare);
}

Shape shape_of(const Epoch& next, PartitionId partition, std::span<const NodeId> lost) {
  const auto configuration = next.at(partition);
  const Groups groups = transition::groups_of(configuration);
  Shape out{.old_owners = groups.old_owners, .new_owners = groups.new_owners};
  const Change* change = next.change(partition);
  if (change != nullptr && change->id != next.number().number) out.other = change->stage;
  const auto targets = transition::Quorum::of_write(configuration, 1).targets();
  for (std::size_t place = 0; place < targets.size(); ++place) {
    if (std::ranges::count(lost, targets[place]) != 0) out.lost |= Places{1} << place;
  }
  return out;
}

/// Those of now, and the lowest ones: who knows older epochs only uses these. Where there is no
/// bucket yet: a majority of each, as buckets mostly have.
std::set<Numbers> numbers_of(const Epoch& epoch) {
  std::set<Numbers> out;
  for (const Bucket& bucket : epoch.buckets()) {
    out.emplace(bucket.r, bucket.w);
    out.emplace(bucket.lowest_r(), bucket.lowest_w());
  }
  const auto majority = epoch.replicas() / 2 + 1;
  if (out.empty()) out.emplace(majority, majority);
  return out;
}

}  // namespace

std::string_view name(QuorumStep step) {
  switch (step) {
    case QuorumStep::before:
      return "before";
    case QuorumStep::open:
      return "open";
    case QuorumStep::cut_over:
      return "cut-over";
    case QuorumStep::finished:
      return "finished";
    case QuorumStep::aborting:
      return "aborting";
  }
  return "";
}

bool reads_meet_writes(QuorumStep step, const Groups& open, std::uint32_t r, std::uint32_t w) {
  const auto write = PlaceQuorum::of_write(groups_at(step, open), w);
  return std::ranges::all_of(readers_of(step), [&](QuorumStep reader) {
    const auto read = PlaceQuorum::of_read(groups_at(reader, open), r);
    return meet(write, read, open.old_owners | open.new_owners);
  });
}

std::vector<StepQuorums> quorum_steps(const Plan& plan, std::span<const NodeId> lost) {
  std::map<Shape, std::uint32_t> shapes;
  for (std::uint32_t partition = 0; partition < plan.next.partitions(); ++partition) {
    ++shapes[shape_of(plan.next, PartitionId{partition}, lost)];
  }
  const auto numbers = numbers_of(plan.next);
  std::map<std::tuple<QuorumStep, Places, Places, Stage>, bool> met;  // whoever is lost
  std::vector<StepQuorums> out;
  for (const QuorumStep step : all_steps) {
    if (plan.handovers.empty() && step != QuorumStep::before) continue;
    StepQuorums of{.step = step, .may_fail = plan.next.replicas()};
    for (const auto& [shape, partitions] : shapes) {
      count(of, shape, partitions, numbers);
      const auto [known, is_new] =
          met.try_emplace({step, shape.old_owners, shape.new_owners, shape.other}, true);
      if (is_new) known->second = all_meet(shape, step, numbers);
      if (!known->second) of.not_met += partitions;
    }
    out.push_back(of);
  }
  return out;
}

}  // namespace coterie::plan
