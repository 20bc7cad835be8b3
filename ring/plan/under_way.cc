#include "ring/plan/under_way.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "ring/shares.h"

namespace coterie::plan {
namespace {

std::vector<NodeId> listed(const Epoch& base, std::vector<NodeId> Change::*list) {
  std::vector<NodeId> out;
  for (const Change& change : base.changes()) {
    out.insert(out.end(), (change.*list).begin(), (change.*list).end());
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

/// Who is no member any more once it is done; zero: nobody.
NodeId goer_of(const StagedChange& staged) {
  if (const auto* leave = std::get_if<Leave>(&staged)) return leave->node;
  if (const auto* remove = std::get_if<Remove>(&staged)) return remove->node;
  if (const auto* replace = std::get_if<Replace>(&staged)) return replace->node;
  return {};
}

}  // namespace

std::vector<std::uint32_t> fixed_partitions(const Epoch& base) {
  std::vector<std::uint32_t> out;
  for (const Change& change : base.changes()) {
    for (const Handover& handover : change.handovers) out.push_back(handover.partition.value);
  }
  std::ranges::sort(out);
  return out;
}

std::vector<NodeId> owners_when_ended(const Epoch& base) {
  std::vector<NodeId> out = base.contents().owners;
  for (const Change& change : base.changes()) {
    if (change.stage == Stage::aborting) continue;
    for (const Handover& handover : change.handovers) {
      const std::size_t place = std::size_t{handover.partition.value} * base.replicas();
      std::ranges::copy(handover.new_owners, out.begin() + static_cast<std::ptrdiff_t>(place));
    }
  }
  return out;
}

std::vector<NodeId> already_leaving(const Epoch& base) {
  return listed(base, &Change::leaving);
}

std::vector<NodeId> already_removed(const Epoch& base) {
  return listed(base, &Change::removed);
}

std::size_t left_for_later(const Epoch& base, const std::vector<Member>& members,
                           std::span<const NodeId> owners) {
  if (base.changes().empty()) return 0;
  std::vector<PlacementNode> nodes;
  std::map<NodeId, std::string_view> zone_of;
  for (const Member& member : members) {
    nodes.push_back({.id = member.id, .zone = member.zone, .weight = member.weight});
    zone_of[member.id] = member.zone;
  }
  const Shares shares = shares_of(nodes, base.partitions(), base.replicas());
  std::map<NodeId, std::uint32_t> loads;
  for (const NodeId owner : owners) ++loads[owner];
  std::size_t out = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::uint32_t least = shares.loads[i].least;
    out += least - std::min(least, loads[nodes[i].id]);
  }
  for (std::size_t first = 0; first < owners.size(); first += base.replicas()) {
    std::map<std::string_view, std::uint32_t> in_zone;
    for (const NodeId owner : owners.subspan(first, base.replicas())) ++in_zone[zone_of.at(owner)];
    for (const auto& [zone, count] : in_zone) out += count - std::min(count, shares.zone_most);
  }
  return out;
}

Result<void> check_free_to_go(const Epoch& base, std::span<const StagedChange> staged) {
  for (const StagedChange& one : staged) {
    const NodeId node = goer_of(one);
    if (node.is_zero()) continue;
    for (const Change& change : base.changes()) {
      const auto held = std::ranges::count_if(change.handovers, [&](const Handover& handover) {
        return base.holds(node, handover.partition);
      });
      if (held == 0) continue;
      return fail(ErrorCode::refused,
                  words(one) + ": waits for change " + std::to_string(change.id) +
                      ", which moves " +
                      (held == 1 ? "1 partition" : std::to_string(held) + " partitions") +
                      " of that node; plan again once it has ended");
    }
  }
  return {};
}

}  // namespace coterie::plan
