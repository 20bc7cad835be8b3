#include "node/fallback_copies.h"

#include <doctest/doctest.h>

#include <limits>

#include "node/replica/purge_state.h"
#include "ring/plan/plan.h"
#include "storage/key.h"
#include "storage/memory_store.h"
#include "storage/versions.h"
#include "tests/unit/node/samples.h"

namespace coterie::fallback_copies_test {

namespace {

constexpr WallTime now{std::chrono::hours(1)};

/// Node 4 of 4; owners are three.
struct World {
  explicit World(bool sloppy = true) : epoch(sample_epoch(4, 16, sloppy)) {
    store.set_progress_handler([this] { gate.release(); });
    start();
  }
  void start() {
    hints = std::make_unique<transfer::RecordHints>(store, transfer::RecordHints::Limits{},
                                                    [](BytesView) { return Resolver::siblings; });
    while (hints->has_work()) REQUIRE(hints->work(now));
    fallbacks = std::make_unique<FallbackCopies>(store, gate, *hints, Random(++starts));
    fallbacks->set_epoch(epoch, node_id(4));
  }

  /// Of a partition that node 4 owns, or of one that it does not.
  Bytes key(bool is_own = false) const {
    for (int i = 0;; ++i) {
      const std::string text = "key" + std::to_string(i);
      Bytes key = *encode_key({.token = epoch->token(BucketId{1}, text),
                               .bucket = BucketId{1},
                               .partition_key = text,
                               .sort_key = {}});
      if (epoch->owns(node_id(4), scope(key).partition) == is_own) return key;
    }
  }
  wire::ReplicaScope scope(BytesView key, std::uint64_t generation = 0) const {
    const auto partition = epoch->partition(decode_key(key)->token);
    return {.partition = partition,
            .configuration = epoch->configuration(partition),
            .generation = Generation{generation}};
  }
  NodeId owner(BytesView key, std::size_t place = 0) const {
    return epoch->owners(scope(key).partition)[place];
  }
  Result<coordinator::LocalMinted> mint(const Bytes& key, std::uint64_t id,
                                        BytesView context = {}) {
    const wire::Put put{.id = {.high = 1, .low = id}, .context = context, .value = "value"};
    return fallbacks->mint(
        scope(key), {.key = key, .put = put, .now = now, .intended = owner(key), .owners = 2},
        coordinator::Tag{id});
  }
  Result<LocalCopies::Rests> write(const Bytes& key, BytesView record, std::uint64_t generation,
                                   NodeId intended) {
    return fallbacks->write({.scope = scope(key, generation),
                             .key = key,
                             .record = record,
                             .intended = intended,
                             .owners = 2},
                            now);
  }
  Result<LocalCopies::Read> read(const Bytes& key) {
    return fallbacks->read(wire::ReplicaRead{.scope = scope(key), .key = key, .stands_in = true});
  }
  Bytes only_hint() const {
    REQUIRE(hints->targets().size() == 1);
    return hints->page(hints->targets().begin()->first, {}, 1)->front();
  }
  void forget() { hints->erase(only_hint(), transfer::RecordHints::Why::held); }

  std::shared_ptr<const Epoch> epoch;
  MemoryStore store{16, MemoryStore::Durability::by_hand};
  std::vector<coordinator::Tag> votes;
  DurableGate gate{store, [](ConnectionId, const Bytes&) {},
                   [this](coordinator::Tag tag) { votes.push_back(tag); }};
  std::unique_ptr<transfer::RecordHints> hints;
  std::unique_ptr<FallbackCopies> fallbacks;
  std::uint64_t starts = 0;
};

}  // namespace

TEST_CASE("what a fallback mints is a hint, votes once it is synced, and outlives a restart") {
  World world;
  const Bytes key = world.key();
  const auto minted = world.mint(key, 1);
  REQUIRE(minted);
  CHECK_FALSE(minted->is_durable);
  world.store.sync();
  CHECK(world.votes == std::vector{coordinator::Tag{1}});
  const Bytes record(minted->record);  // it is lent until the next call
  CHECK(world.read(key)->record == record);
  world.start();
  CHECK(world.read(key)->record == record);
  // the same request again is known by its value
  const auto again = world.mint(key, 1);
  REQUIRE(again);
  CHECK(again->dot == minted->dot);
}

TEST_CASE("an actor is discarded with a hint: what it minted there is not known here any more") {
  World world;
  const Bytes key = world.key();
  const auto first = world.mint(key, 1);
  const auto second = world.mint(key, 2);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->dot.actor == second->dot.actor);
  const Bytes record(second->record);
  CHECK(decode_record(key, record)->siblings.size() == 2);
  world.forget();
  const auto third = world.mint(key, 3);
  REQUIRE(third);
  CHECK(third->dot.actor != first->dot.actor);
  const Bytes later(third->record);
  // so an owner that holds the earlier two keeps them
  CHECK(sync(*decode_record(key, record), *decode_record(key, later), Resolver::siblings)
            .siblings.size() == 3);
}

