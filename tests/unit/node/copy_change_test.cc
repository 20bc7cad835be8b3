// Partition copies while owners change: fences, copies that are gained, filled and left.

#include <doctest/doctest.h>

#include <memory>
#include <utility>
#include <vector>

#include "node/local_copies.h"
#include "node/replica/fence_state.h"
#include "storage/key.h"
#include "storage/memory_store.h"
#include "storage/record.h"
#include "tests/unit/last_words.h"
#include "tests/unit/node/changes.h"
#include "tests/unit/node/samples.h"

using namespace coterie;
using transition::Step;

namespace {

constexpr WallTime now{std::chrono::hours(1)};

/// One node's copies; start() is a start of its process over the same store.
struct Side {
  explicit Side(NodeId node) : self(node) {
    store.set_progress_handler([this] { gate->release(); });
  }

  void start(const EpochPtr& with, std::uint64_t seed = 5) {
    gate = std::make_unique<DurableGate>(
        store, [](ConnectionId, const Bytes&) {}, [](coordinator::Tag) {});
    copies = std::make_unique<LocalCopies>(store, *gate, Random(seed));
    copies->set_fence_handler([this](PartitionId partition, ConfigurationNumber configuration) {
      fences.emplace_back(partition, configuration);
    });
    hear(with);
  }
  void hear(const EpochPtr& with) {
    epoch = with;
    copies->set_epoch(with, self, ShardIndex{0}, 1);
  }
  void tend() {
    while (copies->tend() == LocalCopies::Tended::more) {
    }
  }
  wire::ReplicaScope scope(PartitionId partition) const {
    return {.partition = partition, .configuration = epoch->configuration(partition)};
  }
  Result<LocalCopies::Rests> write(const wire::ReplicaScope& scope, BytesView key,
                                   BytesView record) const {
    return copies->write({.scope = scope, .key = key, .record = record});
  }
  ErrorCode read(const wire::ReplicaScope& scope, BytesView key) const {
    const auto found = copies->read(wire::ReplicaRead{.scope = scope, .key = key});
    return found ? ErrorCode{0} : found.error().code;
  }
  bool mints(PartitionId partition, BytesView key) const {
    const wire::Put put{.id = {.high = 1, .low = 1}, .value = "v"};
    return copies->mint(scope(partition), {.key = key, .put = put, .now = now}, coordinator::Tag{1})
        .has_value();
  }
  std::size_t records() const {
    std::size_t count = 0;
    (void)store.scan(Space::records, {}, {}, [&count](BytesView, BytesView) {
      ++count;
      return true;
    });
    return count;
  }

  NodeId self;
  MemoryStore store{16, MemoryStore::Durability::by_hand};
  std::unique_ptr<DurableGate> gate;
  std::unique_ptr<LocalCopies> copies;
  EpochPtr epoch;
  std::vector<std::pair<PartitionId, ConfigurationNumber>> fences;
};

/// Partition 0 of four nodes' ring, and who comes and goes.
struct World {
  EpochPtr stable = sample_epoch(4);
  PartitionId partition{0};
  NodeId leaving = stable->owners(partition)[1];
  NodeId arriving = [this] {
    for (const auto& member : stable->members()) {
      if (!stable->owns(member.id, partition)) return member.id;
    }
    return NodeId{};
  }();
  EpochPtr open = opened(stable, partition, leaving, arriving);
  Bytes key = [this] {
    for (int i = 0;; ++i) {
      const std::string text = std::to_string(i);
      const Token token = stable->token(BucketId{1}, text);
      if (stable->partition(token) != partition) continue;
      return *encode_key(
          {.token = token, .bucket = BucketId{1}, .partition_key = text, .sort_key = {}});
    }
  }();

  Bytes record(std::uint64_t sequence = 1) const {
    Record record;
    record.context.add({.actor = ActorId{77}, .sequence = sequence});
    Sibling sibling{.dot = {.actor = ActorId{77}, .sequence = sequence}};
    sibling.value = "value";
    record.siblings.push_back(sibling);
    return encode_record(key, record);
  }
};

}  // namespace

