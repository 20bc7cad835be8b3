#include "node/control/epoch_log.h"

#include <doctest/doctest.h>

#include "ring/epoch_codec.h"
#include "tests/sim/env/file.h"
#include "tests/sim/env/world.h"
#include "tests/unit/node/samples.h"

namespace coterie::epoch_log_test {

namespace {

struct World {
  sim::SimWorld sim{1};
  sim::NodeIndex node = sim.add_node();
  sim::SimFileSystem disk{sim, node};
};

std::shared_ptr<const Epoch> second_epoch(ClusterId cluster) {
  EpochContents contents = sample_epoch()->contents();
  contents.number.number = 2;
  contents.cluster = cluster;
  return std::make_shared<const Epoch>(*Epoch::make(std::move(contents)));
}

}  // namespace

TEST_CASE("an epoch that was added survives a power loss") {
  World world;
  EpochLog log(world.disk);
  REQUIRE(log.open());
  CHECK(log.newest() == nullptr);
  REQUIRE(log.add(sample_epoch()));
  world.sim.crash(world.node, sim::Crash::power);
  EpochLog again(world.disk);
  REQUIRE(again.open());
  REQUIRE(again.newest() != nullptr);
  CHECK(*again.newest() == *sample_epoch());
}

TEST_CASE("the newest of several is read") {
  World world;
  EpochLog log(world.disk);
  REQUIRE(log.open());
  REQUIRE(log.add(sample_epoch()));
  REQUIRE(log.add(second_epoch(sample_epoch()->cluster())));
  EpochLog again(world.disk);
  REQUIRE(again.open());
  CHECK(again.newest()->number().number == 2);
}

TEST_CASE("an older or equal epoch changes nothing, a contradicting one is refused") {
  World world;
  EpochLog log(world.disk);
  REQUIRE(log.open());
  REQUIRE(log.add(sample_epoch()));
  CHECK(log.add(sample_epoch()));
  CHECK_FALSE(log.add(sample_epoch(4)));
  CHECK_FALSE(log.add(second_epoch({.high = 9, .low = 9})));
  CHECK(*log.newest() == *sample_epoch());
}

TEST_CASE("a damaged epoch is an error that names the file") {
  World world;
  EpochLog log(world.disk);
  REQUIRE(log.open());
  REQUIRE(log.add(sample_epoch()));
  const std::string path = world.disk.files().begin()->first;
  REQUIRE(world.disk.flip_bit(path, 20, 3));
  EpochLog again(world.disk);
  const auto opened = again.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.find(path) != std::string::npos);
}

}  // namespace coterie::epoch_log_test
