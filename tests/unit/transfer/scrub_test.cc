#include "node/transfer/scrub.h"

#include <doctest/doctest.h>

#include "base/limits.h"
#include "tests/unit/transfer/repair_world.h"

namespace coterie::transfer {
namespace {

using namespace std::chrono_literals;

/// The scrub of one side of a RepairWorld.
struct Scrubbed {
  explicit Scrubbed(RepairWorld& in,
                    ScrubOptions with = {.interval = 24h, .bytes_a_second = 1U << 30})
      : world(in), side(in.side(0)), options(with) {
    begin();
  }
  void begin() {
    scrub.reset();
    scrub = std::make_unique<Scrub>(
        Scrub::Environment{.clock = world.clock,
                           .timers = world.timers,
                           .store = side.store,
                           .copies = side.copies,
                           .log = log,
                           .should_yield = [this] { return is_yielding; },
                           .waiting = [this] { return side.anti_entropy.damaged_waiting(); }},
        Scrub::Options{.shard = ShardIndex{0}, .schedule = options});
    scrub->on_view();
  }
  ScrubFindings walk(Duration most = 20s) {
    REQUIRE(scrub->start());
    world.run(most);
    REQUIRE(!scrub->status().walk);
    return scrub->status().last->found;
  }
  /// The leaf of a key says what its records are not.
  void falsify(BytesView key) {
    const auto partition = world.partition_of(key);
    const auto* tree = side.store.tree(partition);
    const auto leaf = tree->leaf_of(decode_key(key)->token);
    REQUIRE(side.store.mend_leaf(partition, tree->depth(), leaf, {.hash = 99, .records = 3}));
  }

