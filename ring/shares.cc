#include "ring/shares.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>

#include "base/check.h"

namespace coterie {
namespace {

using Zones = std::map<std::string_view, std::vector<std::size_t>>;  // to places of nodes

/// Nodes that divide `units` among themselves by weight, none taking more than its `most`.
class Pool {
 public:
  Pool(std::span<const PlacementNode> nodes, std::uint64_t units,
       std::span<const std::uint64_t> most)
      : nodes_(nodes), units_(units), most_(most) {}

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
        units_ += most_[node];
      }
    }
    units_ -= units;
  }

  /// Finds the nodes whose share is cut off. Each one raises the others' shares, so
  /// none that is full ever opens again.
  void settle() {
    for (bool again = true; again;) {
      again = false;
      for (std::size_t i = 0; i < open_.size();) {
        const std::size_t node = open_[i];
        if (units_ * nodes_[node].weight < most_[node] * weight_) {
          ++i;
          continue;
        }
        open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
        full_.push_back(node);
        weight_ -= nodes_[node].weight;
        units_ -= most_[node];
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
        full_units += most_[node];
      } else {
        open_weight += nodes_[node].weight;
      }
    }
    if (open_.empty()) return full_units > zone_most;
    return full_units * weight_ + units_ * open_weight > zone_most * weight_;
  }

  void write(std::vector<LoadBounds>& loads) const {
    for (const std::size_t node : full_) {
      const auto most = static_cast<std::uint32_t>(most_[node]);
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
  std::uint64_t units_;                  // left for the open nodes
  std::span<const std::uint64_t> most_;  // of each node
  std::uint64_t weight_ = 0;             // of the open nodes
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

/// What shares are worked out from.
struct Given {
  std::span<const PlacementNode> nodes;
  std::uint32_t partitions;
  std::uint32_t replicas;
  std::span<const std::uint32_t> fixed;  // of each node

  [[nodiscard]] std::uint32_t free() const {
    std::uint64_t copies = 0;
    for (const std::uint32_t count : fixed) copies += count;
    return partitions - static_cast<std::uint32_t>(copies / replicas);
  }
};

/// Of the nodes that are not pinned, which carry what they have fixed.
void share_out(const Given& given, const std::vector<bool>& is_pinned, Shares& shares) {
  Zones zones;
  std::map<std::string_view, std::uint64_t> zone_units;
  std::vector<std::uint64_t> most;
  std::uint64_t units = std::uint64_t{given.partitions} * given.replicas;
  for (std::size_t i = 0; i < given.nodes.size(); ++i) {
    const auto& zone = given.nodes[i].zone;
    most.push_back(std::uint64_t{given.free()} + given.fixed[i]);
    zone_units.try_emplace(zone, std::uint64_t{given.free()} * shares.zone_most);
    if (is_pinned[i]) {
      units -= given.fixed[i];
      shares.loads[i] = {.least = given.fixed[i], .most = given.fixed[i]};
      continue;
    }
    zones[zone].push_back(i);
    zone_units[zone] += given.fixed[i];
  }
  Pool pool(given.nodes, units, most);
  for (const auto& [zone, places] : zones) {
    for (const std::size_t place : places) pool.add(place);
  }
  // A zone over its most is taken out and divides that among its own nodes; this raises the other
  // zones' shares, so that none taken out would come back.
  for (bool again = true; again;) {
    pool.settle();
    const auto over = std::ranges::find_if(zones, [&](const auto& zone) {
      return pool.exceeds(zone.second, zone_units.at(zone.first));
    });
    again = over != zones.end();
    if (!again) break;
    const std::uint64_t carried = zone_units.at(over->first);
    pool.remove(over->second, carried);
    Pool alone(given.nodes, carried, most);
    for (const std::size_t node : over->second) alone.add(node);
    alone.settle();
    alone.write(shares.loads);
    zones.erase(over);
  }
  pool.write(shares.loads);
}

}  // namespace

Shares shares_of(std::span<const PlacementNode> nodes, std::uint32_t partitions,
                 std::uint32_t replicas) {
  return shares_beside(nodes, partitions, replicas, std::vector<std::uint32_t>(nodes.size()));
}

Shares shares_beside(std::span<const PlacementNode> nodes, std::uint32_t partitions,
                     std::uint32_t replicas, std::span<const std::uint32_t> fixed) {
  check(replicas >= 1 && nodes.size() >= replicas, "there are as many nodes as replicas");
  check(fixed.size() == nodes.size(), "of each node it is known what is fixed");
  Zones zones;
  for (std::size_t i = 0; i < nodes.size(); ++i) zones[nodes[i].zone].push_back(i);
  Shares shares{.zone_most = zone_most_of(zones, replicas), .loads = {}};
  shares.loads.resize(nodes.size());
  const Given given{.nodes = nodes, .partitions = partitions, .replicas = replicas, .fixed = fixed};
  // Who is pinned lowers the others' shares, so that nobody pinned would come back.
  std::vector<bool> is_pinned(nodes.size());
  for (bool again = true; again;) {
    share_out(given, is_pinned, shares);
    again = false;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (is_pinned[i] || fixed[i] <= shares.loads[i].least) continue;
      is_pinned[i] = true;
      again = true;
    }
  }
  return shares;
}

}  // namespace coterie