TEST_CASE("an owner refuses requests of before at once, and has fenced once that is synced") {
  World world;
  Side owner(world.leaving);
  owner.start(world.stable);
  owner.store.sync();
  CHECK(owner.fences.empty());
  const auto before = owner.scope(world.partition);
  REQUIRE(owner.write(before, world.key, world.record()));

  owner.hear(world.open);
  CHECK(owner.write(before, world.key, world.record(2)).error().code ==
        ErrorCode::stale_configuration);
  CHECK(owner.read(before, world.key) == ErrorCode::stale_configuration);
  CHECK(owner.write(owner.scope(world.partition), world.key, world.record(2)));
  CHECK(owner.copies->fenced(world.partition) == ConfigurationNumber{0});
  CHECK(owner.store.is_sync_requested());
  owner.store.sync();
  CHECK(owner.copies->fenced(world.partition) == ConfigurationNumber{2});
  CHECK(owner.fences == std::vector{std::pair{world.partition, ConfigurationNumber{2}}});

  // An older ring does not make it forget.
  owner.start(world.stable, 6);
  CHECK(owner.copies->fenced(world.partition) == ConfigurationNumber{2});
  CHECK(owner.write(before, world.key, world.record(3)).error().code ==
        ErrorCode::stale_configuration);
}

TEST_CASE("a fence that the store does not take is none, and is taken later") {
  World world;
  Side owner(world.leaving);
  owner.start(world.stable);
  owner.store.set_state(StoreState::read_only, "full");
  owner.hear(world.open);
  owner.store.sync();
  CHECK(owner.copies->fenced(world.partition) == ConfigurationNumber{0});
  CHECK(owner.copies->tend() == LocalCopies::Tended::refused);
  owner.store.set_state(StoreState::healthy, {});
  owner.tend();
  owner.store.sync();
  CHECK(owner.copies->fenced(world.partition) == ConfigurationNumber{2});
}

TEST_CASE("a new owner takes writes, and nobody reads there, until the change is cut over") {
  World world;
  Side node(world.arriving);
  node.start(world.stable);
  CHECK(node.write(node.scope(world.partition), world.key, world.record()).error().code ==
        ErrorCode::not_owner);
  node.hear(world.open);
  node.store.sync();
  const auto scope = node.scope(world.partition);
  CHECK(node.copies->fenced(world.partition) == ConfigurationNumber{2});
  REQUIRE(node.copies->filling(world.partition));
  CHECK(node.copies->filling(world.partition)->began_empty);
  CHECK(node.copies->filling(world.partition)->change == world.open->number().number);
  CHECK(node.write(scope, world.key, world.record()));
  CHECK(node.read(scope, world.key) == ErrorCode::unsure);
  CHECK_FALSE(node.mints(world.partition, world.key));

  SUBCASE("it goes on after a restart, under another actor") {
    const auto actor = node.copies->copy(world.partition)->actor();
    node.start(world.open, 6);
    REQUIRE(node.copies->filling(world.partition));
    CHECK_FALSE(node.copies->filling(world.partition)->began_empty);
    CHECK(node.copies->copy(world.partition)->actor() != actor);
    CHECK(node.records() == 1);
    CHECK(node.read(scope, world.key) == ErrorCode::unsure);
  }
  const auto cut = stepped(world.open, Step::cut_over);
  node.hear(cut);
  CHECK_FALSE(node.copies->filling(world.partition));
  CHECK(node.read(scope, world.key) == ErrorCode::stale_configuration);
  CHECK(node.read(node.scope(world.partition), world.key) == ErrorCode{0});
  CHECK(node.mints(world.partition, world.key));
  node.store.sync();
  node.start(cut, 7);
  CHECK(node.read(node.scope(world.partition), world.key) == ErrorCode{0});
  node.hear(stepped(cut, Step::finish));
  node.start(node.epoch, 8);
  CHECK(node.read(node.scope(world.partition), world.key) == ErrorCode{0});
}

TEST_CASE("a copy that is being filled has the generation of what it takes") {
  World world;
  Side node(world.arriving);
  node.start(world.open);
  auto scope = node.scope(world.partition);
  scope.generation = Generation{4};
  REQUIRE(node.write(scope, world.key, world.record()));
  CHECK(node.copies->copy(world.partition)->generation() == Generation{4});
  // A purge elsewhere says nothing against a copy that had promised nothing.
  node.copies->heard_of_purge(world.partition, Generation{5});
  CHECK(node.copies->counters().destroyed_copies == 0);
  CHECK(node.copies->copy(world.partition)->state() == replica::CopyState::filling);
  CHECK(node.copies->copy(world.partition)->purged() == Generation{5});
  CHECK(node.records() == 1);
}

