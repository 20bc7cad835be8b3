#include "tests/unit/storage/rig.h"

#include <doctest/doctest.h>

#include "base/hash.h"
#include "storage/key.h"
#include "storage/record.h"

namespace coterie {

Bytes record_key(std::uint64_t number) {
  const auto partition_key = "key " + std::to_string(number);
  auto key = encode_key({.token = Token{hash64(partition_key)},
                         .bucket = BucketId{1},
                         .partition_key = partition_key,
                         .sort_key = {}});
  REQUIRE(key);
  return *key;
}

Bytes record_bytes(BytesView key, std::uint64_t version, BytesView value) {
  const Dot dot{.actor = ActorId{7}, .sequence = version};
  Record record;
  record.context.add(dot);
  record.siblings.push_back({.dot = dot, .value = value});
  return encode_record(key, record);
}

Write record_write(const Store& store, std::uint64_t number,
                   std::optional<std::pair<std::uint64_t, std::string>> record) {
  Write write{.space = Space::records, .key = record_key(number)};
  if (record) write.value = record_bytes(write.key, record->first, record->second);
  auto old = store.get(Space::records, write.key);
  REQUIRE(old);
  write.old_leaf_hash = stored_leaf_hash(write.key, *old);
  write.new_leaf_hash = stored_leaf_hash(write.key, write.value);
  return write;
}

std::map<Bytes, Bytes> everything(const Store& store, Space space) {
  std::map<Bytes, Bytes> all;
  Bytes before;
  auto scanned = store.scan(space, {}, {}, [&](BytesView key, BytesView value) {
    CHECK((all.empty() || before < key));
    before = key;
    all.emplace(key, value);
    return true;
  });
  REQUIRE(scanned);
  return all;
}

void check_trees(const Store& store) {
  std::map<PartitionId, PartitionTree> fresh;
  std::uint64_t records = 0;
  for (std::uint32_t p = 0; p < rig_partitions; ++p) {
    const PartitionId partition{p};
    const auto* tree = store.tree(partition);
    PartitionTree expected(partition, rig_partitions, tree != nullptr ? tree->depth() : 0);
    const auto range = range_of(partition, rig_partitions);
    auto scanned =
        store.scan(Space::records, range.from, range.to, [&](BytesView key, BytesView value) {
          expected.change(decode_key(key)->token, 0, stored_leaf_hash(key, value));
          records += 1;
          return true;
        });
    REQUIRE(scanned);
    if (tree == nullptr) {
      CHECK(expected.root() == TreeCell{});
      continue;
    }
    CHECK(tree->level(tree->depth()) == expected.level(tree->depth()));
  }
  CHECK(store.status().records == records);
}

void copy_table(const Table& from, Table& to) {
  for (const auto space :
       {Space::records, Space::trees, Space::hints, Space::acceptors, Space::meta}) {
    std::map<Bytes, Bytes> all;
    REQUIRE(from.scan(space, {}, {}, [&](BytesView key, BytesView value) {
      all.emplace(key, value);
      return true;
    }));
    for (const auto& [key, value] : all) {
      const Table::Entry entry{.space = space, .key = key, .value = value};
      REQUIRE(to.commit({&entry, 1}, *from.position()));
    }
  }
}

LogStoreOptions Rig::small_options() {
  return {.partitions = rig_partitions,
          .directory = "shard-0/log",
          .new_log_id = 0x5eed,
          .segment_bytes = 4096,
          .batch_writes = 8,
          .batch_bytes = 2048,
          .overlay_records = 24,
          .checkpoint_part = 8};
}

Result<void> Rig::try_open() {
  auto opened = LogStore::open({.files = disk,
                                .table = *table,
                                .commit = commit,
                                .checkpoint = checkpoint,
                                .clock = timers,
                                .timers = timers},
                               options);
  if (!opened) return std::unexpected(std::move(opened).error());
  store = std::move(*opened);
  return {};
}

void Rig::open() {
  const auto opened = try_open();
  REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
}

void Rig::kill() {
  store.reset();
  commit.forget();
  checkpoint.forget();
}

void Rig::lose_power(Random& random, double kept) {
  kill();
  disk.lose_power(random, kept);
}

void Rig::settle() {
  bool goes_on = true;
  while (goes_on) {
    goes_on = timers.is_due();
    timers.advance(Duration::zero());
    goes_on |= commit.run();
    goes_on |= commit.tell();
    goes_on |= checkpoint.run();
    goes_on |= checkpoint.tell();
  }
}

void Rig::close() {
  bool closed = false;
  store->close([&]() { closed = true; });
  settle();
  CHECK(closed);
  kill();
}

LogPosition Rig::put(std::uint64_t number, std::uint64_t version, std::string value) {
  auto write = record_write(*store, number, std::pair(version, std::move(value)));
  const auto position = store->append({&write, 1});
  REQUIRE_MESSAGE(position, (position ? "" : position.error().message));
  return *position;
}

LogPosition Rig::erase(std::uint64_t number) {
  auto write = record_write(*store, number, std::nullopt);
  const auto position = store->append({&write, 1});
  REQUIRE_MESSAGE(position, (position ? "" : position.error().message));
  return *position;
}

LogPosition Rig::put_synced(std::uint64_t number, std::uint64_t version, std::string value) {
  const auto position = put(number, version, std::move(value));
  store->request_sync();
  settle();
  CHECK(store->synced() >= position);
  return position;
}

}  // namespace coterie
