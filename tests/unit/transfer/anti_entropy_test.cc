#include "node/transfer/anti_entropy.h"

#include <doctest/doctest.h>

#include "base/limits.h"
#include "tests/unit/transfer/repair_world.h"

namespace coterie::transfer {
namespace {

using namespace std::chrono_literals;

/// Repairs from side 0, which shares everything with the others.
RepairCommand repair(RepairWorld& world, RepairAction action = RepairAction::repair,
                     const RepairScope& scope = {}) {
  auto& repairer = world.side(0).anti_entropy;
  const auto started = repairer.start(scope, action);
  REQUIRE(started);
  world.run();
  const auto command = *repairer.status().command;
  CHECK(command.ended.has_value());
  CHECK(command.partitions == *started);
  CHECK(command.partitions_done == *started);
  return command;
}

TEST_CASE("equal copies cost a few bytes a partition, and nothing is looked at below the roots") {
  RepairWorld world;
  world.tell_views();
  for (std::uint64_t i = 0; i < 500; ++i) world.put_all(world.key(i), 1);
  const auto command = repair(world);
  CHECK(command.differing == 0);
  CHECK(command.partitions == 2 * world_partitions);
  CHECK(world.asked.size() == 1);
  CHECK(world.asked[wire::Kind::tree_roots] == 2);
  CHECK(command.bytes / command.partitions < 50);
}

TEST_CASE("one differing key is found and repaired, whoever lacks it") {
  for (const bool is_lacking_here : {true, false}) {
    CAPTURE(is_lacking_here);
    RepairWorld world;
    world.tell_views();
    for (std::uint64_t i = 0; i < 500; ++i) world.put_all(world.key(i), 1);
    const Bytes key = world.key(1000);
    if (!is_lacking_here) world.put(0, key, 1);
    if (is_lacking_here) world.put(1, key, 1);
    world.put(2, key, 2);
    const auto command = repair(world);
    CHECK(command.repaired >= 2);
    // What the last one held comes to the one before in the next pass.
    (void)repair(world);
    CHECK(world.are_equal());
    CHECK(world.side(0).record(key) == RepairWorld::version(key, 2));
    CHECK(repair(world).differing == 0);
  }
}

TEST_CASE("many differences of all kinds converge in two passes") {
  RepairWorld world;
  world.tell_views();
  for (std::uint64_t i = 0; i < 5000; ++i) world.put_all(world.key(i), 1);
  for (std::uint64_t i = 0; i < 6000; i += 7) world.put(i % 3, world.key(i), 2 + i % 2);
  for (std::uint64_t i = 3; i < 6000; i += 31) world.put(i % 2, world.key(i), 4);
  (void)repair(world);
  (void)repair(world);
  CHECK(world.are_equal());
  CHECK(world.side(0).anti_entropy.status().keys_failed == 0);
  CHECK(repair(world).differing == 0);
}

TEST_CASE("an empty copy is filled, and fills") {
  for (const std::size_t empty : {0U, 1U}) {
    RepairWorld world;
    world.tell_views();
    for (std::uint64_t i = 0; i < 20000; ++i) {
      for (std::size_t side = 0; side < 3; ++side) {
        if (side != empty) world.put(side, world.key(i), 1);
      }
    }
    CHECK(repair(world).repaired == 20000);
    CHECK(world.are_equal());
  }
}

TEST_CASE("copies of different depth compare at the lesser one") {
  RepairWorld world;
  world.tell_views();
  // Side 0 has trees of one level, side 1 of two.
  for (std::uint64_t i = 0; i < 20000; ++i) {
    if (i < 3000) world.put(0, world.key(i), 1);
    world.put(1, world.key(i), 1);
    if (i < 500) world.put(2, world.key(i), 1);
  }
  const auto depth = [&](std::size_t side) {
    return world.side(side).store.tree(PartitionId{3})->depth();
  };
  REQUIRE(depth(0) == 1);
  REQUIRE(depth(1) == 2);
  REQUIRE(depth(2) == 0);
  (void)repair(world);
  (void)repair(world);
  CHECK(world.are_equal());
  CHECK(depth(0) == 2);
}

TEST_CASE("many sort keys under one partition key are compared by pieces") {
  RepairWorld world;
  world.tell_views();
  constexpr std::uint64_t records = 10000;
  for (std::uint64_t i = 0; i < records; ++i) world.put_all(world.key(i, "one user"), 1);
  for (const std::uint64_t i : {0U, 5000U, 9999U, 4242U, 4243U}) {
    world.put(1, world.key(i, "one user"), 2);
  }
  world.put(0, world.key(records, "one user"), 1);
  const auto command = repair(world, RepairAction::repair, node_id(2));
  CHECK(command.repaired == 6);
  CHECK(world.asked[wire::Kind::range_pieces] > 0);
  CHECK(world.side(0).everything() == world.side(1).everything());
  // Far less than the keys themselves are.
  CHECK(command.bytes < records * 4);
}

TEST_CASE("what is written during the comparison is explained by the second look") {
  RepairWorld world;
  world.tell_views();
  for (std::uint64_t i = 0; i < 200; ++i) world.put_all(world.key(i), 1);
  // Writes that have reached side 0 when roots are compared, and the others a moment later.
  for (std::uint64_t i = 0; i < 50; ++i) world.put(0, world.key(i), 2);
  bool is_written = false;
  world.before_answer = [&](NodeId, wire::Kind kind) {
    if (kind != wire::Kind::replica_records || std::exchange(is_written, true)) return;
    for (std::uint64_t i = 0; i < 50; ++i) world.put_all(world.key(i), 2);
  };
  const auto command = repair(world);
  CHECK(command.differing == 0);
  CHECK(world.side(0).anti_entropy.status().keys_looked_at >= 50);
  CHECK(world.asked[wire::Kind::replica_write] == 0);
  CHECK(world.are_equal());
}

TEST_CASE("the second look comes after the pause, not before") {
  auto options = RepairWorld::off();
  options.pause = 3s;
  RepairWorld world(options);
  world.tell_views();
  world.put(0, world.key(1), 1);
  REQUIRE(world.side(0).anti_entropy.start({}, RepairAction::repair));
  world.run(2900ms);
  CHECK(world.asked[wire::Kind::replica_records] == 0);
  world.run(4s);
  CHECK(world.asked[wire::Kind::replica_records] > 0);
  CHECK(world.are_equal());
}

TEST_CASE("an owner that goes in the middle leaves no round hanging, and is told of in words") {
  for (const auto when : {wire::Kind::tree_roots, wire::Kind::range_digests,
                          wire::Kind::replica_records, wire::Kind::replica_write}) {
    CAPTURE(static_cast<int>(when));
    RepairWorld world;
    world.tell_views();
    for (std::uint64_t i = 0; i < 300; ++i) world.put(0, world.key(i), 1);
    world.before_answer = [&](NodeId to, wire::Kind kind) {
      if (kind == when && to == node_id(2)) world.kill(1);
    };
    const auto command = repair(world, RepairAction::repair, node_id(2));
    CHECK(command.partitions_failed > 0);
    CHECK(!command.last_failure.empty());
    CHECK(!world.side(0).anti_entropy.status().running);
    world.before_answer = {};
    world.revive(1);
    (void)repair(world, RepairAction::repair, node_id(2));
    CHECK(world.side(0).everything() == world.side(1).everything());
  }
}

TEST_CASE("verify names what differs and changes nothing") {
  RepairWorld world;
  world.tell_views();
  for (std::uint64_t i = 0; i < 300; ++i) world.put_all(world.key(i), 1);
  const Bytes key = world.key(1000);
  world.put(1, key, 1);
  const auto before = world.side(0).everything();
  const auto command = repair(world, RepairAction::verify);
  CHECK(command.differing == 1);
  CHECK(command.repaired == 0);
  REQUIRE(command.keys.size() == 1);
  CHECK(command.keys[0].key == key);
  CHECK(command.keys[0].other == node_id(2));
  CHECK(world.side(0).everything() == before);
  CHECK(world.asked[wire::Kind::replica_write] == 0);
}

TEST_CASE("a repair can be of one partition, of one bucket, or be refused") {
  RepairWorld world;
  world.tell_views();
  for (std::uint64_t i = 0; i < 100; ++i) world.put(1, world.key(i), 1);
  auto& repairer = world.side(0).anti_entropy;
  CHECK(repairer.start(PartitionId{99}, RepairAction::repair).error().code == ErrorCode::not_found);
  CHECK(repairer.start(BucketId{9}, RepairAction::repair).error().code ==
        ErrorCode::unknown_bucket);
  CHECK(repairer.start(node_id(9), RepairAction::repair).error().code == ErrorCode::not_found);
  CHECK(repair(world, RepairAction::repair, BucketId{2}).differing == 0);
  const auto partition = world.partition_of(world.key(7));
  const auto command = repair(world, RepairAction::repair, partition);
  CHECK(command.partitions == 2);
  CHECK(!world.side(0).record(world.key(7)).empty());
  // From side 1 to side 0, and from there to side 2.
  CHECK(2 * world.side(0).everything().size() == command.repaired);
  CHECK(repair(world, RepairAction::repair, BucketId{1}).repaired > 0);
  REQUIRE(repairer.start({}, RepairAction::repair));
  CHECK(repairer.start({}, RepairAction::repair).error().code == ErrorCode::refused);
  CHECK(repairer.cancel());
  CHECK(!repairer.cancel());
  CHECK(repairer.status().command->is_cancelled);
  world.run(1s);
  CHECK(!repairer.status().running);
}

TEST_CASE("the budget of bytes holds") {
  auto options = RepairWorld::off();
  options.bytes_a_second = 10000;
  options.pause = 0s;
  RepairWorld world(options);
  world.tell_views();
  for (std::uint64_t i = 0; i < 2000; ++i) world.put(1, world.key(i), 1);
  auto& repairer = world.side(0).anti_entropy;
  REQUIRE(repairer.start(node_id(2), RepairAction::repair));
  world.run(10s);
  const auto bytes = repairer.status().bytes;
  CHECK(bytes > 50000);
  // A few answers may be on their way when the budget is reached.
  CHECK(bytes < 10 * 10000 + 200000);
  const auto before = bytes;
  world.run(10s);
  CHECK(repairer.status().bytes - before < 120000);
  world.run(10min);
  CHECK(!world.side(0).everything().empty());
  CHECK(world.side(0).everything() == world.side(1).everything());
}

}  // namespace
}  // namespace coterie::transfer
