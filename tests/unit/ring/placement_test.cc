#include "ring/placement.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "base/hash.h"
#include "base/limits.h"
#include "base/random.h"
#include "tests/unit/ring/placement_checks.h"
#include "tests/unit/ring/placement_optimum.h"

using namespace coterie;
using namespace coterie::placement_checks;

namespace {

/// Places, holds the result to everything that is always promised, and returns it.
Placement place_and_check(const PlacementInput& input) {
  auto placed = place(input);
  REQUIRE(placed);
  const Shares shares = shares_of(input.nodes, input.partitions, input.replicas);
  const auto& owners = placed->owners;
  REQUIRE(owners.size() == std::size_t{input.partitions} * input.replicas);
  REQUIRE(all_distinct(input, owners));
  REQUIRE(placed->zone_most == shares.zone_most);
  REQUIRE(most_in_a_zone(input, owners) <= shares.zone_most);
  auto loads = loads_of(owners);
  for (std::size_t i = 0; i < input.nodes.size(); ++i) {
    const std::uint32_t load = loads[input.nodes[i].id];
    CAPTURE(i);
    REQUIRE(load >= shares.loads[i].least);
    REQUIRE(load <= shares.loads[i].most);
    loads.erase(input.nodes[i].id);
  }
  REQUIRE(loads.empty());  // nobody else owns anything
  if (!input.previous_owners.empty()) {
    REQUIRE(placed->moves == moves_of(input, owners));
    REQUIRE(placed->moves >= least_moves(input));
  } else {
    REQUIRE(placed->moves == owners.size());
  }
  return std::move(*placed);
}

/// In each position every node stands within floor and ceiling of what its load allows.
void check_positions(const PlacementInput& input, const std::vector<NodeId>& owners) {
  auto left = loads_of(owners);
  for (std::uint32_t position = 0; position < input.replicas; ++position) {
    std::map<NodeId, std::uint32_t> counts;
    for (std::uint32_t p = 0; p < input.partitions; ++p) {
      ++counts[owners_of(owners, input.replicas, p)[position]];
    }
    const std::uint32_t ways = input.replicas - position;
    for (auto& [node, load] : left) {
      REQUIRE(counts[node] >= load / ways);
      REQUIRE(counts[node] <= (load + ways - 1) / ways);
      load -= counts[node];
    }
  }
}

/// Nodes join one by one from `first` to `last`; returns the worst moves / least_moves.
double grow(std::uint32_t partitions, std::uint32_t first, std::uint32_t last,
            std::uint32_t zones) {
  PlacementInput input = input_of(partitions, 3);
  double worst = 1;
  for (std::uint32_t n = 1; n <= last; ++n) {
    add_node(input, n, "zone" + std::to_string(n % zones));
    if (n < first) continue;
    CAPTURE(n);
    const Placement placement = place_and_check(input);
    check_positions(input, placement.owners);
    if (n > first) {
      worst = std::max(
          worst, static_cast<double>(placement.moves) / static_cast<double>(least_moves(input)));
    }
    input.previous_owners = placement.owners;
  }
  return worst;
}

}  // namespace

TEST_CASE("4 to 24 equal nodes, growing one by one, move as little as can be") {
  CHECK(grow(1024, 4, 24, 1) == 1.0);
}

TEST_CASE("with as many zones as replicas growing moves as little as can be") {
  CHECK(grow(1024, 3, 24, 3) == 1.0);
}

TEST_CASE("with five zones growing moves at most a tenth more than the lower bound") {
  CHECK(grow(1024, 5, 25, 5) <= 1.10);
}

TEST_CASE("nodes that leave one by one, 24 to 4, move as little as can be") {
  PlacementInput input = input_of(1024, 3);
  for (std::uint64_t n = 1; n <= 24; ++n) add_node(input, n);
  for (;;) {
    CAPTURE(input.nodes.size());
    const Placement placement = place_and_check(input);
    if (!input.previous_owners.empty()) REQUIRE(placement.moves == least_moves(input));
    input.previous_owners = placement.owners;
    if (input.nodes.size() == 4) break;
    input.nodes.erase(input.nodes.begin() + static_cast<std::ptrdiff_t>(input.nodes.size() / 3));
  }
}

