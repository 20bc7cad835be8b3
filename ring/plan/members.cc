#include "ring/plan/members.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "ring/birth.h"
#include "ring/plan/under_way.h"

namespace coterie::plan {
namespace {

/// Does a staged change to the members; a visitor.
struct Apply {
  std::map<NodeId, Member>& members;

  void operator()(const Join& join) const { members[join.member.id] = join.member; }
  void operator()(const Replace& replace) const {
    members.erase(replace.node);
    members[replace.by.id] = replace.by;
  }
  void operator()(const Weigh& weigh) const { members.at(weigh.node).weight = weigh.weight; }
  void operator()(const Rezone& rezone) const { members.at(rezone.node).zone = rezone.zone; }
  void operator()(const Leave& leave) const { members.erase(leave.node); }
  void operator()(const Remove& remove) const { members.erase(remove.node); }
};

/// Why the node must be a member of `next`; empty: it need not.
std::string bound_by(const EpochContents& next, NodeId node) {
  if (std::ranges::count(next.owners, node) != 0) return "owns partitions";
  for (const Change& change : next.changes) {
    const auto which = "change " + std::to_string(change.id);
    if (std::ranges::count(change.removed, node) != 0) return "is listed as removed by " + which;
    for (const Handover& handover : change.handovers) {
      if (std::ranges::count(handover.new_owners, node) != 0)
        return "is given partitions by " + which;
    }
  }
  return {};
}

}  // namespace

std::vector<Member> target_members(const Epoch& base, std::span<const StagedChange> staged) {
  std::map<NodeId, Member> members;
  for (const Member& member : base.members()) members[member.id] = member;
  for (const NodeId node : already_leaving(base)) members.erase(node);
  for (const StagedChange& change : staged) std::visit(Apply{members}, change);
  std::vector<Member> out;
  out.reserve(members.size());
  for (const auto& [id, member] : members) out.push_back(member);
  return out;
}

std::vector<NodeId> removed_nodes(std::span<const StagedChange> staged) {
  std::vector<NodeId> out;
  for (const StagedChange& change : staged) {
    const auto* replace = std::get_if<Replace>(&change);
    if (const auto* remove = std::get_if<Remove>(&change)) out.push_back(remove->node);
    if (replace != nullptr && replace->is_dead) out.push_back(replace->node);
  }
  std::ranges::sort(out);
  return out;
}

std::vector<NodeId> voters_of(const EpochContents& next) {
  if (next.changes.empty()) return choose_voters(next.members);
  const std::set<NodeId> owners(next.owners.begin(), next.owners.end());
  std::set<NodeId> leaving;
  std::set<NodeId> removed;
  for (const Change& change : next.changes) {
    leaving.insert(change.leaving.begin(), change.leaving.end());
    removed.insert(change.removed.begin(), change.removed.end());
  }
  std::vector<Member> target;
  std::vector<Member> present;
  for (const Member& member : next.members) {
    if (removed.contains(member.id)) continue;
    if (!leaving.contains(member.id)) target.push_back(member);
    if (owners.contains(member.id)) present.push_back(member);
  }
  // How many of them may fail, then how many there are.
  const auto strength = [&owners](const std::vector<NodeId>& voters) {
    const auto known =
        std::ranges::count_if(voters, [&owners](NodeId voter) { return owners.contains(voter); });
    return std::pair(known - static_cast<std::ptrdiff_t>(voters.size() / 2 + 1), voters.size());
  };
  auto wanted = choose_voters(target);
  auto now = choose_voters(present);
  return !now.empty() && strength(now) > strength(wanted) ? now : wanted;
}

Result<void> settle_members(EpochContents& next, std::span<const NodeId> leaving) {
  const auto leaves = [leaving](NodeId node) { return std::ranges::count(leaving, node) != 0; };
  std::vector<Member> left;
  for (const Member& member : next.members) {
    if (!leaves(member.id)) {
      left.push_back(member);
      continue;
    }
    const auto bound = bound_by(next, member.id);
    if (bound.empty()) continue;
    return fail(ErrorCode::refused, "node " + to_hex(member.id) + " cannot leave yet: it " + bound);
  }
  if (left.size() < next.replicas) {
    return fail(ErrorCode::refused, "fewer members than replicas would be left");
  }
  next.members = std::move(left);
  next.voters = voters_of(next);
  return {};
}

}  // namespace coterie::plan