TEST_CASE("reads show what is kept for all owners, and nothing brings nothing back") {
  World world;
  const Bytes key = world.key();
  const auto nothing = world.read(key);
  REQUIRE(nothing);
  CHECK(nothing->digest == 0);
  CHECK(nothing->rests.generation.value == std::numeric_limits<std::uint64_t>::max());
  const auto minted = world.mint(key, 1);
  const Bytes one(minted->record);
  world.forget();
  REQUIRE(world.mint(key, 2));
  REQUIRE(world.write(key, one, 7, world.owner(key, 1)));
  const auto both = world.read(key);
  REQUIRE(both);
  CHECK(decode_record(key, both->record)->siblings.size() == 2);
  CHECK(both->rests.generation == Generation{0});
  const auto page =
      world.fallbacks->scan(wire::ReplicaScan{.scope = world.scope(key), .stands_in = true});
  REQUIRE(page);
  REQUIRE(page->entries.size() == 1);
  CHECK(page->entries[0].record == both->record);
  CHECK_FALSE(page->is_truncated);
}

TEST_CASE("a fallback keeps only what it may") {
  World world;
  const Bytes key = world.key();
  const Bytes own = world.key(true);
  const Bytes record(world.mint(key, 1)->record);
  CHECK(world.write(own, record, 0, world.owner(own)).error().code == ErrorCode::not_owner);
  CHECK(world.write(key, record, 0, node_id(4)).error().code == ErrorCode::not_owner);
  CHECK(world.write(key, "no record", 0, world.owner(key)).error().code == ErrorCode::corrupt);
  CHECK(world.fallbacks->read({.scope = world.scope(key), .key = key}).error().code ==
        ErrorCode::not_owner);
  World strict(false);
  CHECK(strict.write(strict.key(), record, 0, strict.owner(key)).error().code ==
        ErrorCode::refused);
}

TEST_CASE("a node that leaves keeps no more writes for others, and answers from those it has") {
  World world;
  const Bytes key = world.key();
  const Bytes record(world.mint(key, 1)->record);
  const std::vector<plan::StagedChange> staged = {plan::Leave{.node = node_id(4)}};
  const auto plan = plan::make_plan(*world.epoch, staged, {});
  REQUIRE(plan);
  world.epoch = std::make_shared<const Epoch>(plan->next);
  world.fallbacks->set_epoch(world.epoch, node_id(4));
  CHECK(world.write(key, record, 0, world.owner(key)).error().code == ErrorCode::unavailable);
  CHECK(world.mint(key, 2).error().code == ErrorCode::unavailable);
  CHECK(world.read(key)->record == record);
  CHECK(world.hints->hints() == 1);
  world.forget();
  CHECK(world.hints->hints() == 0);
}

TEST_CASE("what a node promised as an owner, and nobody purged, binds no fallback") {
  World world;
  const Bytes key = world.key();
  const Bytes record(world.mint(key, 1)->record);
  // It raised its generation to 9 for a round that was given up: other owners may be at 3 still.
  Write kept{
      .space = Space::meta,
      .key = replica::purge_state_key(world.scope(key).partition),
      .value = replica::encode_purge_state({.generation = Generation{9}, .purged = Generation{3}})};
  REQUIRE(world.store.append(std::span(&kept, 1)));
  world.start();
  CHECK(world.write(key, record, 3, world.owner(key)));
  const auto refused = world.write(key, record, 2, world.owner(key));
  REQUIRE_FALSE(refused);
  // Whoever hears of a greater one, and has not reached it, takes itself for restored.
  CHECK(refused.error().generation == 3);
}

TEST_CASE("a purge waits for the hints; after it nothing is kept that was read before") {
  World world;
  const Bytes key = world.key();
  const Bytes record(world.mint(key, 1)->record);
  const wire::PurgeRaise raise{.scope = world.scope(key, 5)};
  CHECK(world.fallbacks->purge_raise(raise).error().code == ErrorCode::unavailable);
  CHECK(world.write(key, record, 0, world.owner(key)));  // nothing has been raised
  world.forget();
  const auto raised = world.fallbacks->purge_raise(raise);
  REQUIRE(raised);
  CHECK(raised->generation == Generation{5});
  CHECK(raised->position > world.store.synced());
  for (const bool is_restarted : {false, true}) {
    CAPTURE(is_restarted);
    if (is_restarted) world.start();
    const auto refused = world.write(key, record, 4, world.owner(key));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::stale_configuration);
    CHECK(refused.error().generation == 5);
  }
  REQUIRE(world.write(key, record, 5, world.owner(key)));
  CHECK(world.mint(key, 2)->generation == Generation{5});
}

}  // namespace coterie::fallback_copies_test
