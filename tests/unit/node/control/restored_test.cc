// Nodes that were restored from an old copy, or begin anew, on a simulated network.

#include <doctest/doctest.h>

#include "node/identity.h"
#include "tests/unit/node/control/ring_world.h"

namespace coterie::restored_test {

namespace {

using namespace std::chrono_literals;

void note_log(const RingWorld::Node& node, std::uint64_t synced) {
  node.control().note_log(ShardIndex{0}, {.log_id = 7, .synced = synced, .last = synced});
}

void stop(RingWorld& world, RingWorld::Node& node) {
  node.control().leave([] {});
  world.run_for(2s);
  node.crash();
}

/// Of a voter that has told the others of 100 positions, stopped and started again.
struct Restarted {
  Restarted() {
    note_log(world.at(2), 100);
    world.run_for(3s);
  }
  RingWorld world;
};

}  // namespace

TEST_CASE("a node that starts with what it had is compared at once, and serves") {
  Restarted one;
  one.world.at(2).crash();
  one.world.at(2).start();
  one.world.run_for(100ms);
  const auto& control = one.world.at(2).control();
  CHECK(control.is_compared());
  note_log(one.world.at(2), 100);
  note_log(one.world.at(2), 120);
  one.world.run_for(3s);
  CHECK_FALSE(control.restored());
}

TEST_CASE("a log that holds less than the others remember was restored: the node says so") {
  Restarted one;
  one.world.at(2).crash();
  one.world.at(2).start();
  one.world.run_for(100ms);
  note_log(one.world.at(2), 99);
  const auto& restored = one.world.at(2).control().restored();
  REQUIRE(restored);
  CHECK(restored->find("--recover-as " + to_hex(node_id(2))) != std::string::npos);
  CHECK(restored->find("cluster-admin replace") != std::string::npos);
  CHECK(one.world.at(2).blocker() == *restored);
}

TEST_CASE("what others remember outlives their own restarts") {
  Restarted one;
  one.world.run_for(10s);
  for (const std::size_t number : {1U, 2U, 3U}) one.world.at(number).crash();
  for (const std::size_t number : {2U, 1U, 3U}) one.world.at(number).start();
  one.world.run_for(100ms);
  note_log(one.world.at(2), 99);
  one.world.run_for(3s);
  CHECK(one.world.at(2).control().restored());
}

TEST_CASE("a node that nobody answers serves after a while, and ends when it hears more") {
  Restarted one;
  one.world.run_for(10s);
  for (const std::size_t number : {1U, 2U, 3U}) one.world.at(number).crash();
  one.world.at(2).start();
  one.world.run_for(100ms);
  note_log(one.world.at(2), 99);
  one.world.run_for(2s);
  CHECK(one.world.at(2).control().is_compared());
  CHECK_FALSE(one.world.at(2).control().restored());
  one.world.at(3).start();
  one.world.run_for(3s);
  CHECK(one.world.at(2).control().restored());
}

TEST_CASE("a data directory of an earlier run is noticed, though nothing was written since") {
  Restarted one;
  auto& node = one.world.at(2);
  const auto before = node.identity;
  node.crash();
  node.start();
  one.world.run_for(5s);
  node.crash();
  node.identity = before;
  node.start();
  one.world.run_for(3s);
  CHECK(node.control().restored());
}

TEST_CASE("a data directory from before the node's first epoch is noticed before it serves") {
  Restarted one;
  auto& node = one.world.at(2);
  node.crash();
  node.start();
  one.world.run_for(3s);
  node.crash();
  const auto names = node.disk.list("epochs");
  REQUIRE(names);
  for (const auto& name : *names) REQUIRE(node.disk.remove("epochs/" + name));
  node.identity.incarnation = 1;
  node.has_data = false;
  node.start();
  bool has_served = false;
  for (int i = 0; i < 5000 && !node.control().restored(); ++i) {
    one.world.run_for(1ms);
    has_served = has_served || node.control().is_compared();
  }
  CHECK(node.control().restored());
  CHECK_FALSE(has_served);
}

TEST_CASE("a voter that forgot its vote is noticed") {
  Restarted one;
  auto& node = one.world.at(2);
  // What it has promised by its disk, and then more.
  const auto ask_for = [&](int weight) {
    const auto done = one.world.commit(
        one.world.at(1), plan::Weigh{.node = node_id(3), .weight = static_cast<unsigned>(weight)});
    REQUIRE(done != nullptr);
    one.world.settle(one.world.at(1));
  };
  ask_for(200);
  const auto old_vote = read_file(node.disk, "vote");
  ask_for(300);
  one.world.run_for(3s);
  const auto new_vote = read_file(node.disk, "vote");
  REQUIRE(old_vote);
  REQUIRE(new_vote);
  REQUIRE(*old_vote != *new_vote);
  node.crash();
  REQUIRE(replace_file(node.disk, "vote", **old_vote));
  node.start();
  one.world.run_for(3s);
  CHECK(node.control().restored());
}

TEST_CASE(
    "who begins anew asks what it was, abstains for one epoch, and is remembered as another") {
  Restarted one;
  auto& lost = one.world.at(2);
  lost.crash();
  const auto index = lost.index;
  auto config = lost.config;
  config.cluster.initial_members = {one.world.door_of(one.world.at(1))};
  one.world.nodes[1] =
      std::make_unique<RingWorld::Node>(one.world.network, index, std::move(config), node_id(2));
  auto& node = one.world.at(2);
  REQUIRE(keep_recovery(node.disk, {}));
  node.start();
  one.world.run_for(5s);
  REQUIRE(node.control().view() != nullptr);
  CHECK(node.control().is_compared());
  REQUIRE(node.control().recovery());
  CHECK(node.control().recovery()->life == 1);
  CHECK(node.control().recovery()->votes == Recovery::Votes::through);
  note_log(node, 0);
  one.world.run_for(3s);
  CHECK_FALSE(node.control().restored());
  // Of three voters the other two decide, and from then on it votes.
  const auto done =
      one.world.commit(one.world.at(1), plan::Weigh{.node = node_id(3), .weight = 200});
  REQUIRE(done != nullptr);
  one.world.settle(one.world.at(1));
  CHECK(node.control().recovery()->votes == Recovery::Votes::over);
  // What it was is over.
  stop(one.world, node);
  node.identity.incarnation = 1000;
  REQUIRE(keep_recovery(node.disk, {.life = 0, .votes = Recovery::Votes::over, .through = {}}));
  node.start();
  one.world.run_for(5s);
  CHECK(node.control().recovery()->life == 2);
}

}  // namespace coterie::restored_test
