#include "ring/shares.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "ring/placement.h"
#include "tests/unit/ring/placement_checks.h"

using namespace coterie;
using coterie::placement_checks::node_id;

namespace {

std::vector<PlacementNode> nodes_of(
    std::initializer_list<std::pair<const char*, std::uint32_t>> zones_and_weights) {
  std::vector<PlacementNode> nodes;
  for (const auto& [zone, weight] : zones_and_weights) {
    nodes.push_back({.id = node_id(nodes.size() + 1), .zone = zone, .weight = weight});
  }
  return nodes;
}

/// The level that fills `units` when each weight takes level * weight and at most `most`.
template <class Sum>
double level_for(double units, Sum sum) {
  double low = 0;
  double high = 1e9;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (sum(middle) < units ? low : high) = middle;
  }
  return high;
}

/// Shares by bisection in floating point: another way to the same numbers.
std::vector<double> shares_by_level(const std::vector<PlacementNode>& nodes, double partitions,
                                    double replicas, double zone_most) {
  std::map<std::string, std::vector<std::size_t>> zones;
  for (std::size_t i = 0; i < nodes.size(); ++i) zones[nodes[i].zone].push_back(i);
  const auto zone_sum = [&](const std::vector<std::size_t>& zone, double level) {
    double sum = 0;
    for (const std::size_t i : zone) sum += std::min(partitions, level * nodes[i].weight);
    return sum;
  };
  const double room = zone_most * partitions;
  const double level = level_for(partitions * replicas, [&](double at) {
    double sum = 0;
    for (const auto& [name, zone] : zones) sum += std::min(room, zone_sum(zone, at));
    return sum;
  });
  std::vector<double> shares(nodes.size());
  for (const auto& [name, zone] : zones) {
    const double own =
        std::min(level, level_for(room, [&](double at) { return zone_sum(zone, at); }));
    for (const std::size_t i : zone) shares[i] = std::min(partitions, own * nodes[i].weight);
  }
  return shares;
}

}  // namespace

TEST_CASE("equal nodes share equally, rounded both ways") {
  const Shares shares =
      shares_of(nodes_of({{"z", 1}, {"z", 1}, {"z", 1}, {"z", 1}, {"z", 1}}), 1024, 3);
  for (const LoadBounds& bounds : shares.loads) {
    CHECK(bounds == LoadBounds{.least = 614, .most = 615});
  }
}

TEST_CASE("a share above the number of partitions is cut off and goes to the others by weight") {
  const Shares shares = shares_of(nodes_of({{"z", 90}, {"z", 1}, {"z", 3}, {"z", 4}}), 16, 2);
  CHECK(shares.loads[0] == LoadBounds{.least = 16, .most = 16});
  CHECK(shares.loads[1] == LoadBounds{.least = 2, .most = 2});
  CHECK(shares.loads[2] == LoadBounds{.least = 6, .most = 6});
  CHECK(shares.loads[3] == LoadBounds{.least = 8, .most = 8});
}

TEST_CASE("what a zone may not hold goes to the other zones") {
  const Shares shares =
      shares_of(nodes_of({{"big", 5}, {"big", 5}, {"a", 1}, {"b", 1}, {"c", 2}}), 16, 2);
  CHECK(shares.zone_most == 1);
  CHECK(shares.loads[0] == LoadBounds{.least = 8, .most = 8});
  CHECK(shares.loads[1] == LoadBounds{.least = 8, .most = 8});
  CHECK(shares.loads[2] == LoadBounds{.least = 4, .most = 4});
  CHECK(shares.loads[4] == LoadBounds{.least = 8, .most = 8});
}