TEST_CASE("a copy whose change was cut over without it was lost: it is refilled first") {
  World world;
  Side node(world.arriving);
  node.start(stepped(world.open, Step::cut_over));
  CHECK(node.copies->copy(world.partition)->state() == replica::CopyState::unsure);
  CHECK(node.copies->destroyed().contains(world.partition));
  CHECK(node.write(node.scope(world.partition), world.key, world.record()).error().code ==
        ErrorCode::unsure);
}

TEST_CASE("a copy goes only once others own the partition for good, and the fence is synced") {
  World world;
  const auto cut = stepped(world.open, Step::cut_over);
  Side node(world.leaving);
  node.start(world.stable);
  REQUIRE(node.write(node.scope(world.partition), world.key, world.record()));
  for (const auto& stage : {world.open, cut}) {
    node.hear(stage);
    node.store.sync();
    node.tend();
    CHECK(node.records() == 1);
    CHECK(node.read(node.scope(world.partition), world.key) == ErrorCode{0});
  }
  node.hear(stepped(cut, Step::finish));
  CHECK(node.read(node.scope(world.partition), world.key) == ErrorCode::not_owner);
  node.tend();
  CHECK(node.records() == 1);
  SUBCASE("at once") {
    node.store.sync();
  }
  SUBCASE("after a restart") {
    node.store.sync();
    node.start(node.epoch, 6);
  }
  SUBCASE("had it been away all the time") {
    Side away(world.leaving);
    away.start(world.stable);
    REQUIRE(away.write(away.scope(world.partition), world.key, world.record()));
    away.store.sync();
    away.start(node.epoch);
    away.tend();
    CHECK(away.records() == 1);
    away.store.sync();
    away.tend();
    CHECK(away.records() == 0);
    node.store.sync();
  }
  node.tend();
  CHECK(node.records() == 0);
  CHECK(node.copies->counters().dropped_copies == 1);
  CHECK_FALSE(*node.store.get(Space::meta, replica::fence_state_key(world.partition)));
}

TEST_CASE("an abort takes the new owner's copy away, and no old one") {
  World world;
  const auto aborting = stepped(world.open, Step::abort);
  const auto aborted = stepped(aborting, Step::end_abort);
  Side old(world.leaving);
  Side fresh(world.arriving);
  for (auto* node : {&old, &fresh}) {
    node->start(world.stable);
    node->hear(world.open);
    REQUIRE(node->write(node->scope(world.partition), world.key, world.record()));
    node->hear(aborting);
    CHECK(node->write(node->scope(world.partition), world.key, world.record(2)));
    node->hear(aborted);
    node->store.sync();
    node->tend();
  }
  CHECK(fresh.records() == 0);
  CHECK(old.records() == 1);
  CHECK(old.read(old.scope(world.partition), world.key) == ErrorCode{0});
}

TEST_CASE("a copy that is regained is another one, and begins empty") {
  World world;
  const auto finished = stepped(stepped(world.open, Step::cut_over), Step::finish);
  const auto back = opened(finished, world.partition, world.arriving, world.leaving);
  Side node(world.leaving);
  node.start(world.stable);
  REQUIRE(node.write(node.scope(world.partition), world.key, world.record()));
  const auto actor = node.copies->copy(world.partition)->actor();
  SUBCASE("it heard of each step, and had not erased what it left") {
    node.hear(finished);
  }
  SUBCASE("it heard of none") {}
  SUBCASE("it was given it once before, too") {
    const auto again = opened(finished, world.partition, world.arriving, world.leaving);
    node.hear(again);
    node.hear(stepped(stepped(again, Step::abort), Step::end_abort));
    const auto later = opened(node.epoch, world.partition, world.arriving, world.leaving);
    node.hear(later);
    CHECK(node.copies->filling(world.partition)->change == later->number().number);
    CHECK(node.records() == 0);
    return;
  }
  node.hear(back);
  CHECK(node.copies->copy(world.partition)->actor() != actor);
  CHECK(node.records() == 0);
  REQUIRE(node.copies->filling(world.partition));
  CHECK(node.copies->filling(world.partition)->began_empty);
  node.store.sync();
  node.tend();
  CHECK(node.write(node.scope(world.partition), world.key, world.record()));
  node.tend();
  CHECK(node.records() == 1);
}
