#include "ring/transition/joint_quorum.h"

#include <algorithm>

#include "base/check.h"

namespace coterie::transition {
namespace {

std::size_t members_in(std::span<const NodeId> group, std::span<const NodeId> nodes) {
  return static_cast<std::size_t>(std::ranges::count_if(
      group, [nodes](NodeId member) { return std::ranges::count(nodes, member) != 0; }));
}

}  // namespace

Quorum Quorum::of_write(const Configuration& configuration, std::uint32_t w) {
  check(w >= 1 && w <= configuration.old_owners.size(), "W is from 1 to the number of owners");
  if (!configuration.is_changing()) return {w, configuration.old_owners, {}};
  return {w, configuration.old_owners, configuration.new_owners};
}

Quorum Quorum::of_read(const Configuration& configuration, std::uint32_t r) {
  check(r >= 1 && r <= configuration.old_owners.size(), "R is from 1 to the number of owners");
  const bool is_of_new = configuration.stage == Stage::cut_over;
  return {r, is_of_new ? configuration.new_owners : configuration.old_owners, {}};
}

std::vector<NodeId> Quorum::targets() const {
  std::vector<NodeId> out(first_.begin(), first_.end());
  for (const NodeId node : second_) {
    if (std::ranges::count(first_, node) == 0) out.push_back(node);
  }
  return out;
}

bool Quorum::is_reached(std::span<const NodeId> answered) const {
#ifdef COTERIE_PLANT_W_PLUS_PENDING  // defined only where a test must see it
  const auto all = targets();
  return members_in(all, answered) >= needed_ + (all.size() - first_.size());
#endif
  if (members_in(first_, answered) < needed_) return false;
  return second_.empty() || members_in(second_, answered) >= needed_;
}

bool Quorum::is_reachable_without(std::span<const NodeId> lost) const {
  const auto can = [this, lost](std::span<const NodeId> group) {
    return group.size() - members_in(group, lost) >= needed_;
  };
  return can(first_) && (second_.empty() || can(second_));
}

}  // namespace coterie::transition