TEST_CASE("shares drawn at random agree with bisection and can add up") {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const auto partitions = static_cast<std::uint32_t>(16U << random.below(6));
    const auto replicas = static_cast<std::uint32_t>(1 + random.below(7));
    const std::uint64_t zones = 1 + random.below(6);
    const std::uint64_t heaviest = 1 + random.below(random.chance(0.5) ? 4 : 1000);
    std::vector<PlacementNode> nodes;
    for (std::uint64_t n = replicas + random.below(20); n > 0; --n) {
      nodes.push_back({.id = node_id(n),
                       .zone = std::to_string(random.below(zones)),
                       .weight = static_cast<std::uint32_t>(1 + random.below(heaviest))});
    }
    const Shares shares = shares_of(nodes, partitions, replicas);
    const auto expected = shares_by_level(nodes, partitions, replicas, shares.zone_most);
    std::uint64_t least = 0;
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const LoadBounds& bounds = shares.loads[i];
      least += bounds.least;
      most += bounds.most;
      REQUIRE(bounds.most <= partitions);
      REQUIRE(bounds.most - bounds.least <= 1);
      REQUIRE(expected[i] > bounds.least - 1e-6);
      REQUIRE(expected[i] < bounds.most + 1e-6);
    }
    const std::uint64_t copies = std::uint64_t{partitions} * replicas;
    REQUIRE(least <= copies);
    REQUIRE(most >= copies);
  }
}

TEST_CASE("beside fixed partitions: what more than a share is fixed lowers the others' alike") {
  const auto nodes = nodes_of({{"z", 1}, {"z", 1}, {"z", 1}, {"z", 1}});
  const auto loads = [&nodes](std::vector<std::uint32_t> fixed) {
    return shares_beside(nodes, 16, 2, fixed).loads;
  };
  CHECK(loads({0, 0, 0, 0}) == shares_of(nodes, 16, 2).loads);
  CHECK(loads({8, 2, 2, 0}) == shares_of(nodes, 16, 2).loads);
  const auto pinned = loads({10, 4, 2, 4});
  CHECK(pinned[0] == LoadBounds{.least = 10, .most = 10});
  for (const std::size_t i : {1U, 2U, 3U}) CHECK(pinned[i] == LoadBounds{.least = 7, .most = 8});
  // Nor can one own more than there is.
  const auto capped = loads({11, 11, 4, 0});
  CHECK(capped[3] == LoadBounds{.least = 3, .most = 3});
  CHECK(capped[2] == LoadBounds{.least = 7, .most = 7});
}

TEST_CASE("beside fixed partitions the bounds can be kept, whatever they are") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const auto replicas = static_cast<std::uint32_t>(1 + random.below(4));
    PlacementInput input = placement_checks::input_of(16U << random.below(3), replicas);
    const std::uint64_t count = replicas + random.below(9);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto zone = std::string(1, static_cast<char>('a' + random.below(3)));
      placement_checks::add_node(input, i + 1, zone,
                                 static_cast<std::uint32_t>(1 + random.below(4)));
    }
    // Owners that no placement would choose.
    for (std::uint32_t p = 0; p < input.partitions; ++p) {
      std::vector<PlacementNode> left = input.nodes;
      for (std::uint32_t i = 0; i < replicas; ++i) {
        const auto drawn = left.begin() + static_cast<std::ptrdiff_t>(random.below(left.size()));
        input.previous_owners.push_back(drawn->id);
        left.erase(drawn);
      }
      if (random.chance(0.4)) input.fixed.push_back(p);
    }
    std::map<NodeId, std::uint32_t> fixed;
    for (const std::uint32_t p : input.fixed) {
      for (std::uint32_t i = 0; i < replicas; ++i) ++fixed[input.previous_owners[p * replicas + i]];
    }
    std::vector<std::uint32_t> fixed_loads;
    for (const auto& node : input.nodes) fixed_loads.push_back(fixed[node.id]);
    const auto placed = place(input);
    REQUIRE(placed);
    const Shares shares = shares_beside(input.nodes, input.partitions, replicas, fixed_loads);
    for (std::size_t i = 0; i < input.nodes.size(); ++i) {
      const auto load =
          static_cast<std::uint32_t>(std::ranges::count(placed->owners, input.nodes[i].id));
      CHECK(load >= std::max(shares.loads[i].least, fixed_loads[i]));
      CHECK(load <= shares.loads[i].most);
    }
    CHECK(placement_checks::all_distinct(input, placed->owners));
    for (const std::uint32_t p : input.fixed) {
      for (std::size_t i = p * replicas; i < (p + 1) * replicas; ++i)
        CHECK(placed->owners[i] == input.previous_owners[i]);
    }
  }
}
