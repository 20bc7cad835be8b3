#include "node/local_copies.h"

#include <doctest/doctest.h>

#include "storage/key.h"
#include "storage/memory_store.h"
#include "storage/versions.h"
#include "tests/unit/last_words.h"
#include "tests/unit/node/samples.h"

namespace coterie::local_copies_test {

namespace {

constexpr WallTime now{std::chrono::hours(1)};

struct World {
  MemoryStore store{16, MemoryStore::Durability::by_hand};
  std::vector<coterie::coordinator::Tag> votes;
  DurableGate gate{store, [](ConnectionId, const Bytes&) {},
                   [this](coordinator::Tag tag) { votes.push_back(tag); }};
  LocalCopies copies{store, gate, Random(5)};
  std::shared_ptr<const Epoch> epoch = sample_epoch();

  World() {
    store.set_progress_handler([this] { gate.release(); });
    copies.set_epoch(epoch, node_id(1), ShardIndex{0}, 1);
  }

  Bytes key(std::string_view text, std::uint32_t bucket = 1) const {
    return *encode_key({.token = epoch->token(BucketId{bucket}, text),
                        .bucket = BucketId{bucket},
                        .partition_key = text,
                        .sort_key = {}});
  }
  wire::ReplicaScope scope(BytesView key) const {
    const auto partition = epoch->partition(decode_key(key)->token);
    return {.partition = partition, .configuration = epoch->configuration(partition)};
  }
  Result<coordinator::LocalMinted> put(const Bytes& key, BytesView value, std::uint64_t tag,
                                       Durability durability = Durability::commit) {
    const wire::Put put{.id = {.high = 1, .low = tag}, .value = value};
    return copies.mint(scope(key), {.key = key, .put = put, .durability = durability, .now = now},
                       coordinator::Tag{tag});
  }
  Result<LocalCopies::Read> read(const Bytes& key) {
    return copies.read(wire::ReplicaRead{.scope = scope(key), .key = key});
  }
};

}  // namespace

TEST_CASE("a put is read at once, and votes only when its log is synced") {
  World world;
  const Bytes key = world.key("a");
  const auto minted = world.put(key, "value", 1);
  REQUIRE(minted);
  CHECK_FALSE(minted->is_durable);
  const auto found = world.read(key);
  REQUIRE(found);
  CHECK(found->record == minted->record);
  CHECK(decode_context(key, minted->context)->seen.covers(minted->dot));
  CHECK(found->rests.position > world.store.synced());
  CHECK(world.votes.empty());
  world.store.write();
  CHECK(world.votes.empty());
  world.store.sync();
  CHECK(world.votes == std::vector{coordinator::Tag{1}});
  CHECK(world.read(key)->rests.position <= world.store.synced());
}

TEST_CASE("an interval put votes when its log is written") {
  World world;
  REQUIRE(world.put(world.key("a", 2), "value", 1, Durability::interval));
  CHECK(world.votes.empty());
  world.store.write();
  CHECK(world.votes == std::vector{coordinator::Tag{1}});
}

TEST_CASE("a write that changes nothing still rests on the record it found") {
  World world;
  const Bytes key = world.key("a");
  const Bytes record(world.put(key, "value", 1)->record);
  const auto again = world.copies.write({.scope = world.scope(key), .key = key, .record = record});
  REQUIRE(again);
  CHECK(again->position > world.store.synced());
  CHECK(world.copies.counters().merges_unchanged == 1);
}

TEST_CASE("copies of one record merge into siblings, and the tree follows") {
  World one;
  World two;
  two.copies.set_epoch(two.epoch, node_id(2), ShardIndex{0}, 1);
  const Bytes key = one.key("a");
  REQUIRE(one.put(key, "first", 1));
  LocalCopies other(two.store, two.gate, Random(77));
  other.set_epoch(two.epoch, node_id(2), ShardIndex{0}, 1);
  const wire::Put put{.id = {.high = 2, .low = 1}, .value = "second"};
  const auto minted =
      other.mint(two.scope(key), {.key = key, .put = put, .now = now}, coordinator::Tag{1});
  REQUIRE(minted);
  REQUIRE(one.copies.write({.scope = one.scope(key), .key = key, .record = minted->record}));
  const auto found = one.read(key);
  REQUIRE(found);
  const auto record = decode_record(key, found->record);
  REQUIRE(record);
  CHECK(record->siblings.size() == 2);
  const auto seen = one.copies.inspect({.scope = one.scope(key), .key = key});
  REQUIRE(seen);
  CHECK(seen->leaf.records == 1);
  CHECK(seen->leaf.hash == leaf_hash(key, seen->digest));
}

TEST_CASE("a damaged record is unsure, redraws the actor, and a repair mends it") {
  World world;
  const Bytes key = world.key("a");
  const Bytes good(world.put(key, "value", 1)->record);
  Bytes bad = good;
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
  Write write{.space = Space::records, .key = key, .value = bad};
  REQUIRE(world.store.append(std::span(&write, 1)));
  const auto actor = world.copies.copy(world.scope(key).partition)->actor();
  const auto found = world.read(key);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == ErrorCode::unsure);
  CHECK(world.copies.copy(world.scope(key).partition)->actor() != actor);
  CHECK_FALSE(world.put(key, "next", 2));
  CHECK_FALSE(world.copies.write({.scope = world.scope(key), .key = key, .record = good}));
  REQUIRE(world.copies.write(
      {.scope = world.scope(key), .key = key, .record = good, .is_repair = true}));
  REQUIRE(world.read(key));
  CHECK(world.read(key)->record == good);
}

