#include <doctest/doctest.h>

#include "base/limits.h"
#include "storage/lmdb_table.h"
#include "storage/memory_store.h"
#include "tests/unit/storage/rig.h"
#include "tests/unit/storage/temporary_directory.h"

// The contract of Store, on the real one over both tables and on the fake.

namespace coterie {

namespace {

struct OverMemory {
  Rig rig;

  OverMemory() { rig.open(); }
  Store& store() { return *rig.store; }
  void settle() { rig.settle(); }
  void reopen() {
    rig.close();
    rig.open();
  }
  void checkpoint() {
    rig.timers.advance(limits::overlay_age);
    rig.settle();
  }
};

struct OverLmdb {
  TemporaryDirectory directory;
  std::unique_ptr<LmdbTable> table;
  Rig rig;

  OverLmdb() { open(); }
  ~OverLmdb() { rig.kill(); }
  Store& store() { return *rig.store; }
  void settle() { rig.settle(); }
  void open() {
    auto opened = LmdbTable::open({.directory = directory.path, .map_bytes = 16 << 20});
    REQUIRE(opened);
    table = std::move(*opened);
    rig.table = table.get();
    rig.open();
  }
  void reopen() {
    rig.close();
    table.reset();
    open();
  }
  void checkpoint() {
    rig.timers.advance(limits::overlay_age);
    rig.settle();
  }
};

struct Fake {
  MemoryStore memory{rig_partitions, MemoryStore::Durability::by_hand};

