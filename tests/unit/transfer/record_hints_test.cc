#include "node/transfer/record_hints.h"

#include <doctest/doctest.h>

#include <string>

#include "storage/memory_store.h"
#include "storage/record.h"

namespace coterie::record_hints_test {

using namespace coterie::transfer;
using namespace std::chrono_literals;

namespace {

constexpr NodeId alice{.high = 1, .low = 1};
constexpr NodeId bob{.high = 1, .low = 2};
constexpr PartitionId first{0};
constexpr WallTime noon{std::chrono::hours(12)};

Resolver siblings(BytesView) {
  return Resolver::siblings;
}

/// A record of one value that no other knows of.
Bytes record_of(BytesView key, std::uint64_t actor, BytesView value) {
  Record record;
  record.context.add({.actor = ActorId{actor}, .sequence = 1});
  record.siblings.push_back({.dot = {.actor = ActorId{actor}, .sequence = 1}, .value = value});
  return encode_record(key, record);
}

std::size_t siblings_in(BytesView key, BytesView record) {
  return decode_record(key, record)->siblings.size();
}

struct World {
  explicit World(RecordHints::Limits limits = {}) : hints(store, limits, siblings) {
    finish(hints);
  }

  static void finish(RecordHints& of) {
    for (int i = 0; of.has_work(); ++i) {
      REQUIRE(i < 1000);
      REQUIRE(of.work(noon));
    }
  }
  Result<LogPosition> keep(NodeId target, BytesView key, std::uint64_t actor,
                           std::uint64_t generation = 1, std::uint8_t owners = 2) {
    return hints.keep({.target = target,
                       .partition = first,
                       .key = key,
                       .record = record_of(key, actor, "value"),
                       .generation = Generation{generation},
                       .owners = owners},
                      noon);
  }
  Bytes only(NodeId target) {
    const auto page = hints.page(target, {}, 10);
    REQUIRE(page);
    REQUIRE(page->size() == 1);
    return page->front();
  }

  MemoryStore store{16};
  RecordHints hints;
};

}  // namespace

TEST_CASE("a second write to the same key is merged: no sibling, and no promise, is lost") {
  World world;
  REQUIRE(world.keep(alice, "a", 1, 7, 2));
  REQUIRE(world.keep(alice, "a", 2, 5, 3));
  REQUIRE(world.keep(alice, "a", 3, 9, 1));
  CHECK(world.hints.tally(alice).hints == 1);
  const Bytes value = *world.hints.get(world.only(alice));
  const auto kept = decode_record_hint(value);
  REQUIRE(kept);
  CHECK(siblings_in("a", kept->record) == 3);
  CHECK(kept->generation == Generation{5});
  CHECK(kept->owners == 3);
  CHECK(world.hints.counters().kept == 1);
  CHECK(world.hints.counters().coalesced == 2);
}

TEST_CASE("reads find what is kept of a key for whomever, and under which generation") {
  World world;
  REQUIRE(world.keep(alice, "a", 1, 7));
  REQUIRE(world.keep(bob, "a", 2, 5));
  REQUIRE(world.keep(bob, "c", 2, 5));
  const auto found = world.hints.find(first, "a");
  REQUIRE(found);
  CHECK(siblings_in("a", found->record) == 2);
  CHECK(found->generation == Generation{5});
  CHECK(world.hints.find(first, "b")->record.empty());
  CHECK(world.hints.hints_of_partition(first) == 3);
  CHECK(world.hints.hints_of_partition(PartitionId{1}) == 0);
  CHECK(world.hints.keys(first, {}, {}, 10)->keys == std::vector<Bytes>{"a", "c"});
  CHECK(world.hints.keys(first, "b", {}, 10)->keys == std::vector<Bytes>{"c"});
  CHECK(world.hints.keys(first, {}, "c", 10)->keys == std::vector<Bytes>{"a"});
  const auto page = world.hints.keys(first, {}, {}, 1);
  CHECK(page->keys == std::vector<Bytes>{"a"});
  CHECK(page->is_truncated);
}

TEST_CASE("at the bound no more are taken, and none is given up") {
  World world({.hints = 2});
  REQUIRE(world.keep(alice, "a", 1));
  REQUIRE(world.keep(alice, "b", 1));
  const auto refused = world.keep(bob, "c", 1);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::hints_full);
  CHECK(refused.error().retry_after_ms > 0);
  CHECK(world.keep(alice, "a", 1));  // the same once more
  CHECK_FALSE(world.keep(alice, "a", 2));
  CHECK(world.hints.is_full());
  CHECK(world.hints.tally(alice).hints == 2);
  CHECK(world.hints.counters().refused == 2);
}

TEST_CASE("a restart keeps them and counts them, page by page") {
  World world;
  for (int i = 0; i < 2500; ++i) REQUIRE(world.keep(alice, "key" + std::to_string(i), 1));
  RecordHints again(world.store, {}, siblings);
  CHECK_FALSE(again.is_counted());
  REQUIRE(again.work(noon));
  CHECK_FALSE(again.is_counted());
  // one behind what has been counted, and one before
  const auto more = [&](BytesView key) {
    const Bytes record = record_of(key, 2, "v");
    REQUIRE(again.keep({.target = alice, .partition = first, .key = key, .record = record}, noon));
  };
  more("a");
  more("z");
  World::finish(again);
  CHECK(again.tally(alice).hints == 2502);
}

TEST_CASE("whoever minted under a hint hears that it goes") {
  World world;
  std::vector<PartitionId> erased;
  world.hints.on_erased([&](PartitionId partition) { erased.push_back(partition); });
  REQUIRE(world.keep(alice, "a", 1));
  world.hints.erase(world.only(alice), RecordHints::Why::held);
  CHECK(erased == std::vector{first});
  CHECK(world.hints.targets().empty());
  CHECK(world.hints.find(first, "a")->record.empty());
  CHECK(world.hints
            .get(encode_hint_key(
                {.kind = HintKind::record, .target = alice, .partition = first, .key = "a"}))
            ->empty());
}

TEST_CASE("the hints of who is no owner any more are another's, merged with those it has") {
  World world;
  REQUIRE(world.keep(alice, "a", 1));
  REQUIRE(world.keep(alice, "b", 1));
  REQUIRE(world.keep(bob, "a", 2));
  world.hints.move(alice, first, bob);
  World::finish(world.hints);
  CHECK(world.hints.tally(alice).hints == 0);
  CHECK(world.hints.tally(bob).hints == 2);
  CHECK(siblings_in("a", world.hints.find(first, "a")->record) == 2);
  RecordHints again(world.store, {}, siblings);
  World::finish(again);
  CHECK(again.tally(bob).hints == 2);
  CHECK(again.tally(bob).bytes == world.hints.tally(bob).bytes);
}

TEST_CASE("a damaged one is told of, and what comes next takes its place") {
  World world;
  REQUIRE(world.keep(alice, "a", 1));
  Write write{.space = Space::hints, .key = world.only(alice), .value = Bytes("\x01 no hint")};
  REQUIRE(world.store.append(std::span(&write, 1)));
  CHECK(world.hints.find(first, "a")->is_damaged);
  REQUIRE(world.keep(alice, "a", 2));
  CHECK(siblings_in("a", world.hints.find(first, "a")->record) == 1);
  CHECK_FALSE(world.keep(alice, "b", 1).value() == LogPosition{});
  CHECK(world.hints.keep({.target = alice, .partition = first, .key = "c", .record = "none"}, noon)
            .error()
            .code == ErrorCode::corrupt);
}

}  // namespace coterie::record_hints_test
