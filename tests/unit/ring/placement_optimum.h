#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ring/placement.h"
#include "tests/unit/ring/placement_checks.h"

namespace coterie::placement_checks {

/// The residual graph of a finished placement, written down arc by arc from DESIGN's section 5 and
/// with nothing of the solver's.
class Residual {
 public:
  Residual(const PlacementInput& input, const std::vector<NodeId>& owners)
      : input_(input), shares_(shares_of(input.nodes, input.partitions, input.replicas)) {
    std::map<std::string, std::size_t> zones;
    for (const PlacementNode& node : input.nodes) zones.emplace(node.zone, zones.size());
    zones_ = zones.size();
    auto loads = loads_of(owners);
    for (std::size_t i = 0; i < input.nodes.size(); ++i) {
      const std::uint32_t load = loads[input.nodes[i].id];
      if (load < shares_.loads[i].most) arc(node(i), sink(), 0);
      if (load > shares_.loads[i].least) arc(sink(), node(i), 0);
    }
    for (std::uint32_t p = 0; p < input.partitions; ++p) add_partition(p, owners, zones);
  }

  /// Bellman and Ford from everywhere at once: without a negative cycle the distances settle.
  [[nodiscard]] bool has_negative_cycle() const {
    const std::size_t vertices = sink() + 1;
    std::vector<int> distance(vertices, 0);
    for (std::size_t round = 0; round <= vertices; ++round) {
      bool changed = false;
      for (const Arc& arc : arcs_) {
        if (distance[arc.from] + arc.cost >= distance[arc.to]) continue;
        distance[arc.to] = distance[arc.from] + arc.cost;
        changed = true;
      }
      if (!changed) return false;
    }
    return true;
  }

 private:
  struct Arc {
    std::size_t from;
    std::size_t to;
    int cost;
  };

  void arc(std::size_t from, std::size_t to, int cost) { arcs_.push_back({from, to, cost}); }
  [[nodiscard]] std::size_t slot(std::size_t p, std::size_t zone) const {
    return input_.partitions + p * zones_ + zone;
  }
  [[nodiscard]] std::size_t node(std::size_t i) const {
    return input_.partitions * (1 + zones_) + i;
  }
  [[nodiscard]] std::size_t sink() const { return node(input_.nodes.size()); }

  void add_partition(std::uint32_t p, const std::vector<NodeId>& owners,
                     const std::map<std::string, std::size_t>& zones) {
    const auto own = owners_of(owners, input_.replicas, p);
    const auto before = owners_of(input_.previous_owners, input_.replicas, p);
    std::vector<std::uint32_t> counts(zones_);
    for (std::size_t i = 0; i < input_.nodes.size(); ++i) {
      const NodeId id = input_.nodes[i].id;
      const std::size_t zone = zones.at(input_.nodes[i].zone);
      const int cost = std::ranges::count(before, id) == 0 ? 1 : 0;
      if (std::ranges::count(own, id) != 0) {
        ++counts[zone];
        arc(node(i), slot(p, zone), -cost);
      } else {
        arc(slot(p, zone), node(i), cost);
      }
    }
    for (std::size_t zone = 0; zone < zones_; ++zone) {
      if (counts[zone] < shares_.zone_most) arc(p, slot(p, zone), 0);
      if (counts[zone] > 0) arc(slot(p, zone), p, 0);
    }
  }

  const PlacementInput& input_;
  Shares shares_;
  std::size_t zones_ = 0;
  std::vector<Arc> arcs_;
};

/// A flow is of minimum cost exactly if its residual graph has no cycle of negative cost (Klein
/// 1967): then no placement within the same bounds moves less.
inline bool moves_are_least(const PlacementInput& input, const std::vector<NodeId>& owners) {
  return !Residual(input, owners).has_negative_cycle();
}

}  // namespace coterie::placement_checks
