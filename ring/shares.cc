#include "ring/shares.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>

#include "base/check.h"

namespace coterie {
namespace {

using Zones = std::map<std::string_view, std::vector<std::size_t>>;  // to places of nodes

/// Nodes that divide `units` among themselves by weight, none taking more than `node_most`.
class Pool {
 public:
  Pool(std::span<const PlacementNode> nodes, std::uint64_t units, std::uint64_t node_most)
      : nodes_(nodes), units_(units), node_most_(node_most) {}

  void add(std::size_t node) {
    open_.push_back(node);
    weight_ += nodes_[node].weight;
  }

  /// Takes out a whole zone and the units that it will carry.
  void remove(const std::vector<std::size_t>& zone, std::uint64_t units) {
    for (const std::size_t node : zone) {
      if (std::erase(open_, node) != 0) {
        weight_ -= nodes_[node].weight;
      } else {
        std::erase(full_, node);
        units_ += node_most_;
      }
    }
    units_ -= units;
  }

  /// Finds the nodes whose share is cut off at node_most. Each one raises the others' shares, so
  /// none that is full ever opens again.
  void settle() {
    for (bool again = true; again;) {
      again = false;
      for (std::size_t i = 0; i < open_.size();) {
        const std::size_t node = open_[i];
        if (units_ * nodes_[node].weight < node_most_ * weight_) {
          ++i;
          continue;
        }
        open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
        full_.push_back(node);
        weight_ -= nodes_[node].weight;
        units_ -= node_most_;
        again = true;
      }
    }
    check(!open_.empty() || units_ == 0, "shares that are cut off find room elsewhere");
  }

  /// Whether the zone's nodes together would carry more than `zone_most`; after settle().
  [[nodiscard]] bool exceeds(const std::vector<std::size_t>& zone, std::uint64_t zone_most) const {
    std::uint64_t full_units = 0;
    std::uint64_t open_weight = 0;
    for (const std::size_t node : zone) {
      if (std::ranges::find(full_, node) != full_.end()) {
        full_units += node_most_;
      } else {
        open_weight += nodes_[node].weight;
      }
    }
    if (open_.empty()) return full_units > zone_most;
    return full_units * weight_ + units_ * open_weight > zone_most * weight_;
  }

  void write(std::vector<LoadBounds>& loads) const {
    for (const std::size_t node : full_) {
      const auto most = static_cast<std::uint32_t>(node_most_);
      loads[node] = {.least = most, .most = most};
    }
    for (const std::size_t node : open_) {
      const std::uint64_t product = units_ * nodes_[node].weight;
      const auto least = static_cast<std::uint32_t>(product / weight_);
      loads[node] = {.least = least, .most = least + (product % weight_ == 0 ? 0U : 1U)};
    }
  }

 private:
  std::span<const PlacementNode> nodes_;
  std::uint64_t units_;  // left for the open nodes
  std::uint64_t node_most_;
  std::uint64_t weight_ = 0;  // of the open nodes
  std::vector<std::size_t> open_;
  std::vector<std::size_t> full_;
};

std::uint32_t zone_most_of(const Zones& zones, std::uint32_t replicas) {
  const auto count = static_cast<std::uint32_t>(zones.size());
  std::uint32_t most = (replicas + count - 1) / count;
  const auto room = [&] {
    std::size_t sum = 0;
    for (const auto& [name, nodes] : zones) sum += std::min<std::size_t>(most, nodes.size());
    return sum;
  };
  while (room() < replicas) ++most;
  return most;
}

}  // namespace

Shares shares_of(std::span<const PlacementNode> nodes, std::uint32_t partitions,
                 std::uint32_t replicas) {
  check(replicas >= 1 && nodes.size() >= replicas, "there are as many nodes as replicas");
  Zones zones;
  for (std::size_t i = 0; i < nodes.size(); ++i) zones[nodes[i].zone].push_back(i);
  Shares shares{.zone_most = zone_most_of(zones, replicas), .loads = {}};
  shares.loads.resize(nodes.size());

  Pool pool(nodes, std::uint64_t{partitions} * replicas, partitions);
  for (std::size_t i = 0; i < nodes.size(); ++i) pool.add(i);
  // A zone over its most is taken out and divides that among its own nodes; this raises the other
  // zones' shares, so that none taken out would come back.
  const std::uint64_t zone_units = std::uint64_t{partitions} * shares.zone_most;
  for (bool again = true; again;) {
    pool.settle();
    const auto over = std::ranges::find_if(
        zones, [&](const auto& zone) { return pool.exceeds(zone.second, zone_units); });
    again = over != zones.end();
    if (!again) break;
    pool.remove(over->second, zone_units);
    Pool alone(nodes, zone_units, partitions);
    for (const std::size_t node : over->second) alone.add(node);
    alone.settle();
    alone.write(shares.loads);
    zones.erase(over);
  }
  pool.write(shares.loads);
  return shares;
}

}  // namespace coterie
