#include "ring/plan/plan.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>

#include "base/codec.h"
#include "base/hash.h"
#include "ring/placement.h"
#include "ring/plan/members.h"
#include "ring/plan/under_way.h"
#include "ring/succession.h"
#include "ring/transition/entries.h"
#include "ring/transition/sources.h"

namespace coterie::plan {
namespace {

std::unexpected<Error> no_plan(std::string why) {
  return fail(ErrorCode::refused, std::move(why));
}

/// Joins come first: with them done, members may leave.
Result<std::vector<StagedChange>> staged_again(const Epoch& base,
                                               std::span<const StagedChange> staged,
                                               std::span<const NodeId> former) {
  std::vector<StagedChange> ordered(staged.begin(), staged.end());
  std::ranges::sort(ordered, {}, [](const StagedChange& change) {
    return std::pair(change.index(), nodes_of(change).front());
  });
  std::vector<StagedChange> out;
  for (StagedChange& change : ordered) {
    if (auto fine = stage(base, former, out, std::move(change)); !fine) {
      return std::unexpected(std::move(fine.error()));
    }
  }
  return out;
}

/// As if whoever replaces a node had owned what that one owns: each of these partitions needs a new
/// owner anyway.
Result<std::vector<NodeId>> target_owners(const Epoch& base, std::span<const StagedChange> staged,
                                          const std::vector<Member>& members) {
  PlacementInput wanted{.nodes = {},
                        .partitions = base.partitions(),
                        .replicas = base.replicas(),
                        .previous_owners = owners_when_ended(base),
                        .fixed = fixed_partitions(base)};
  for (const StagedChange& change : staged) {
    if (const auto* replace = std::get_if<Replace>(&change)) {
      std::ranges::replace(wanted.previous_owners, replace->node, replace->by.id);
    }
  }
  for (const Member& member : members) {
    wanted.nodes.push_back({.id = member.id, .zone = member.zone, .weight = member.weight});
  }
  auto placed = place(wanted);
  if (!placed) return std::unexpected(std::move(placed.error()));
  return std::move(placed->owners);
}

std::vector<Handover> handovers_to(const Epoch& base, std::span<const NodeId> owners) {
  std::vector<Handover> out;
  for (std::uint32_t number = 0; number < base.partitions(); ++number) {
    const PartitionId partition{number};
    const auto target = owners.subspan(std::size_t{number} * base.replicas(), base.replicas());
    if (base.stage(partition) != Stage::stable) continue;
    if (std::ranges::equal(base.owners(partition), target)) continue;
    out.push_back({.partition = partition, .new_owners = {target.begin(), target.end()}});
  }
  return out;
}

/// Of the members now, those that are none in the end: whom earlier changes take out, and if
/// partitions move those whom this one does.
std::vector<Member> staying_on(const Epoch& base, const Plan& plan) {
  const auto already = already_leaving(base);
  std::vector<Member> out;
  for (const Member& member : base.members()) {
    const bool leaves = !std::ranges::binary_search(plan.members, member.id, {}, &Member::id);
    const bool is_earlier = std::ranges::binary_search(already, member.id);
    if (leaves && (is_earlier || !plan.handovers.empty())) out.push_back(member);
  }
  return out;
}

Result<Epoch> next_epoch(const Epoch& base, const Plan& plan) {
  EpochContents next = transition::following(base);
  next.members = plan.members;
  std::ranges::copy(staying_on(base, plan), std::back_inserter(next.members));
  std::ranges::sort(next.members, {}, &Member::id);
  if (!plan.handovers.empty()) {
    auto opened = transition::open_change(next, plan.handovers, plan.removed, plan.leaving);
    if (!opened) return std::unexpected(std::move(opened.error()));
  }
  next.voters = voters_of(next);
  auto made = Epoch::make(std::move(next));
  if (!made) return made;
  if (auto fine = check_succession(base, *made); !fine) {
    return std::unexpected(std::move(fine.error()));
  }
  return made;
}

std::uint64_t hash_of(const Epoch& base, const Plan& plan) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u64(base.hash());
  writer.u64(plan.next.hash());
  writer.varint(plan.staged.size());
  for (const StagedChange& change : plan.staged) writer.sized(words(change));
  for (const auto* nodes : {&plan.owners, &plan.leaving, &plan.removed}) {
    writer.varint(nodes->size());
    for (const NodeId node : *nodes) {
      writer.u64(node.high);
      writer.u64(node.low);
    }
  }
  return hash64(bytes);
}

std::vector<NodeId> ids_of(const std::vector<Member>& members) {
  std::vector<NodeId> out;
  for (const Member& member : members) out.push_back(member.id);
  return out;
}

/// Most of it can be done beside what is under way, or it waits.
Result<void> check_worth(const Epoch& base, const Plan& plan) {
  std::size_t moves = 0;
  for (const Handover& handover : plan.handovers) {
    moves += transition::gained(plan.next.at(handover.partition)).size();
  }
  if (plan.left_for_later <= moves) return {};
  std::string changes = base.changes().size() == 1 ? "change " : "changes ";
  for (const Change& change : base.changes()) {
    changes += (&change == base.changes().data() ? "" : ", ") + std::to_string(change.id);
  }
  return no_plan("waits for " + changes + ", in whose partitions are " +
                 std::to_string(plan.left_for_later) + " of the " +
                 std::to_string(moves + plan.left_for_later) +
                 " copies that should move; plan again once it has ended");
}

bool is_as_before(const Epoch& base, const Epoch& next) {
  EpochContents same = base.contents();
  same.number = next.number();
  return same == next.contents();
}

}  // namespace

Result<Plan> make_plan(const Epoch& base, std::span<const StagedChange> staged,
                       std::span<const NodeId> former) {
  auto again = staged_again(base, staged, former);
  if (!again) return std::unexpected(std::move(again.error()));
  if (auto free = check_free_to_go(base, *again); !free) {
    return std::unexpected(std::move(free.error()));
  }

  Plan plan{.staged = std::move(*again),
            .members = {},
            .owners = {},
            .handovers = {},
            .leaving = {},
            .removed = {},
            .next = base,
            .left_for_later = 0};
  plan.members = target_members(base, plan.staged);
  auto owners = target_owners(base, plan.staged, plan.members);
  if (!owners) return std::unexpected(std::move(owners.error()));
  plan.owners = std::move(*owners);
  plan.handovers = handovers_to(base, plan.owners);
  if (!plan.handovers.empty()) {
    const auto already = already_leaving(base);
    std::ranges::set_difference(ids_of(staying_on(base, plan)), already,
                                std::back_inserter(plan.leaving));
    plan.removed = removed_nodes(plan.staged);
  }

  auto next = next_epoch(base, plan);
  if (!next) return std::unexpected(std::move(next.error()));
  plan.next = std::move(*next);
  plan.left_for_later = left_for_later(base, plan.members, plan.owners);
  if (auto worth = check_worth(base, plan); !worth) {
    return std::unexpected(std::move(worth.error()));
  }
  if (is_as_before(base, plan.next)) {
    return no_plan("nothing is staged, and every partition is where it should be");
  }
  plan.hash = hash_of(base, plan);
  return plan;
}

}  // namespace coterie::plan
