#include "node/identity.h"

#include <doctest/doctest.h>

#include "tests/sim/env/file.h"
#include "tests/sim/env/world.h"

namespace coterie::identity_test {

namespace {

struct World {
  sim::SimWorld sim{1};
  sim::NodeIndex node = sim.add_node();
  sim::SimFileSystem disk{sim, node};
  Random random{1};
};

}  // namespace

TEST_CASE("a node keeps its id, and its incarnation rises with each start") {
  World world;
  const auto first = open_identity(world.disk, 2, world.random);
  REQUIRE(first);
  CHECK_FALSE(first->node.is_zero());
  CHECK(first->shards == 2);
  world.sim.crash(world.node, sim::Crash::power);
  const auto second = open_identity(world.disk, 2, world.random);
  REQUIRE(second);
  CHECK(second->node == first->node);
  CHECK(second->incarnation > first->incarnation);
}

TEST_CASE("the number of shards is fixed; not to say one takes what there is") {
  World world;
  REQUIRE(open_identity(world.disk, 2, world.random));
  const auto other = open_identity(world.disk, 4, world.random);
  REQUIRE_FALSE(other);
  CHECK(other.error().code == ErrorCode::refused);
  const auto any = open_identity(world.disk, 0, world.random);
  REQUIRE(any);
  CHECK(any->shards == 2);
}

TEST_CASE("every damaged bit is noticed") {
  World world;
  REQUIRE(open_identity(world.disk, 2, world.random));
  const auto bytes = read_file(world.disk, "identity");
  REQUIRE(bytes);
  for (std::uint64_t offset = 0; offset < (*bytes)->size(); ++offset) {
    REQUIRE(world.disk.flip_bit("identity", offset, 1));
    CHECK_FALSE(open_identity(world.disk, 2, world.random));
    REQUIRE(world.disk.flip_bit("identity", offset, 1));
  }
  CHECK(open_identity(world.disk, 2, world.random));
}

TEST_CASE("a replaced file holds the old or the new content after any crash") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    sim::SimWorld sim(seed);
    const auto node = sim.add_node();
    sim::SimFileSystem disk(sim, node);
    REQUIRE(replace_file(disk, "f", "old"));
    sim.faults(node).disk.write_error = 0.3;
    sim.faults(node).disk.sync_error = 0.3;
    const bool replaced = replace_file(disk, "f", "newer").has_value();
    sim.crash(node, sim::Crash::power);
    const auto content = read_file(disk, "f");
    REQUIRE(content);
    REQUIRE(*content);
    CHECK((**content == "newer" || (!replaced && **content == "old")));
  }
}

}  // namespace coterie::identity_test
