#include <doctest/doctest.h>

#include "base/limits.h"
#include "node/transfer/damaged_records.h"
#include "tests/unit/transfer/repair_world.h"

namespace coterie::transfer {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a damaged record is made anew from the other owners, and its tree is true") {
  RepairWorld world;
  world.tell_views();
  for (std::uint64_t i = 0; i < 200; ++i) world.put_all(world.key(i), 1);
  const Bytes key = world.key(7);
  // The newest version survives at one other owner only.
  world.put(0, key, 3);
  world.put(2, key, 3);
  const auto actor = world.side(0).local.copy(world.partition_of(key))->actor();
  world.side(0).damage(key);
  const auto met = world.side(0).local.read(wire::ReplicaRead{
      .scope = {.partition = world.partition_of(key), .configuration = ConfigurationNumber{1}},
      .key = key});
  CHECK(met.error().code == ErrorCode::unsure);
  CHECK(world.side(0).anti_entropy.status().damaged_waiting == 1);
  world.run(5s);
  CHECK(world.side(0).record(key) == RepairWorld::version(key, 3));
  CHECK(world.side(0).anti_entropy.status().damaged_waiting == 0);
  CHECK(world.side(0).anti_entropy.status().damaged_refilled == 1);
  CHECK(world.side(0).local.copy(world.partition_of(key))->actor() != actor);
  REQUIRE(world.side(0).anti_entropy.start({}, RepairAction::repair));
  world.run();
  CHECK(world.are_equal());
}

TEST_CASE("less than a quorum's answers do not stand in for a damaged record") {
  RepairWorld world;
  world.tell_views();
  const Bytes key = world.key(7);
  world.put_all(key, 1);
  world.put(0, key, 2);
  world.put(2, key, 2);
  world.side(0).damage(key);
  const Bytes bad = world.side(0).record(key);
  world.kill(2);
  world.side(0).local.note_damaged(world.partition_of(key), key);
  world.run(2min);
  CHECK(world.side(0).record(key) == bad);
  // Nor does what another owner pushes by itself.
  REQUIRE(world.side(1).anti_entropy.start({}, RepairAction::repair));
  world.run();
  CHECK(world.side(0).record(key) == bad);
  world.revive(2);
  world.run(2min);
  CHECK(world.side(0).record(key) == RepairWorld::version(key, 2));
}

TEST_CASE("a damaged record that nobody else holds goes") {
  RepairWorld world;
  world.tell_views();
  const Bytes key = world.key(7);
  world.put(0, key, 1);
  world.side(0).damage(key);
  world.side(0).local.note_damaged(world.partition_of(key), key);
  world.run(5s);
  CHECK(world.are_equal());
  CHECK(world.side(0).record(key).empty());
}

TEST_CASE("a comparison meets a damaged record on either side, and both are refilled") {
  RepairWorld world;
  world.tell_views();
  for (std::uint64_t i = 0; i < 50; ++i) world.put_all(world.key(i), 1);
  const Bytes here = world.key(3);
  const Bytes there = world.key(4);
  world.side(0).damage(here);
  world.side(1).damage(there);
  // Something differs, so that the leaves are read.
  for (std::uint64_t i = 0; i < 50; ++i) world.put(2, world.key(i), 2);
  for (int pass = 0; pass < 3; ++pass) {
    REQUIRE(world.side(0).anti_entropy.start({}, RepairAction::repair));
    world.run(2min);
  }
  CHECK(world.are_equal());
  CHECK(world.side(0).record(here) == RepairWorld::version(here, 2));
  CHECK(world.side(1).record(there) == RepairWorld::version(there, 2));
}

TEST_CASE("a copy whose log was damaged is refilled from both others and answers again") {
  RepairWorld world;
  for (std::uint64_t i = 0; i < 2000; ++i) world.put(1 + i % 2, world.key(i), 1);
  const PartitionId damaged{5};
  world.add_side(0, {damaged});
  world.put(0, world.key(5000), 1);
  world.kill(2);
  world.tell_views();
  CHECK(world.side(0).local.copy(damaged)->state() == replica::CopyState::unsure);
  world.run(1min);
  // One other owner is not enough: an acknowledged write may be with the third alone.
  CHECK(world.side(0).local.copy(damaged)->state() == replica::CopyState::unsure);
  CHECK(world.side(0).anti_entropy.status().refilling.size() == 1);
  world.revive(2);
  world.tell_views();
  world.run(1min);
  CHECK(world.side(0).local.copy(damaged)->state() == replica::CopyState::full);
  CHECK(world.side(0).store.status().damaged.empty());
  CHECK(world.side(0).anti_entropy.status().copies_refilled == 1);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const Bytes key = world.key(i);
    if (world.partition_of(key) == damaged) CHECK(!world.side(0).record(key).empty());
  }
  // It only took.
  CHECK(world.asked[wire::Kind::replica_write] == 0);
}