TEST_CASE("what was read before this copy's generation does not stand in for a damaged record") {
  // A purge may be under way that this copy has promised and not seen: the damaged record may be a
  // tombstone that covers what comes.
  World world;
  const Bytes key = world.key("a");
  const Bytes good(world.put(key, "value", 1)->record);
  Bytes bad = good;
  bad.back() = static_cast<char>(bad.back() ^ 1);
  Write write{.space = Space::records, .key = key, .value = bad};
  REQUIRE(world.store.append(std::span(&write, 1)));
  const auto scope = world.scope(key);
  REQUIRE(world.copies.raise_generation(scope.partition, Generation{2}));
  const auto refused =
      world.copies.write({.scope = scope, .key = key, .record = good, .is_repair = true});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::stale_configuration);
  CHECK(refused.error().generation == 2);
  CHECK(world.copies.keep(scope.partition, Generation{1}, key, good, true).error().code ==
        ErrorCode::stale_configuration);
  CHECK_FALSE(world.read(key));
  REQUIRE(world.copies.keep(scope.partition, Generation{2}, key, good, true));
  CHECK(world.read(key)->record == good);
}

TEST_CASE("a copy whose log was damaged keeps what it is sent and answers unsure") {
  World world;
  const Bytes key = world.key("a");
  MemoryStore store(16);
  store.set_damaged({world.scope(key).partition});
  DurableGate gate(
      store, [](ConnectionId, const Bytes&) {}, [](coordinator::Tag) {});
  LocalCopies copies(store, gate, Random(1));
  copies.set_epoch(world.epoch, node_id(1), ShardIndex{0}, 1);
  CHECK(copies.unsure_copies() == 1);
  const Bytes record(world.put(key, "value", 1)->record);
  const auto wrote = copies.write({.scope = world.scope(key), .key = key, .record = record});
  REQUIRE_FALSE(wrote);
  CHECK(wrote.error().code == ErrorCode::unsure);
  CHECK(store.get(Space::records, key)->has_value());
  const auto found = copies.read(wire::ReplicaRead{.scope = world.scope(key), .key = key});
  REQUIRE_FALSE(found);
  CHECK(found.error().code == ErrorCode::unsure);
}

TEST_CASE("a partition of another shard or node is not owned") {
  World world;
  LocalCopies odd(world.store, world.gate, Random(1));
  odd.set_epoch(world.epoch, node_id(1), ShardIndex{1}, 2);
  const wire::ReplicaScope even{.partition = PartitionId{2},
                                .configuration = ConfigurationNumber{1}};
  const auto found = odd.read(wire::ReplicaRead{.scope = even, .key = world.key("a")});
  REQUIRE_FALSE(found);
  CHECK(found.error().code == ErrorCode::not_owner);
}

