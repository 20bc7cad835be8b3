#include <doctest/doctest.h>

#include "base/limits.h"
#include "tests/unit/node/changes.h"
#include "tests/unit/transfer/repair_world.h"

namespace coterie::transfer {
namespace {

using namespace std::chrono_literals;

AntiEntropyOptions every_minute() {
  auto options = RepairWorld::off();
  options.enabled = true;
  options.interval = 1min;
  return options;
}

TEST_CASE("copies converge by themselves, each pair compared by one of the two") {
  RepairWorld world(every_minute());
  for (std::uint64_t i = 0; i < 300; ++i) world.put(i % 3, world.key(i), 1);
  world.tell_views();
  world.run(10s);
  world.run(2min);
  CHECK(world.are_equal());
  CHECK(world.side(0).everything().size() == 300);
  CHECK(world.side(2).anti_entropy.status().rounds == 0);
  CHECK(world.side(1).anti_entropy.status().rounds >= 2);
  const auto rounds = world.side(0).anti_entropy.status().rounds;
  world.run(10min);
  const auto later = world.side(0).anti_entropy.status().rounds;
  // Two pairs, every minute, more or less.
  CHECK(later - rounds >= 16);
  CHECK(later - rounds <= 24);
}

TEST_CASE(
    "a new owner's copy is compared with others once it is whole, and a leaving one no more") {
  const auto stable = sample_epoch(4, world_partitions);
  const PartitionId partition{0};
  const NodeId leaving = stable->owners(partition)[1];
  NodeId arriving;
  for (const auto& member : stable->members()) {
    if (!stable->owns(member.id, partition)) arriving = member.id;
  }
  const auto open = opened(stable, partition, leaving, arriving);
  const auto cut_over = stepped(open, transition::Step::cut_over);
  RepairWorld world;
  const auto compared_by = [&](NodeId node, const EpochPtr& epoch) {
    Side side(world, open, node, RepairWorld::off(), world.clock, world.timers);
    side.local.set_epoch(epoch, node, ShardIndex{0}, 1);
    side.epoch = epoch;
    side.view({});
    return side.anti_entropy.start(partition, RepairAction::verify).value_or(0);
  };
  CHECK(compared_by(leaving, open) == 2);
  CHECK(compared_by(arriving, open) == 0);
  CHECK(compared_by(leaving, cut_over) == 0);
  CHECK(compared_by(arriving, cut_over) == 2);
}

TEST_CASE("nothing is compared while it is switched off or paused") {
  RepairWorld world;
  world.put(0, world.key(1), 1);
  world.tell_views();
  world.run(5min);
  CHECK(world.asked.empty());
  RepairWorld paused(every_minute());
  for (std::size_t i = 0; i < 3; ++i) paused.side(i).anti_entropy.pause();
  paused.tell_views();
  paused.run(5min);
  CHECK(paused.asked.empty());
  for (std::size_t i = 0; i < 3; ++i) paused.side(i).anti_entropy.resume();
  paused.run(10s);
  CHECK(!paused.asked.empty());
}

TEST_CASE("an owner that comes back is compared with at once") {
  auto options = every_minute();
  options.interval = 1000h;
  RepairWorld world(options);
  world.tell_views();
  world.run(10s);
  world.kill(1);
  world.tell_views();
  for (std::uint64_t i = 0; i < 100; ++i) {
    world.put(0, world.key(i), 1);
    world.put(2, world.key(i), 1);
  }
  world.run(1min);
  CHECK(!world.are_equal());
  world.revive(1);
  world.tell_views();
  world.run(10s);
  CHECK(world.are_equal());
}

TEST_CASE("an owner known to lack something is compared with soon, by whoever knows") {
  auto options = every_minute();
  options.interval = 1000h;
  RepairWorld world(options);
  world.tell_views();
  world.run(10s);
  const Bytes key = world.key(5);
  world.put(2, key, 1);
  world.side(2).anti_entropy.compare_soon(world.partition_of(key), node_id(1));
  world.run(10s);
  CHECK(!world.side(0).record(key).empty());
}

TEST_CASE("verified through moves on with complete passes, and is kept") {
  RepairWorld world(every_minute());
  for (std::uint64_t i = 0; i < 30; ++i) world.put_all(world.key(i), 1);
  world.tell_views();
  world.run(3min);
  const auto verified = world.side(0).anti_entropy.status().verified;
  REQUIRE(verified.size() == world_partitions);
  // The hand-moved clock's wall stands still.
  CHECK(verified.begin()->second == world.clock.wall_now());
  // Those that do not compare with all others know nothing.
  CHECK(world.side(2).anti_entropy.status().verified.empty());
  VerifiedThrough kept(world.side(0).store);
  REQUIRE(kept.load());
  CHECK(kept.all() == verified);
}

TEST_CASE("what was verified of a copy goes with it") {
  RepairWorld world(every_minute());
  for (std::uint64_t i = 0; i < 30; ++i) world.put_all(world.key(i), 1);
  world.tell_views();
  world.run(3min);
  auto& side = world.side(0);
  REQUIRE(side.anti_entropy.status().verified.size() == world_partitions);
  // Another node takes over one partition from this one, and one from another.
  auto next = world.epoch->contents();
  next.members.push_back({.id = node_id(4), .address = "127.0.0.1:7402"});
  const PartitionId left{3};
  std::ranges::replace(next.owners.begin() + 9, next.owners.begin() + 12, node_id(1), node_id(4));
  std::ranges::replace(next.owners.begin() + 12, next.owners.begin() + 15, node_id(2), node_id(4));
  side.anti_entropy.on_view(std::make_shared<const Epoch>(*Epoch::make(std::move(next))), {});
  CHECK(side.anti_entropy.status().verified.size() == world_partitions - 1);
  CHECK(!side.anti_entropy.status().verified.contains(left));
  VerifiedThrough kept(side.store);
  REQUIRE(kept.load());
  CHECK(kept.all() == side.anti_entropy.status().verified);
}

TEST_CASE("nothing is verified while an owner is away") {
  RepairWorld world(every_minute());
  for (std::uint64_t i = 0; i < 30; ++i) world.put_all(world.key(i), 1);
  world.kill(2);
  world.tell_views();
  world.run(5min);
  CHECK(world.side(0).anti_entropy.status().verified.empty());
}

WallTime at(int minutes) {
  return WallTime(std::chrono::minutes(minutes));
}

TEST_CASE("a pass that found differences verifies only through the one before") {
  MemoryStore store(16);
  VerifiedThrough verified(store);
  const PartitionId partition{3};
  const std::vector<NodeId> others = {node_id(2), node_id(3)};
  const auto note = [&](NodeId other, int began, int ended, bool is_equal, std::uint64_t root) {
    verified.note({.partition = partition,
                   .other = other,
                   .began = at(began),
                   .is_equal = is_equal,
                   .root = root},
                  others, at(ended));
  };
  note(node_id(2), 10, 11, false, 5);
  note(node_id(3), 11, 12, false, 6);
  CHECK(verified.all().empty());
  note(node_id(2), 20, 21, false, 6);
  // Begun before the pass: it does not count.
  note(node_id(3), 11, 21, false, 6);
  CHECK(verified.all().empty());
  note(node_id(3), 22, 23, false, 6);
  CHECK(verified.all().at(partition) == at(10));
  // Equal roots, but of other times.
  note(node_id(2), 30, 31, true, 6);
  note(node_id(3), 31, 32, true, 7);
  CHECK(verified.all().at(partition) == at(20));
  note(node_id(2), 40, 41, true, 7);
  note(node_id(3), 41, 42, true, 7);
  CHECK(verified.all().at(partition) == at(40));
}

}  // namespace
}  // namespace coterie::transfer
