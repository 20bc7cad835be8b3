#include <doctest/doctest.h>

#include <cstdint>
#include <set>

#include "node/transfer/comparison.h"
#include "node/transfer/folded.h"
#include "storage/record.h"
#include "tests/unit/node/samples.h"
#include "tests/unit/transfer/repair_world.h"

namespace coterie::transfer {
namespace {

constexpr std::uint64_t salt = 0x5a17;
constexpr std::uint64_t keys = 300;

std::uint16_t short_hash(BytesView key, std::uint64_t version) {
  const Bytes record = RepairWorld::version(key, version);
  return folded_short(leaf_hash(key, *peek_digest(key, record)), salt);
}

/// The keys of one partition at which a comparison by side 0 finds side 1 to differ.
std::set<Bytes> differing(RepairWorld& world, PartitionId partition) {
  std::set<Bytes> found;
  bool is_good = false;
  auto& side = world.side(0);
  Comparison comparison(
      {.store = side.store, .copies = side.copies, .others = side.others}, node_id(2), {partition},
      salt,
      {.differs = [&](PartitionId, BytesView key) { found.insert(Bytes(key)); },
       .compared = [&](PartitionId,
                       const Compared& compared) { is_good = compared.outcome.has_value(); }});
  while (!comparison.is_done()) {
    while (comparison.step()) {
    }
    REQUIRE_FALSE(world.under_way.empty());
    const auto next = std::move(world.under_way.front());
    world.under_way.pop_front();
    next();
  }
  CHECK(is_good);
  return found;
}

RepairWorld& filled(RepairWorld& world) {
  world.tell_views();
  for (std::uint64_t i = 0; i < keys; ++i) world.put_all(world.key(i), 1);
  return world;
}

TEST_CASE("two versions that fold alike are told apart by the whole hashes of the rest") {
  RepairWorld world;
  filled(world);
  const Bytes key = world.key(0);
  std::uint64_t version = 2;
  while (short_hash(key, version) != short_hash(key, 1)) ++version;
  world.put(1, key, version);
  CHECK(differing(world, world.partition_of(key)) == std::set<Bytes>{key});
  CHECK(world.asked[wire::Kind::range_digests] == 2);
}

TEST_CASE("of two records that fold alike both are named, whichever differs") {
  RepairWorld world;
  filled(world);
  const Bytes known = world.key(0);
  const PartitionId partition = world.partition_of(known);
  const std::size_t side = 1;
  std::uint64_t number = keys;
  Bytes key;
  do {
    key = world.key(number++);
  } while (world.partition_of(key) != partition || short_hash(key, 1) != short_hash(known, 1));
  world.put(side, key, 1);
  CHECK(differing(world, partition) == std::set<Bytes>{known, key});
  CHECK(world.asked[wire::Kind::range_digests] == 1);
}

TEST_CASE("an older node, which knows no short hashes, is asked by long ones") {
  RepairWorld world;
  filled(world);
  world.is_older = true;
  const Bytes key = world.key(0);
  world.put(1, key, 2);
  CHECK(differing(world, world.partition_of(key)) == std::set<Bytes>{key});
  CHECK(world.asked[wire::Kind::range_digests] == 2);
}

}  // namespace
}  // namespace coterie::transfer
