#include "ring/transition/sources.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"

namespace coterie::transition {
namespace {

/// Of `all`, those that are not among `others`, by id.
std::vector<NodeId> without(std::span<const NodeId> all, std::span<const NodeId> others) {
  std::vector<NodeId> out;
  for (const NodeId node : all) {
    if (std::ranges::count(others, node) == 0) out.push_back(node);
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

std::vector<NodeId> gained(const Configuration& configuration) {
  return without(configuration.new_owners, configuration.old_owners);
}

std::optional<NodeId> displaced_by(const Configuration& configuration, NodeId new_owner) {
  const auto arriving = gained(configuration);
  const auto leaving = without(configuration.old_owners, configuration.new_owners);
  check(arriving.size() == leaving.size(), "a change keeps the number of owners");
  const auto place = std::ranges::find(arriving, new_owner);
  if (place == arriving.end()) return std::nullopt;
  return leaving[static_cast<std::size_t>(place - arriving.begin())];
}

bool may_serve_stream(ConfigurationNumber fenced, ConfigurationNumber opened) {
#ifdef COTERIE_PLANT_UNFENCED_SOURCE  // defined only where a test must see it
  return fenced <= opened || fenced > opened;
#else
  return fenced >= opened;
#endif
}

bool is_covered(const Configuration& configuration, NodeId new_owner,
                std::span<const NodeId> covered, std::span<const NodeId> removed,
                SmallestQuorums smallest) {
  if (std::ranges::count(configuration.old_owners, new_owner) != 0) return true;
  const auto displaced = displaced_by(configuration, new_owner);
  check(displaced.has_value(), "a gained owner displaces one");
  if (std::ranges::count(covered, *displaced) != 0) return true;
  const auto sources = std::ranges::count_if(configuration.old_owners, [covered](NodeId owner) {
    return std::ranges::count(covered, owner) != 0;
  });
#ifdef COTERIE_PLANT_ARBITRARY_SOURCE  // defined only where a test must see it
  return sources > 0;
#endif
  const std::size_t wanted = configuration.old_owners.size() - smallest.w + 1;
  const std::size_t left = without(configuration.old_owners, removed).size();
  return static_cast<std::size_t>(sources) >= std::min(wanted, left);
}

}  // namespace coterie::transition