  Store& store() { return memory; }
  void settle() { memory.is_sync_requested() ? memory.sync() : memory.write(); }
  void checkpoint() { settle(); }
};

LogPosition append(Store& store, std::vector<Write> writes) {
  const auto position = store.append(writes);
  REQUIRE(position);
  return *position;
}

LogPosition append_meta(Store& store, Bytes key, std::optional<Bytes> value) {
  return append(store, {{.space = Space::meta, .key = std::move(key), .value = std::move(value)}});
}

}  // namespace

TEST_CASE_TEMPLATE("a store shows each append at once and tells when it is durable", World,
                   OverMemory, OverLmdb, Fake) {
  World world;
  auto& store = world.store();
  int news = 0;
  store.set_progress_handler([&]() { news += 1; });
  CHECK(store.get(Space::meta, "a")->has_value() == false);
  const auto before = store.last();

  const auto first = append_meta(store, "a", "1");
  CHECK(first > before);
  CHECK(store.last() == first);
  CHECK(store.synced() < first);
  CHECK(*store.get(Space::meta, "a") == "1");
  CHECK(store.read(Space::meta, "a")->rests_on == first);
  CHECK(store.get(Space::hints, "a")->has_value() == false);
  CHECK(news == 0);

  world.settle();
  CHECK(store.written() == first);
  CHECK(store.synced() < first);
  CHECK(news > 0);
  store.request_sync();
  world.settle();
  CHECK(store.synced() == first);
  CHECK(store.written() == first);
}

TEST_CASE_TEMPLATE("an erased key is gone, whether table or overlay had it", World, OverMemory,
                   OverLmdb, Fake) {
  World world;
  auto& store = world.store();
  append_meta(store, "a", "1");
  append_meta(store, "b", "");
  world.checkpoint();
  CHECK(*store.get(Space::meta, "b") == "");
  const auto erased = append_meta(store, "a", std::nullopt);
  CHECK(store.get(Space::meta, "a")->has_value() == false);
  CHECK(store.read(Space::meta, "a")->rests_on == erased);
  append_meta(store, "never", std::nullopt);
  world.checkpoint();
  CHECK(store.get(Space::meta, "a")->has_value() == false);
  CHECK(*store.get(Space::meta, "b") == "");
}

TEST_CASE_TEMPLATE("a scan merges what is where, in order, and stops when told", World, OverMemory,
                   OverLmdb, Fake) {
  World world;
  auto& store = world.store();
  for (const auto* key : {"b", "d", "f", "h"}) {
    append(store, {{.space = Space::hints, .key = key, .value = "old"}});
  }
  world.checkpoint();
  append(store, {{.space = Space::hints, .key = "a", .value = "new"},
                 {.space = Space::hints, .key = "d", .value = "new"},
                 {.space = Space::hints, .key = "f", .value = std::nullopt},
                 {.space = Space::hints, .key = "g", .value = "new"}});
  const auto scan = [&](BytesView from, BytesView to, std::size_t most) {
    std::string seen;
    std::size_t count = 0;
    REQUIRE(store.scan(Space::hints, from, to, [&](BytesView key, BytesView value) {
      seen += std::string(key) + (value == "new" ? "+" : " ");
      count += 1;
      return count < most;
    }));
    return seen;
  };
  CHECK(scan("", "", 99) == "a+b d+g+h ");
  CHECK(scan("b", "h", 99) == "b d+g+");
  CHECK(scan("bb", "g", 99) == "d+");
  CHECK(scan("", "", 1) == "a+");
  CHECK(scan("", "", 2) == "a+b ");
  CHECK(scan("i", "", 99) == "");
  CHECK(scan("g", "c", 99) == "");
}

TEST_CASE_TEMPLATE("a store keeps trees and counts of its records", World, OverMemory, OverLmdb,
                   Fake) {
  World world;
  auto& store = world.store();
  for (std::uint64_t number = 0; number < 100; ++number) {
    auto write = record_write(store, number, std::pair(number + 1, std::string("value")));
    REQUIRE(store.append({&write, 1}));
    world.settle();
  }
  for (std::uint64_t number = 0; number < 100; number += 3) {
    auto write = record_write(store, number, std::nullopt);
    REQUIRE(store.append({&write, 1}));
  }
  CHECK(store.status().records == 66);
  check_trees(store);
}

TEST_CASE_TEMPLATE("keys that no table takes are refused", World, OverMemory, OverLmdb, Fake) {
  World world;
  auto& store = world.store();
  const auto refusal = [&](Bytes key) {
    Write write{.space = Space::meta, .key = std::move(key), .value = "x"};
    const auto position = store.append({&write, 1});
    return position ? std::optional<ErrorCode>() : position.error().code;
  };
  CHECK(refusal("") == ErrorCode::invalid_argument);
  CHECK(refusal(Bytes(limits::table_key_bytes + 1, 'k')) == ErrorCode::too_large);
  CHECK(refusal(Bytes(limits::table_key_bytes, 'k')) == std::nullopt);
  world.checkpoint();
  CHECK(*store.get(Space::meta, Bytes(limits::table_key_bytes, 'k')) == "x");
  const auto last = store.last();
  CHECK(store.append({}) == last);
}

TEST_CASE_TEMPLATE("what was closed is there when opened again", World, OverMemory, OverLmdb) {
  World world;
  for (std::uint64_t number = 0; number < 200; ++number) {
    world.rig.put(number, number + 1, std::string(number, 'v'));
    if (number % 7 == 0) world.settle();
  }
  append_meta(world.store(), "last", "words");
  const auto last = world.store().last();
  const auto records = everything(world.store(), Space::records);
  CHECK(records.size() == 200);
  world.reopen();
  CHECK(world.store().last() == last);
  CHECK(world.store().synced() == last);
  CHECK(everything(world.store(), Space::records) == records);
  CHECK(*world.store().get(Space::meta, "last") == "words");
  check_trees(world.store());
  CHECK(append_meta(world.store(), "more", "x") > last);
}

TEST_CASE("a closed store takes nothing") {
  Rig rig;
  rig.open();
  rig.put(1, 1);
  rig.store->close([]() {});
  rig.settle();
  Write write{.space = Space::meta, .key = "a", .value = "1"};
  CHECK(rig.store->append({&write, 1}).error().code == ErrorCode::closed);
  CHECK(rig.store->status().state == StoreState::stopped);
}

}  // namespace coterie
