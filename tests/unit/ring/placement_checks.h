#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ring/placement.h"

/// What the placement tests measure, computed from the owners alone.
namespace coterie::placement_checks {

inline NodeId node_id(std::uint64_t number) {
  // Scattered, so that the order of ids is not the order of joining.
  return NodeId{.high = number * 0x9e3779b97f4a7c15ULL, .low = number};
}

inline PlacementInput input_of(std::uint32_t partitions, std::uint32_t replicas) {
  return {.nodes = {}, .partitions = partitions, .replicas = replicas, .previous_owners = {}};
}

inline void add_node(PlacementInput& input, std::uint64_t number, const std::string& zone = "z",
                     std::uint32_t weight = 1) {
  input.nodes.push_back({.id = node_id(number), .zone = zone, .weight = weight});
}

inline std::span<const NodeId> owners_of(const std::vector<NodeId>& owners, std::uint32_t replicas,
                                         std::uint32_t partition) {
  return std::span(owners).subspan(std::size_t{partition} * replicas, replicas);
}

inline std::map<NodeId, std::uint32_t> loads_of(const std::vector<NodeId>& owners) {
  std::map<NodeId, std::uint32_t> loads;
  for (const NodeId owner : owners) ++loads[owner];
  return loads;
}

inline bool all_distinct(const PlacementInput& input, const std::vector<NodeId>& owners) {
  for (std::uint32_t p = 0; p < input.partitions; ++p) {
    const auto own = owners_of(owners, input.replicas, p);
    if (std::set(own.begin(), own.end()).size() != own.size()) return false;
  }
  return true;
}

/// The most owners that any partition has in one zone.
inline std::uint32_t most_in_a_zone(const PlacementInput& input,
                                    const std::vector<NodeId>& owners) {
  std::map<NodeId, std::string> zone_of;
  for (const PlacementNode& node : input.nodes) zone_of[node.id] = node.zone;
  std::uint32_t most = 0;
  for (std::uint32_t p = 0; p < input.partitions; ++p) {
    std::map<std::string, std::uint32_t> counts;
    for (const NodeId owner : owners_of(owners, input.replicas, p)) {
      most = std::max(most, ++counts[zone_of.at(owner)]);
    }
  }
  return most;
}

/// Owners that the partition did not have before.
inline std::size_t moves_of(const PlacementInput& input, const std::vector<NodeId>& owners) {
  std::size_t moves = 0;
  for (std::uint32_t p = 0; p < input.partitions; ++p) {
    const auto before = owners_of(input.previous_owners, input.replicas, p);
    for (const NodeId owner : owners_of(owners, input.replicas, p)) {
      moves += std::ranges::count(before, owner) == 0 ? 1U : 0U;
    }
  }
  return moves;
}

/// sum(max(0, target - had)) for the least of all targets within floor and ceiling that add up:
/// nobody can move less.
inline std::size_t least_moves(const PlacementInput& input) {
  const Shares shares = shares_of(input.nodes, input.partitions, input.replicas);
  auto had = loads_of(input.previous_owners);
  std::size_t moves = 0;
  std::size_t placed = 0;
  std::size_t free = 0;  // ceilings that cost nothing, since the node has that many already
  for (std::size_t i = 0; i < input.nodes.size(); ++i) {
    const std::uint32_t before = had[input.nodes[i].id];
    const LoadBounds bounds = shares.loads[i];
    moves += bounds.least - std::min(bounds.least, before);
    placed += bounds.least;
    free += bounds.most > bounds.least && before >= bounds.most ? 1U : 0U;
  }
  const std::size_t rest = std::size_t{input.partitions} * input.replicas - placed;
  return moves + rest - std::min(rest, free);
}

}  // namespace coterie::placement_checks
