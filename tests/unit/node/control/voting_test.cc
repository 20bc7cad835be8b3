#include "node/control/voting.h"

#include <doctest/doctest.h>

#include "tests/sim/env/file.h"
#include "tests/sim/env/world.h"
#include "tests/unit/node/samples.h"

namespace coterie::voting_test {

namespace {

constexpr paxos::Ballot low{.round = 1, .proposer = {.high = 7, .low = 2}};
constexpr paxos::Ballot high{.round = 2, .proposer = {.high = 7, .low = 2}};

paxos::Value next_of(const Epoch& base) {
  EpochContents contents = base.contents();
  contents.number.number += 1;
  contents.members.front().weight += 1;
  return std::make_shared<const Epoch>(*Epoch::make(std::move(contents)));
}

/// Node 1's disk, with the sample epoch on it.
struct World {
  World() {
    EpochLog epochs(disk);
    REQUIRE(epochs.open());
    REQUIRE(epochs.add(sample_epoch()));
  }

  sim::SimWorld sim{1};
  sim::NodeIndex node = sim.add_node();
  sim::SimFileSystem disk{sim, node};
  NoLog log;
};

/// One run of its process.
struct Run {
  explicit Run(World& world)
      : epochs(world.disk), voting(node_id(1), world.disk, epochs, world.log) {
    REQUIRE(epochs.open());
    REQUIRE(voting.open());
  }
  void learn(const paxos::Value& epoch) {
    REQUIRE(epochs.add(epoch));
    voting.on_epoch();
  }

  EpochLog epochs;
  Voting voting;
};

}  // namespace

TEST_CASE("what a voter promised and accepted survives a power loss") {
  World world;
  const auto base = sample_epoch();
  const auto slot = paxos::slot_after(*base);
  {
    Run run(world);
    CHECK(run.voting.on_prepare({.slot = slot, .ballot = high})->verdict ==
          paxos::Verdict::granted);
    CHECK_FALSE(run.voting.is_undecided());
  }
  world.sim.crash(world.node, sim::Crash::power);
  {
    Run run(world);
    CHECK(run.voting.on_prepare({.slot = slot, .ballot = low})->verdict == paxos::Verdict::outbid);
    const auto vote = run.voting.on_accept({.slot = slot, .ballot = high, .value = next_of(*base)});
    CHECK(vote->verdict == paxos::Verdict::granted);
  }
  world.sim.crash(world.node, sim::Crash::power);
  Run run(world);
  CHECK(run.voting.is_undecided());
  const auto vote =
      run.voting.on_prepare({.slot = slot, .ballot = {.round = 3, .proposer = node_id(3)}});
  REQUIRE(vote);
  CHECK(vote->accepted == high);
  CHECK(*vote->epoch == *next_of(*base));
}

TEST_CASE("a vote that cannot be made durable is not given, and not remembered") {
  World world;
  Run run(world);
  const auto slot = paxos::slot_after(*sample_epoch());
  world.sim.faults(world.node).disk.sync_error = 1;
  CHECK_FALSE(run.voting.on_prepare({.slot = slot, .ballot = high}));
  world.sim.faults(world.node).disk.sync_error = 0;
  CHECK(run.voting.on_prepare({.slot = slot, .ballot = low})->verdict == paxos::Verdict::granted);
}

TEST_CASE("a voter that knows of later epochs tells what became of the one asked about") {
  World world;
  Run run(world);
  const auto base = sample_epoch();
  const auto second = next_of(*base);
  run.learn(second);
  run.learn(next_of(*second));
  const auto vote = run.voting.on_prepare({.slot = paxos::slot_after(*base), .ballot = low});
  REQUIRE(vote);
  CHECK(vote->verdict == paxos::Verdict::decided);
  CHECK(*vote->epoch == *second);
}

TEST_CASE("a voter whose votes are damaged does not vote until the next epoch is decided") {
  World world;
  const auto base = sample_epoch();
  const auto slot = paxos::slot_after(*base);
  {
    Run run(world);
    REQUIRE(run.voting.on_prepare({.slot = slot, .ballot = high}));
  }
  REQUIRE(world.disk.flip_bit("vote", 10, 3));
  Run run(world);
  CHECK(run.voting.on_prepare({.slot = slot, .ballot = low}).error().code == ErrorCode::refused);
  run.learn(next_of(*base));
  const auto later = paxos::slot_after(*next_of(*base));
  CHECK(run.voting.on_prepare({.slot = later, .ballot = low})->verdict == paxos::Verdict::granted);
  Run again(world);
  CHECK(again.voting.on_prepare({.slot = later, .ballot = low})->verdict == paxos::Verdict::outbid);
}

TEST_CASE("a voter whose epochs are older than its votes does not vote until it has caught up") {
  World world;
  const auto base = sample_epoch();
  const auto second = next_of(*base);
  const auto later = paxos::slot_after(*second);
  {
    Run run(world);
    run.learn(second);
    REQUIRE(run.voting.on_prepare({.slot = later, .ballot = high}));
  }
  const auto names = world.disk.list("epochs");
  REQUIRE(world.disk.remove("epochs/" + names->back()));
  Run run(world);
  CHECK(run.voting.on_prepare({.slot = paxos::slot_after(*base), .ballot = low}).error().code ==
        ErrorCode::refused);
  run.learn(second);
  CHECK(run.voting.on_prepare({.slot = later, .ballot = low})->verdict == paxos::Verdict::outbid);
}

}  // namespace coterie::voting_test