  RepairWorld& world;
  Side& side;
  ScrubOptions options;
  NoLog log;
  bool is_yielding = false;
  std::unique_ptr<Scrub> scrub;
};

TEST_CASE("a scrub finds a bad record that nobody reads, and it is refilled") {
  RepairWorld world;
  world.tell_views();
  for (std::uint64_t i = 0; i < 200; ++i) world.put_all(world.key(i), 1);
  Scrubbed scrubbed(world);
  const Bytes key = world.key(7);
  world.put(1, key, 2);
  world.put(2, key, 2);
  world.side(0).damage(key);
  const auto found = scrubbed.walk();
  CHECK(found.records == 200);
  CHECK(found.bytes > 200 * 50);
  CHECK(found.damaged == 1);
  CHECK(found.leaves_wrong == 0);
  CHECK(world.side(0).anti_entropy.status().damaged_refilled == 1);
  CHECK(world.side(0).record(key) == RepairWorld::version(key, 2));
  CHECK(world.are_equal());
  CHECK(scrubbed.walk() == ScrubFindings{.records = 200, .bytes = found.bytes});
}

TEST_CASE("a leaf that is not what its records are is mended") {
  RepairWorld world;
  world.tell_views();
  for (std::uint64_t i = 0; i < 3000; ++i) world.put_all(world.key(i), 1);
  CHECK(world.side(0).store.tree(PartitionId{0})->depth() == 1);
  Scrubbed scrubbed(world);
  scrubbed.falsify(world.key(5));
  // A record that is gone, and that the tree counts still.
  Write gone{.space = Space::records, .key = world.key(8)};
  REQUIRE(world.side(0).store.append({&gone, 1}));
  CHECK(!world.are_equal());
  CHECK(scrubbed.walk().leaves_wrong == 2);
  // A comparison finds it now.
  REQUIRE(world.side(0).anti_entropy.start({}, RepairAction::repair));
  world.run();
  CHECK(world.are_equal());
  CHECK(scrubbed.walk().leaves_wrong == 0);
}

TEST_CASE("a tree that is lost altogether is made anew") {
  RepairWorld world;
  Scrubbed scrubbed(world);
  // Its records came without their leaf hashes.
  std::vector<Write> writes;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const Bytes key = world.key(i);
    writes.push_back({.space = Space::records, .key = key, .value = RepairWorld::version(key, 1)});
    world.put(1, key, 1);
    world.put(2, key, 1);
  }
  REQUIRE(world.side(0).store.append(writes));
  CHECK(world.side(0).store.tree(PartitionId{0}) == nullptr);
  CHECK(scrubbed.walk().leaves_wrong == world_partitions);
  world.put_all(world.key(1), 2);  // any write deepens
  CHECK(world.are_equal());
}

/// Many sort keys under one partition key: one leaf, and several turns.
struct LongLeaf {
  LongLeaf() {
    for (std::uint64_t i = 0; i < records; ++i) world.put(0, key(i), 1);
  }
  [[nodiscard]] Bytes key(std::uint64_t number) const { return world.key(number, "one"); }
  RepairWorld world;
  static constexpr std::uint64_t records = 20000;
};

TEST_CASE("a leaf of several turns is compared soundly while writes go on") {
  LongLeaf leaf;
  auto& world = leaf.world;
  Scrubbed scrubbed(world, {.interval = 24h, .bytes_a_second = 1U << 20});
  REQUIRE(scrubbed.scrub->start());
  SUBCASE("and is right") {
    for (std::uint64_t i = 0; scrubbed.scrub->status().walk && i < 1000; ++i) {
      world.run(50ms);
      world.put(0, leaf.key(i * 7 % LongLeaf::records), i + 2);
    }
    const auto found = scrubbed.scrub->status().last->found;
    CHECK(found.leaves_wrong == 0);
    CHECK(found.leaves_busy == 1);
  }
  SUBCASE("and is wrong") {
    scrubbed.falsify(leaf.key(1));
    world.run(30s);
    const auto found = scrubbed.scrub->status().last->found;
    CHECK(found.leaves_wrong == 1);
    CHECK(found.leaves_busy == 0);
    CHECK(world.side(0).store.tree(world.partition_of(leaf.key(1)))->root().records ==
          LongLeaf::records);
  }
  SUBCASE("what came and went in between is not believed") {
    const auto read = [&] { return scrubbed.scrub->status().walk->found.records; };
    world.run(20ms);
    const auto turn = read();
    REQUIRE(turn > 0);
    const Bytes passing = leaf.key(75'000'000);  // among the last eighth
    world.put(0, passing, 1);
    while (read() < LongLeaf::records - turn) world.run(20ms);
    world.side(0).erase(passing);
    world.run(30s);
    CHECK(scrubbed.scrub->status().last->found.leaves_wrong == 0);
    CHECK(world.side(0).store.tree(world.partition_of(passing))->root().records ==
          LongLeaf::records);
  }
}

TEST_CASE("it keeps to its rate, and waits while clients do") {
  LongLeaf leaf;
  Scrubbed scrubbed(leaf.world, {.interval = 24h, .bytes_a_second = 200'000});
  REQUIRE(scrubbed.scrub->start());
  leaf.world.run(3s);
  CHECK(scrubbed.scrub->status().walk);
  scrubbed.is_yielding = true;
  leaf.world.run(5s);
  const auto read = [&] { return scrubbed.scrub->status().walk->found.records; };
  const auto before = read();
  leaf.world.run(4s);
  CHECK(read() == before);
  scrubbed.is_yielding = false;
  leaf.world.run(60s);
  REQUIRE(scrubbed.scrub->status().last);
  const auto found = scrubbed.scrub->status().last->found;
  CHECK(found.records == LongLeaf::records);
  CHECK(found.bytes / 200'000 >= 3);
}

TEST_CASE("walks come by themselves, and none where the interval is zero") {
  RepairWorld world;
  Scrubbed scrubbed(world, {.interval = 10h, .bytes_a_second = 1U << 30});
  world.run(limits::scrub_first + 1s);
  CHECK(scrubbed.scrub->status().passes == 1);
  world.timers.advance(9h);
  CHECK(scrubbed.scrub->status().passes == 1);
  world.timers.advance(2h);
  CHECK(scrubbed.scrub->status().passes == 2);
  scrubbed.options.interval = 0s;
  scrubbed.begin();
  world.timers.advance(100h);
  CHECK(scrubbed.scrub->status().passes == 0);
  CHECK(!scrubbed.scrub->status().is_enabled);
  CHECK(scrubbed.scrub->status().last);
  CHECK(scrubbed.walk() == ScrubFindings{});
  CHECK(!scrubbed.scrub->cancel());
}

TEST_CASE("a restart goes on where the walk was, or begins again if bad records waited") {
  RepairWorld world;
  world.tell_views();
  for (std::uint64_t i = 0; i < 2000; ++i) world.put_all(world.key(i), 1);
  Scrubbed scrubbed(world, {.interval = 24h, .bytes_a_second = 5'000});
  bool is_waiting = false;
  SUBCASE("none waited") {}
  SUBCASE("some waited") {
    is_waiting = true;
    world.kill(1);
    world.kill(2);
    for (std::uint64_t i = 0; i < 300; ++i) world.side(0).damage(world.key(i));
  }
  REQUIRE(scrubbed.scrub->start());
  CHECK(!scrubbed.scrub->start());
  world.run(5s);
  const auto before = *scrubbed.scrub->status().walk;
  CHECK(before.partitions_done > 0);
  CHECK(before.partitions == world_partitions);
  CHECK(before.left);
  world.run(limits::scrub_saved_every);
  scrubbed.begin();
  const auto after = *scrubbed.scrub->status().walk;
  CHECK(after.began == before.began);
  CHECK((after.partitions_done == 0) == is_waiting);
}

TEST_CASE("a partition at which the process ends again and again is left out") {
  RepairWorld world;
  for (std::uint64_t i = 0; i < 2000; ++i) world.put(0, world.key(i), 1);
  Scrubbed scrubbed(world, {.interval = 24h, .bytes_a_second = 5'000});
  REQUIRE(scrubbed.scrub->start());
  world.run(15s);
  for (unsigned stop = 0; stop < limits::scrub_stops; ++stop) {
    scrubbed.begin();
    CHECK(scrubbed.scrub->status().last_trouble.empty());
  }
  const auto stuck = scrubbed.scrub->status().walk->partitions_done;
  scrubbed.begin();
  CHECK(scrubbed.scrub->status().walk->partitions_done == stuck + 1);
  CHECK(scrubbed.scrub->status().walk->found.unreadable == 1);
  CHECK(scrubbed.scrub->status().last_trouble.starts_with("partition " + std::to_string(stuck)));
  world.run(3min);
  CHECK(scrubbed.scrub->status().last->found.unreadable == 1);
}

TEST_CASE("a table that cannot be read is reported, and the walk goes on") {
  RepairWorld world;
  for (std::uint64_t i = 0; i < 20; ++i) world.put(0, world.key(i), 1);
  Scrubbed scrubbed(world);
  world.side(0).store.set_scan_failure(
      Error{.code = ErrorCode::corrupt, .message = "MDB_CORRUPTED"});
  CHECK(scrubbed.walk().unreadable == world_partitions);
  CHECK(scrubbed.scrub->status().last_trouble == "partition 15: MDB_CORRUPTED");
  world.side(0).store.set_scan_failure({});
  CHECK(scrubbed.walk().unreadable == 0);
}

}  // namespace
}  // namespace coterie::transfer