TEST_CASE("three zones whose nodes weigh 1 to 4") {
  PlacementInput input = input_of(1024, 3);
  std::uint64_t number = 0;
  for (const std::string zone : {"a", "b", "c"}) {
    for (std::uint32_t weight = 1; weight <= 4; ++weight) add_node(input, ++number, zone, weight);
  }
  Placement placement = place_and_check(input);
  CHECK(placement.zone_most == 1);
  check_positions(input, placement.owners);
  const auto loads = loads_of(placement.owners);
  for (const PlacementNode& node : input.nodes) {  // each zone holds 1024, a tenth for each weight
    CHECK(loads.at(node.id) >= 1024 * node.weight / 10);
    CHECK(loads.at(node.id) <= 1024 * node.weight / 10 + 1);
  }

  input.previous_owners = placement.owners;
  input.nodes[3].weight = 1;  // of 4
  placement = place_and_check(input);
  CHECK(placement.moves == least_moves(input));
  // Its zone must hold one of each partition still: what it gives up stays there.
  CHECK(placement.moves <= 410 - 146);
}

TEST_CASE("an unchanged cluster moves nothing and keeps the order of owners") {
  PlacementInput input = input_of(256, 3);
  for (std::uint64_t n = 1; n <= 7; ++n) add_node(input, n, n % 2 == 0 ? "even" : "odd");
  const Placement first = place_and_check(input);
  input.previous_owners = first.owners;
  const Placement second = place_and_check(input);
  CHECK(second.moves == 0);
  CHECK(second.owners == first.owners);
}

TEST_CASE("a replaced node's partitions go to its successor and nothing else moves") {
  PlacementInput input = input_of(1024, 3);
  for (std::uint64_t n = 1; n <= 9; ++n) add_node(input, n, "zone" + std::to_string(n % 3));
  input.previous_owners = place_and_check(input).owners;
  const std::uint32_t had = loads_of(input.previous_owners)[input.nodes[4].id];
  input.nodes[4].id = node_id(77);
  CHECK(place_and_check(input).moves == had);
}

TEST_CASE("the result does not depend on the order of the nodes") {
  PlacementInput input = input_of(256, 3);
  for (std::uint64_t n = 1; n <= 8; ++n) {
    add_node(input, n, "zone" + std::to_string(n % 4), static_cast<std::uint32_t>(n));
  }
  const Placement first = place_and_check(input);
  std::ranges::reverse(input.nodes);
  CHECK(place_and_check(input).owners == first.owners);
}

TEST_CASE("the same input gives the same owners with every compiler: a golden hash") {
  PlacementInput input = input_of(256, 3);
  for (std::uint64_t n = 1; n <= 8; ++n) add_node(input, n, "zone" + std::to_string(n % 4));
  Bytes shown;
  for (int round = 0; round < 2; ++round) {
    input.previous_owners = place_and_check(input).owners;
    for (const NodeId owner : input.previous_owners) shown += to_hex(owner);
    add_node(input, 9, "zone1", 2);
  }
  CHECK(to_hex(hash64(shown)) == "db848cc698e6f0bd");
}

TEST_CASE("a node's partitions are shared with every other node") {
  PlacementInput input = input_of(1024, 3);
  for (std::uint64_t n = 1; n <= 12; ++n) {
    add_node(input, n);
    if (n < 4) continue;
    input.previous_owners = place_and_check(input).owners;
  }
  std::map<std::pair<NodeId, NodeId>, int> together;
  for (std::uint32_t p = 0; p < input.partitions; ++p) {
    const auto owners = owners_of(input.previous_owners, 3, p);
    for (const NodeId a : owners) {
      for (const NodeId b : owners) ++together[{a, b}];
    }
  }
  // 1024 partitions x 6 ordered pairs over 12 x 11 pairs of nodes: 46.5 expected.
  for (const auto& [pair, count] : together) CHECK(count >= 20);
  CHECK(together.size() == 12 * 12);
}

TEST_CASE("when a node fails, its part as coordinator falls on all others") {
  PlacementInput input = input_of(1024, 3);
  for (std::uint64_t n = 1; n <= 3; ++n) add_node(input, n);
  const Placement placement = place_and_check(input);
  std::map<std::pair<NodeId, NodeId>, int> successors;
  for (std::uint32_t p = 0; p < input.partitions; ++p) {
    const auto owners = owners_of(placement.owners, 3, p);
    ++successors[{owners[0], owners[1]}];
  }
  CHECK(successors.size() == 6);
  for (const auto& [pair, count] : successors) CHECK(count >= 1024 / 6 - 40);
}

