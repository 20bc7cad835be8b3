#include "ring/plan/plan.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "base/codec.h"
#include "base/hash.h"
#include "ring/birth.h"
#include "ring/placement.h"
#include "ring/plan/members.h"
#include "ring/succession.h"
#include "ring/transition/entries.h"

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
                        .previous_owners = base.contents().owners};
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
    if (std::ranges::equal(base.owners(partition), target)) continue;
    out.push_back({.partition = partition, .new_owners = {target.begin(), target.end()}});
  }
  return out;
}

std::vector<Member> missing_in(std::span<const Member> members, const std::vector<Member>& target) {
  std::vector<Member> out;
  for (const Member& member : members) {
    if (!std::ranges::binary_search(target, member.id, {}, &Member::id)) out.push_back(member);
  }
  return out;
}

Result<Epoch> next_epoch(const Epoch& base, const Plan& plan, std::vector<Member> leaving) {
  EpochContents next = transition::following(base);
  next.members = plan.members;
  next.members.insert(next.members.end(), std::make_move_iterator(leaving.begin()),
                      std::make_move_iterator(leaving.end()));
  std::ranges::sort(next.members, {}, &Member::id);
  next.voters = choose_voters(plan.members);
  if (!plan.handovers.empty()) {
    next.voters = voters_while_open(base, plan.members, plan.removed);
    auto opened = transition::open_change(next, plan.handovers, plan.removed, plan.leaving);
    if (!opened) return std::unexpected(std::move(opened.error()));
  }
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

bool is_as_before(const Epoch& base, const Epoch& next) {
  EpochContents same = base.contents();
  same.number = next.number();
  return same == next.contents();
}

}  // namespace

Result<Plan> make_plan(const Epoch& base, std::span<const StagedChange> staged,
                       std::span<const NodeId> former) {
  // Who leaves with a change under way is still a member, and would be given partitions again.
  if (!base.changes().empty()) {
    return no_plan("change " + std::to_string(base.changes().front().id) +
                   " is under way; wait until it has ended, or abort it");
  }
  auto again = staged_again(base, staged, former);
  if (!again) return std::unexpected(std::move(again.error()));

  Plan plan{.staged = std::move(*again),
            .members = {},
            .owners = {},
            .handovers = {},
            .leaving = {},
            .removed = {},
            .next = base};
  plan.members = target_members(base, plan.staged);
  auto owners = target_owners(base, plan.staged, plan.members);
  if (!owners) return std::unexpected(std::move(owners.error()));
  plan.owners = std::move(*owners);
  plan.handovers = handovers_to(base, plan.owners);
  std::vector<Member> leaving;
  if (!plan.handovers.empty()) {
    leaving = missing_in(base.members(), plan.members);
    plan.removed = removed_nodes(plan.staged);
  }
  for (const Member& member : leaving) plan.leaving.push_back(member.id);

  auto next = next_epoch(base, plan, std::move(leaving));
  if (!next) return std::unexpected(std::move(next.error()));
  plan.next = std::move(*next);
  if (is_as_before(base, plan.next)) {
    return no_plan("nothing is staged, and every partition is where it should be");
  }
  plan.hash = hash_of(base, plan);
  return plan;
}

}  // namespace coterie::plan