TEST_CASE("a scan gives a page in key order and says that there is more") {
  World world;
  const Bytes first = *encode_key({.token = world.epoch->token(BucketId{1}, "p"),
                                   .bucket = BucketId{1},
                                   .partition_key = "p",
                                   .sort_key = "1"});
  std::uint64_t tag = 0;
  for (const auto* sort_key : {"3", "1", "2"}) {
    const Bytes key = *encode_key({.token = world.epoch->token(BucketId{1}, "p"),
                                   .bucket = BucketId{1},
                                   .partition_key = "p",
                                   .sort_key = sort_key});
    REQUIRE(world.put(key, "v", ++tag));
  }
  const auto range = range_of(world.epoch->token(BucketId{1}, "p"), BucketId{1}, "p");
  const auto page = world.copies.scan(wire::ReplicaScan{
      .scope = world.scope(first), .from = range.from, .to = range.to, .limit_records = 2});
  REQUIRE(page);
  CHECK(page->is_truncated);
  REQUIRE(page->entries.size() == 2);
  CHECK(page->entries[0].key == first);
  CHECK(decode_key(page->entries[1].key)->sort_key == "2");
  CHECK(page->rests.position == world.store.last());
}

namespace {

/// The node starts again on the same store.
struct Restarted {
  explicit Restarted(World& before, std::uint64_t doubt = 0)
      : gate(before.store, {}, {}), copies(before.store, gate, Random(6), doubt) {
    copies.set_epoch(before.epoch, node_id(1), ShardIndex{0}, 1);
  }
  DurableGate gate;
  LocalCopies copies;
};

}  // namespace

TEST_CASE("a generation outlives the process, and is reported when it is durable") {
  World world;
  const auto partition = world.scope(world.key("a")).partition;
  const auto raised = world.copies.raise_generation(partition, Generation{4});
  REQUIRE(raised);
  CHECK(*raised > world.store.synced());
  CHECK(world.copies.copy(partition)->generation() == Generation{4});
  // asked again, it still rests on what is not durable yet
  CHECK(world.copies.raise_generation(partition, Generation{3}) == *raised);
  world.store.sync();
  CHECK(world.copies.copy(partition)->generation() == Generation{4});
  Restarted again(world);
  CHECK(again.copies.copy(partition)->generation() == Generation{4});
  CHECK(again.copies.copy(partition)->state() == replica::CopyState::full);
}

TEST_CASE("a copy behind a finished purge is emptied and unsure until it is refilled") {
  World world;
  const Bytes key = world.key("a");
  const auto partition = world.scope(key).partition;
  REQUIRE(world.put(key, "deleted elsewhere", 1));
  REQUIRE(world.copies.raise_generation(partition, Generation{4}));
  world.copies.heard_of_purge(partition, Generation{4});
  CHECK(world.read(key));

  const auto actor = world.copies.copy(partition)->actor();
  world.copies.heard_of_purge(partition, Generation{5});
  CHECK(world.copies.counters().destroyed_copies == 1);
  CHECK(world.copies.unsure_copies() == 1);
  CHECK(world.copies.copy(partition)->actor() != actor);
  CHECK(world.read(key).error().code == ErrorCode::unsure);
  CHECK(world.store.get(Space::records, key)->has_value() == false);
  CHECK(world.store.tree(partition)->root() == TreeCell{});
  Restarted again(world);
  CHECK(again.copies.unsure_copies() == 1);
  CHECK(again.copies.destroyed() == std::set{partition});
  CHECK(again.copies.copy(partition)->purged() == Generation{5});

  REQUIRE(world.copies.refilled(partition));
  CHECK(world.read(key));
  Restarted later(world);
  CHECK(later.copies.unsure_copies() == 0);
}