TEST_CASE("zones with too few nodes are served as well as they can be") {
  PlacementInput input = input_of(64, 5);  // three zones: ceil(5 / 3) = 2, but 1 + 1 + 2 < 5
  add_node(input, 1, "a");
  add_node(input, 2, "b");
  for (std::uint64_t n = 3; n <= 10; ++n) add_node(input, n, "c");
  const Placement placement = place_and_check(input);
  CHECK(placement.zone_most == 3);
  const auto loads = loads_of(placement.owners);
  CHECK(loads.at(node_id(1)) == 64);
  CHECK(loads.at(node_id(2)) == 64);
}

TEST_CASE("as many nodes as replicas: each owns everything") {
  for (std::uint32_t replicas = 1; replicas <= limits::replicas_most; ++replicas) {
    CAPTURE(replicas);
    PlacementInput input = input_of(limits::partitions_least, replicas);
    for (std::uint64_t n = 1; n <= replicas; ++n) {
      add_node(input, n, "z", static_cast<std::uint32_t>(n * n));
    }
    const Placement placement = place_and_check(input);
    check_positions(input, placement.owners);
  }
}

TEST_CASE("clusters drawn at random, changed at random") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const auto draw = [&](std::uint64_t least, std::uint64_t most) {
      return static_cast<std::uint32_t>(least + random.below(most - least + 1));
    };
    const std::uint32_t doublings = draw(0, 4);
    PlacementInput input =
        input_of(limits::partitions_least << doublings, draw(1, limits::replicas_most));
    const std::uint32_t zones = draw(1, 6);
    const std::uint32_t heaviest = random.chance(0.5) ? 1 : draw(1, 100);
    std::uint64_t number = 0;
    const auto add = [&] {
      const std::string zone = "zone" + std::to_string(random.below(zones));
      add_node(input, ++number, zone, draw(1, heaviest));
    };
    for (std::uint32_t n = input.replicas + draw(0, 12); n > 0; --n) add();
    for (int change = 0; change < 5; ++change) {
      CAPTURE(change);
      const Placement placement = place_and_check(input);
      check_positions(input, placement.owners);
      if (!input.previous_owners.empty()) REQUIRE(moves_are_least(input, placement.owners));
      input.previous_owners = placement.owners;
      auto& changed = input.nodes[random.below(input.nodes.size())];
      if (random.chance(0.3)) changed.weight = draw(1, heaviest);
      if (random.chance(0.2)) changed.zone = "zone" + std::to_string(random.below(zones));
      if (random.chance(0.4) && input.nodes.size() > input.replicas) {
        std::swap(changed, input.nodes.back());
        input.nodes.pop_back();
      }
      if (random.chance(0.6)) add();
    }
  }
}

TEST_CASE("the most nodes and zones, and one node more") {
  PlacementInput input = input_of(limits::partitions_least, 3);
  for (std::uint64_t n = 1; n <= limits::nodes; ++n) {
    add_node(input, n, "zone" + std::to_string(n % limits::zones));
  }
  CHECK(place_and_check(input).moves == 48);
  add_node(input, limits::nodes + 1, "zone0");
  CHECK(place(input).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("input that cannot be placed is refused with the reason") {
  PlacementInput good = input_of(64, 3);
  for (std::uint64_t n = 1; n <= 3; ++n) add_node(good, n);
  REQUIRE(place(good));

  const auto refused = [&](auto&& change) {
    PlacementInput input = good;
    change(input);
    const auto placed = place(input);
    return !placed && placed.error().code == ErrorCode::invalid_argument;
  };
  CHECK(refused([](PlacementInput& input) { input.nodes.pop_back(); }));
  CHECK(refused([](PlacementInput& input) { input.nodes[0].id = input.nodes[1].id; }));
  CHECK(refused([](PlacementInput& input) { input.nodes[0].weight = 0; }));
  CHECK(refused([](PlacementInput& input) { input.nodes[0].weight = limits::weight_most + 1; }));
  CHECK(refused([](PlacementInput& input) { input.partitions = 65; }));
  CHECK(refused([](PlacementInput& input) { input.partitions = limits::partitions_least / 2; }));
  CHECK(refused([](PlacementInput& input) { input.partitions = limits::partitions_most * 2; }));
  CHECK(refused([](PlacementInput& input) { input.replicas = 0; }));
  CHECK(refused([](PlacementInput& input) { input.replicas = limits::replicas_most + 1; }));
  CHECK(refused([](PlacementInput& input) { input.previous_owners.resize(128); }));
  CHECK(refused([](PlacementInput& input) {
    for (std::uint64_t n = 10; n < 10 + limits::zones; ++n) {
      add_node(input, n, "zone" + std::to_string(n));
    }
  }));
}