TEST_CASE("a loss that people accept leaves nothing unsure, and only where they said") {
  RepairWorld world;
  world.kill(1);
  world.kill(2);
  const Bytes key = world.key(1);
  const PartitionId damaged = world.partition_of(key);
  const PartitionId other{(damaged.value + 1) % world_partitions};
  world.add_side(0, {damaged, other});
  world.put(0, key, 1);
  const Bytes second = world.key(2);
  world.put(0, second, 1);
  world.side(0).damage(second);
  world.tell_views();
  world.side(0).local.note_damaged(world.partition_of(second), second);
  world.run(2min);
  auto& repair = world.side(0).anti_entropy;
  CHECK(world.side(0).local.unsure_copies() == 2);
  CHECK(repair.status().damaged_waiting == 1);
  CHECK(*repair.accept_loss(damaged) == 1);
  CHECK(world.side(0).local.copy(damaged)->state() == replica::CopyState::full);
  CHECK(world.side(0).local.copy(other)->state() == replica::CopyState::unsure);
  CHECK(world.side(0).record(key) == RepairWorld::version(key, 1));
  CHECK(*repair.accept_loss({}) >= 1);
  CHECK(world.side(0).local.unsure_copies() == 0);
  CHECK(world.side(0).store.status().damaged.empty());
  CHECK(repair.status().refilling.empty());
  CHECK(repair.status().damaged_waiting == 0);
  CHECK(world.side(0).record(second).empty());
  CHECK(*repair.accept_loss({}) == 0);
}

TEST_CASE("two damaged copies are refilled once all three have been compared") {
  RepairWorld world;
  const PartitionId damaged{5};
  world.add_side(0, {damaged});
  world.add_side(1, {damaged});
  for (std::uint64_t i = 0; i < 300; ++i) world.put(i % 3, world.key(i), 1);
  world.tell_views();
  world.run(1min);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(world.side(i).local.copy(damaged)->state() == replica::CopyState::full);
  }
  for (std::uint64_t i = 0; i < 300; ++i) {
    const Bytes key = world.key(i);
    if (world.partition_of(key) == damaged) CHECK(!world.side(0).record(key).empty());
  }
}

TEST_CASE("after a loss of power copies are compared with both others before doubt ends") {
  RepairWorld world;
  const Bytes missed = world.key(7);
  world.add_side(0, {}, 5);
  world.put(2, missed, 1);
  world.kill(2);
  world.tell_views();
  world.run(1min);
  // What was acknowledged here and at the third owner may be with that one alone.
  CHECK(world.side(0).local.copies_in_doubt() == world_partitions);
  CHECK(world.side(0).local.unsure_copies() == 0);
  world.revive(2);
  world.tell_views();
  world.run(1min);
  CHECK(world.side(0).local.copies_in_doubt() == 0);
  CHECK(world.side(0).record(missed) == RepairWorld::version(missed, 1));
  CHECK(world.side(0).anti_entropy.status().refilling.empty());
}

TEST_CASE("all lost power: they compare with one another, and doubt ends") {
  RepairWorld world;
  for (std::size_t i = 0; i < 3; ++i) world.add_side(i, {}, 5 + i);
  for (std::uint64_t i = 0; i < 300; ++i) world.put(i % 3, world.key(i), 1);
  world.tell_views();
  world.run(1min);
  for (std::size_t i = 0; i < 3; ++i) CHECK(world.side(i).local.copies_in_doubt() == 0);
  CHECK(world.are_equal());
}

TEST_CASE("after W was raised, doubt ends only with as many owners as the lower W needs") {
  RepairWorld world;
  auto contents = world.epoch->contents();
  for (Bucket& bucket : contents.buckets) {
    bucket.r = 2;
    bucket.w = 3;
    bucket.least_w = 2;
  }
  world.epoch = std::make_shared<const Epoch>(*Epoch::make(std::move(contents)));
  world.add_side(0, {}, 5);
  world.kill(2);
  world.tell_views();
  world.run(1min);
  CHECK(world.side(0).local.copies_in_doubt() == world_partitions);
}

TEST_CASE("people may take what power took for lost") {
  RepairWorld world;
  world.add_side(0, {}, 5);
  world.kill(2);
  world.tell_views();
  world.run(1min);
  CHECK(world.side(0).local.copies_in_doubt() == world_partitions);
  CHECK(*world.side(0).anti_entropy.accept_loss(PartitionId{3}) == 1);
  CHECK(world.side(0).local.copies_in_doubt() == world_partitions - 1);
  CHECK(*world.side(0).anti_entropy.accept_loss({}) == world_partitions - 1);
  CHECK(world.side(0).local.copies_in_doubt() == 0);
}

TEST_CASE("a refill quorum meets every write quorum of the others, or is all there is") {
  const RefillQuorum usual{.others = 2, .needed = 2};
  CHECK(usual.is_reached(2, 2));
  CHECK(!usual.is_reached(1, 1));
  CHECK(usual.is_reached(1, 2));
  const RefillQuorum strong{.others = 2, .needed = 1};
  CHECK(strong.is_reached(1, 1));
  CHECK(!strong.is_reached(0, 1));
  const RefillQuorum alone{.others = 0, .needed = 1};
  CHECK(!alone.is_reached(0, 0));
}

}  // namespace
}  // namespace coterie::transfer