TEST_CASE("a copy that began anew since it was listed does not raise its generation") {
  World world;
  const Bytes key = world.key("a");
  auto scope = world.scope(key);
  REQUIRE(world.put(key, "old", 1));
  const auto listed = world.copies.purge_list({.scope = scope, .from = {}}, now);
  REQUIRE(listed);
  scope.generation = Generation{3};
  Restarted later(world);
  const auto late =
      later.copies.purge_raise({.scope = scope, .purged = {}, .actor = listed->listing.actor});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::unsure);
  const auto again = later.copies.purge_list({.scope = scope, .from = {}}, now);
  REQUIRE(again);
  CHECK(again->listing.generation == Generation{0});
  CHECK(later.copies.purge_raise({.scope = scope, .purged = {}, .actor = again->listing.actor}));
}

TEST_CASE("a copy that a purge round finds restored is emptied instead of raised") {
  World world;
  const Bytes key = world.key("a");
  auto scope = world.scope(key);
  REQUIRE(world.put(key, "deleted elsewhere", 1));
  scope.generation = Generation{7};
  const auto raised =
      world.copies.purge_raise({.scope = scope, .purged = Generation{6}, .actor = {}});
  REQUIRE_FALSE(raised);
  CHECK(raised.error().code == ErrorCode::unsure);
  CHECK(world.copies.destroyed() == std::set{scope.partition});
  CHECK(world.store.get(Space::records, key)->has_value() == false);
}

TEST_CASE("a repair that replaces a damaged record redraws the actor") {
  World world;
  const Bytes key = world.key("a");
  const Bytes before(world.put(key, "heard of by all", 1)->record);
  Bytes bad(world.put(key, "heard of by nobody else", 2)->record);
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
  Write write{.space = Space::records, .key = key, .value = bad};
  REQUIRE(world.store.append(std::span(&write, 1)));
  const auto partition = world.scope(key).partition;
  const auto actor = world.copies.copy(partition)->actor();
  REQUIRE(world.copies.write(
      {.scope = world.scope(key), .key = key, .record = before, .is_repair = true}));
  CHECK(world.copies.copy(partition)->actor() != actor);
  CHECK(world.put(key, "next", 3));
}

TEST_CASE("a store that forgot a record is minted over no more, unless a purge took it") {
  World world;
  const Bytes key = world.key("a");
  auto scope = world.scope(key);
  const auto context = world.put(key, "v", 1)->context;
  const wire::Put put{.id = {.high = 1, .low = 2}, .context = context, .is_delete = true};
  REQUIRE(world.copies.mint(scope, {.key = key, .put = put, .now = now}, {}));
  const auto listed = world.copies.purge_list({.scope = scope, .from = {}}, now);
  REQUIRE(listed);
  REQUIRE(listed->listing.entries.size() == 1);
  const auto& entry = listed->listing.entries[0];
  scope.generation = Generation{1};
  REQUIRE(world.copies.purge_raise({.scope = scope, .purged = {}, .actor = listed->listing.actor}));
  REQUIRE(world.copies.purge_apply(
      {.scope = scope, .entries = {{.key = key, .digest = entry.digest, .what = entry.what}}},
      now));
  CHECK(world.put(key, "again", 3));
  CHECK(last_words([&] {
          Write write{.space = Space::records, .key = key};
          (void)world.store.append(std::span(&write, 1));
          (void)world.put(key, "lost", 4);
        }).find("reflects its own dots") != std::string::npos);
}

TEST_CASE("a restored copy whose store was full when it was found is emptied before it counts") {
  World world;
  const Bytes key = world.key("a");
  const auto partition = world.scope(key).partition;
  REQUIRE(world.put(key, "deleted elsewhere", 1));
  world.store.set_state(StoreState::read_only, "the disk is full");
  world.copies.heard_of_purge(partition, Generation{5});
  CHECK(world.copies.unsure_copies() == 1);
  CHECK_FALSE(world.copies.refilled(partition));
  world.store.set_state(StoreState::healthy, "");
  CHECK_FALSE(world.copies.refilled(partition));
  CHECK(world.store.get(Space::records, key)->has_value() == false);
  CHECK(world.copies.unsure_copies() == 1);
  REQUIRE(world.copies.refilled(partition));
  CHECK(world.copies.unsure_copies() == 0);
}

