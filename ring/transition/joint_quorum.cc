#include "ring/transition/joint_quorum.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/limits.h"

namespace coterie::transition {
namespace {

/// The places that the nodes have in `targets`.
Places places_of(std::span<const NodeId> targets, std::span<const NodeId> nodes) {
  Places out = 0;
  for (std::size_t place = 0; place < targets.size(); ++place) {
    if (std::ranges::count(nodes, targets[place]) != 0) out |= Places{1} << place;
  }
  return out;
}

/// Each of both groups once, the first ones first.
struct Union {
  Union(std::span<const NodeId> first, std::span<const NodeId> second) {
    for (const NodeId node : first) nodes[count++] = node;
    for (const NodeId node : second) {
      if (std::ranges::count(first, node) == 0) nodes[count++] = node;
    }
  }
  [[nodiscard]] std::span<const NodeId> all() const { return {nodes.data(), count}; }

  std::array<NodeId, 2 * limits::replicas_most> nodes;
  std::size_t count = 0;
};

}  // namespace

Groups groups_of(const Configuration& configuration) {
  const Union both(configuration.old_owners, configuration.new_owners);
  return {.stage = configuration.stage,
          .old_owners = places_of(both.all(), configuration.old_owners),
          .new_owners = places_of(both.all(), configuration.new_owners)};
}

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
  const Union both(first_, second_);
  return {both.all().begin(), both.all().end()};
}

bool Quorum::is_reached(std::span<const NodeId> answered) const {
  const Union both(first_, second_);
  return over(both.all()).is_reached(places_of(both.all(), answered));
}

bool Quorum::is_reachable_without(std::span<const NodeId> lost) const {
  const Union both(first_, second_);
  return over(both.all()).is_reachable_without(places_of(both.all(), lost));
}

PlaceQuorum Quorum::over(std::span<const NodeId> targets) const {
  return {needed_, places_of(targets, first_), places_of(targets, second_)};
}

}  // namespace coterie::transition
