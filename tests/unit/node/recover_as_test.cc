#include "node/recover_as.h"

#include <doctest/doctest.h>

#include "node/control/recovery.h"
#include "node/identity.h"
#include "tests/sim/env/file.h"
#include "tests/sim/env/world.h"
#include "tests/unit/node/samples.h"

namespace coterie::recover_as_test {

namespace {

struct World {
  sim::SimWorld sim{1};
  sim::NodeIndex node = sim.add_node();
  sim::SimFileSystem disk{sim, node};
  Random random{1};

  Result<bool> begin() { return begin_anew(disk, {.node = node_id(5), .shards = 3}); }
};

}  // namespace

TEST_CASE("an empty directory becomes the node's, which knows that it has lost all") {
  World world;
  const auto begun = world.begin();
  REQUIRE(begun);
  CHECK(*begun);
  world.sim.crash(world.node, sim::Crash::power);
  const auto identity = open_identity(world.disk, 0, world.random);
  REQUIRE(identity);
  CHECK(identity->node == node_id(5));
  CHECK(identity->shards == 3);
  const auto recovery = load_recovery(world.disk);
  REQUIRE(recovery);
  REQUIRE(*recovery);
  CHECK(**recovery == Recovery{});
}

TEST_CASE("who has begun goes on, whatever it has done since") {
  World world;
  REQUIRE(world.begin());
  REQUIRE(open_identity(world.disk, 0, world.random));
  REQUIRE(keep_recovery(world.disk, {.life = 4}));
  REQUIRE(replace_file(world.disk, "vote", "something"));
  const auto again = world.begin();
  REQUIRE(again);
  CHECK_FALSE(*again);
  CHECK((*load_recovery(world.disk))->life == 4);
}

TEST_CASE("a stranger that was only started has nothing to lose, a node that was one has") {
  World world;
  REQUIRE(open_identity(world.disk, 2, world.random));
  REQUIRE(world.begin());
  for (const char* name : {"vote", "staged", "marks", "epochs", "shard-0"}) {
    CAPTURE(name);
    World full;
    REQUIRE(open_identity(full.disk, 2, full.random));
    REQUIRE(replace_file(full.disk, name, "something"));
    const auto refused = full.begin();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::refused);
    CHECK(refused.error().message.find("--discard-data") != std::string::npos);
    CHECK_FALSE(*load_recovery(full.disk));
  }
}

TEST_CASE("who had begun, and was noticed to be an old copy since, begins once more") {
  World world;
  REQUIRE(world.begin());
  REQUIRE(keep_recovery(world.disk, {.life = 4, .votes = Recovery::Votes::over}));
  REQUIRE(replace_file(world.disk, "vote", "something"));
  REQUIRE(replace_file(world.disk, restored_path, "an old copy"));
  const auto refused = world.begin();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("--discard-data") != std::string::npos);
  for (const auto& name : node_data(*world.disk.list(""))) REQUIRE(world.disk.remove(name));
  const auto begun = world.begin();
  REQUIRE(begun);
  CHECK(*begun);
  CHECK((*load_recovery(world.disk))->life == 0);
}

TEST_CASE("a node's data are its own files and no others, its identity first, what it was last") {
  const auto found =
      node_data({"identity", "lock", "lost+found", "marks", "notes", "restored", "shard-3"});
  CHECK(found == std::vector<std::string>{"identity", "shard-3", "marks", "restored"});
}

}  // namespace coterie::recover_as_test