TEST_CASE("after a loss of power reads of interval buckets are unsure until compared") {
  World world;
  const Bytes commit = world.key("a");
  const Bytes interval = world.key("a", 2);
  Restarted again(world, 7);
  auto& copies = again.copies;
  CHECK(copies.copies_in_doubt() == copies.copies());
  CHECK(copies.unsure_copies() == 0);
  const auto read = [&](LocalCopies& of, const Bytes& key) {
    return of.read(wire::ReplicaRead{.scope = world.scope(key), .key = key});
  };
  const auto scan = [&](LocalCopies& of, const Bytes& key, std::uint32_t bucket) {
    return of.scan(wire::ReplicaScan{
        .scope = world.scope(key), .from = key, .to = key + "\xff", .bucket = BucketId{bucket}});
  };
  CHECK(read(copies, interval).error().code == ErrorCode::unsure);
  CHECK(scan(copies, interval, 2).error().code == ErrorCode::unsure);
  // an older build does not say whose records it wants
  CHECK(scan(copies, commit, 0).error().code == ErrorCode::unsure);
  CHECK(read(copies, commit));
  CHECK(scan(copies, commit, 1));

  // Another loss of power is another doubt; what was compared is not, through a kill.
  const auto partition = world.scope(interval).partition;
  REQUIRE(copies.refilled(partition));
  CHECK(read(copies, interval));
  CHECK(copies.copies_in_doubt() + 1 == copies.copies());
  Restarted killed(world, 7);
  CHECK(killed.copies.copies_in_doubt() + 1 == copies.copies());
  CHECK(read(killed.copies, interval));
  Restarted dark(world, 8);
  CHECK(dark.copies.copies_in_doubt() == copies.copies());
}

TEST_CASE("what power took is not minted again, and writes count as ever") {
  World world;
  const Bytes key = world.key("a", 2);
  const auto mint = [&](LocalCopies& copies, BytesView value, std::uint64_t tag) {
    const wire::Put put{.id = {.high = 1, .low = tag}, .value = value};
    const auto minted = copies.mint(
        world.scope(key), {.key = key, .put = put, .durability = Durability::interval, .now = now},
        coordinator::Tag{tag});
    REQUIRE(minted);
    return std::pair(Bytes(minted->record), minted->dot);
  };
  // Another owner took the write; here it was not synced.
  World lost;
  const auto [other_record, lost_dot] = mint(lost.copies, "lost", 1);
  Restarted again(world, 7);
  const auto [record, dot] = mint(again.copies, "new", 2);
  CHECK(dot.actor != lost_dot.actor);
  const auto before = again.copies.copy(world.scope(key).partition)->actor();
  const auto taken = again.copies.write({.scope = world.scope(key),
                                         .key = key,
                                         .record = other_record,
                                         .durability = wire::Durability::interval});
  REQUIRE(taken);
  // It is no dot of this run's actor that was forgotten, and both values stay.
  CHECK(again.copies.copy(world.scope(key).partition)->actor() == before);
  const auto stored = *world.store.get(Space::records, key);
  CHECK(decode_record(key, *stored)->siblings.size() == 2);
}

TEST_CASE("one owner alone, and buckets that are synced at once, doubt nothing") {
  World world;
  LocalCopies alone(world.store, world.gate, Random(6), 7);
  alone.set_epoch(sample_epoch(1), node_id(1), ShardIndex{0}, 1);
  CHECK(alone.copies() > 0);
  CHECK(alone.copies_in_doubt() == 0);
}

TEST_CASE(
    "a deleted record of a bucket that this node has not heard of is not listed for a purge") {
  World world;
  const auto listed = [&world](std::uint32_t bucket) {
    const Bytes key = world.key("a", bucket);
    const wire::Put put{.id = {.high = 1, .low = bucket}, .is_delete = true};
    REQUIRE(world.copies.mint(world.scope(key), {.key = key, .put = put, .now = now},
                              coordinator::Tag{bucket}));
    const auto found = world.copies.purge_list({.scope = world.scope(key), .from = {}}, now);
    REQUIRE(found);
    return found->listing.entries.size();
  };
  CHECK(listed(1) == 1);
  CHECK(listed(99) == 0);
}

}  // namespace coterie::local_copies_test
