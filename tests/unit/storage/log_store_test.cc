#include <doctest/doctest.h>

#include <chrono>

#include "base/limits.h"
#include "storage/log_writer.h"
#include "tests/unit/storage/rig.h"

// What a LogStore does when things are full, late, failing or many.

namespace coterie {

namespace {

Result<LogPosition> try_put(Rig& rig, std::uint64_t number) {
  auto write = record_write(*rig.store, number, std::pair(number + 1, std::string(100, 'v')));
  return rig.store->append({&write, 1});
}

StoreState state(const Rig& rig) {
  return rig.store->status().state;
}

/// Puts until the store refuses; how many it took.
std::uint64_t fill(Rig& rig, std::uint64_t from) {
  for (auto number = from; number < from + 10000; ++number) {
    const auto position = try_put(rig, number);
    if (!position) {
      CHECK(position.error().code == ErrorCode::read_only);
      CHECK(position.error().message == rig.store->status().reason);
      return number - from;
    }
    rig.store->request_sync();
    rig.settle();
  }
  FAIL("never full");
  return 0;
}

}  // namespace

TEST_CASE("a full disk refuses puts, takes erasures, loses nothing and clears by itself") {
  Rig rig;
  rig.options.overlay_records = 1000000;  // no checkpoint makes room
  rig.open();
  rig.disk.set_capacity(10 * rig.options.segment_bytes);
  const auto taken = fill(rig, 0);
  CHECK(taken > 10);
  CHECK(state(rig) == StoreState::read_only);
  CHECK(rig.store->synced() == rig.store->last());
  CHECK(everything(*rig.store, Space::records).size() == taken);

  // the segment kept back takes these
  for (std::uint64_t number = 0; number < 10; ++number) {
    rig.erase(number);
    rig.store->request_sync();
    rig.settle();
  }
  CHECK(rig.store->synced() == rig.store->last());
  CHECK(state(rig) == StoreState::read_only);

  // still full: trying again changes nothing
  rig.timers.advance(rig.options.full_retry);
  rig.settle();
  CHECK(state(rig) == StoreState::read_only);

  bool told = false;
  rig.store->set_progress_handler([&]() { told = true; });
  rig.disk.set_capacity(UINT64_MAX);
  rig.timers.advance(rig.options.full_retry);
  rig.settle();
  CHECK(told);
  CHECK(state(rig) == StoreState::healthy);
  CHECK(rig.store->status().reason.empty());
  rig.put_synced(5, 1000);
  rig.kill();
  rig.open();
  CHECK(everything(*rig.store, Space::records).size() == taken - 9);
  check_trees(*rig.store);
}

TEST_CASE("a checkpoint makes room on a full disk") {
  Rig rig;
  rig.options.overlay_records = 1000000;
  rig.open();
  rig.disk.set_capacity(10 * rig.options.segment_bytes);
  const auto taken = fill(rig, 0);
  rig.timers.advance(rig.options.overlay_age);
  rig.settle();
  CHECK(state(rig) == StoreState::healthy);
  CHECK(fill(rig, taken) > 10);
}

TEST_CASE("a batch for which there is no room waits for it and keeps its order") {
  Rig rig;
  rig.options.overlay_records = 1000000;
  rig.open();
  rig.disk.set_capacity(0);
  const auto big = rig.put(1, 1, std::string(9000, 'v'));
  const auto small = rig.put(2, 2);
  rig.store->request_sync();
  rig.settle();
  CHECK(state(rig) == StoreState::read_only);
  CHECK(rig.store->written() < big);
  rig.disk.set_capacity(UINT64_MAX);
  rig.timers.advance(rig.options.full_retry);
  rig.settle();
  CHECK(state(rig) == StoreState::healthy);
  CHECK(rig.store->synced() == small);
  rig.kill();
  rig.open();
  CHECK(everything(*rig.store, Space::records).size() == 2);
}

TEST_CASE("a full table refuses puts, and erasures alone clear it") {
  Rig rig;
  rig.options.table_reserve_bytes = 0;
  rig.open();
  rig.memory_table.set_capacity(4000);
  const auto taken = fill(rig, 0);
  CHECK(state(rig) == StoreState::read_only);
  for (std::uint64_t number = 0; number + 5 < taken; ++number) rig.erase(number);
  rig.store->request_sync();
  rig.settle();
  CHECK(state(rig) == StoreState::read_only);
  rig.timers.advance(rig.options.overlay_age);  // the erasures join what could not be committed
  rig.settle();
  rig.timers.advance(rig.options.full_retry);
  rig.settle();
  CHECK(state(rig) == StoreState::healthy);
  CHECK(everything(*rig.store, Space::records).size() == 5);
  check_trees(*rig.store);
  rig.put_synced(1, 500);
  rig.close();
  rig.open();
  CHECK(everything(*rig.store, Space::records).size() == 6);
  check_trees(*rig.store);
}

TEST_CASE("puts stop while the table has room for what was already taken") {
  Rig rig;
  rig.options.overlay_records = 8;
  rig.open();
  rig.memory_table.set_capacity(40000);
  const auto taken = fill(rig, 0);
  CHECK(rig.store->status().reason.find("kept back") != std::string::npos);
  CHECK(rig.memory_table.used_bytes() > 35000);
  CHECK(rig.memory_table.position()->value + 2 * rig.options.overlay_records > taken);
  for (std::uint64_t number = 0; number < taken / 2; ++number) rig.erase(number);
  rig.timers.advance(rig.options.overlay_age);
  rig.settle();
  CHECK(state(rig) == StoreState::healthy);
  CHECK(try_put(rig, 1));
}

TEST_CASE("room in the table is noticed though no write is taken") {
  Rig rig;
  rig.options.overlay_records = 8;
  rig.open();
  rig.memory_table.set_capacity(40000);
  fill(rig, 0);
  rig.settle();
  CHECK(state(rig) == StoreState::read_only);
  rig.memory_table.set_capacity(UINT64_MAX);
  int told = 0;
  rig.store->set_progress_handler([&]() { told += 1; });
  rig.timers.advance(rig.options.full_retry);
  rig.settle();
  CHECK(state(rig) == StoreState::healthy);
  CHECK(told > 0);
  CHECK(try_put(rig, 1));
}

TEST_CASE("a failed sync or write stops the store for good") {
  for (const bool at_sync : {true, false}) {
    Rig rig;
    rig.open();
    const auto safe = rig.put_synced(1, 1);
    int told = 0;
    rig.store->set_progress_handler([&]() { told += 1; });
    at_sync ? rig.disk.set_sync_fails(true) : rig.disk.set_write_fails(true);
    rig.put(2, 2);
    rig.store->request_sync();
    rig.settle();
    CHECK(told > 0);
    CHECK(state(rig) == StoreState::stopped);
    CHECK(rig.store->status().reason.find("a planted failure") != std::string::npos);
    CHECK(rig.store->synced() == safe);
    CHECK(try_put(rig, 3).error().code == ErrorCode::closed);
    // a later success would prove nothing
    rig.disk.set_sync_fails(false);
    rig.disk.set_write_fails(false);
    rig.store->request_sync();
    rig.store->flush();
    rig.timers.advance(std::chrono::seconds(60));
    rig.settle();
    CHECK(rig.store->synced() == safe);
    CHECK(state(rig) == StoreState::stopped);
    bool closed = false;
    rig.store->close([&]() { closed = true; });
    rig.settle();
    CHECK(closed);
  }
}

TEST_CASE("a checkpoint that fails stops the store; the log has everything") {
  Rig rig;
  rig.open();
  rig.memory_table.set_failure(Error{.code = ErrorCode::io, .message = "a planted failure"});
  rig.put_synced(1, 1);
  rig.timers.advance(rig.options.overlay_age);
  rig.settle();
  CHECK(state(rig) == StoreState::stopped);
  CHECK(*rig.store->get(Space::records, record_key(1)));
  rig.kill();
  rig.memory_table.set_failure(std::nullopt);
  rig.open();
  CHECK(everything(*rig.store, Space::records).size() == 1);
}

TEST_CASE("what nobody asks to sync is written at once and synced within the interval") {
  Rig rig;
  rig.open();
  Random random(1);
  const auto first = rig.put(1, 1);
  rig.settle();
  CHECK(rig.store->written() == first);
  CHECK(rig.store->synced() < first);
  rig.timers.advance(limits::interval_sync / 2);
  rig.settle();
  const auto second = rig.put(2, 2);
  rig.settle();
  CHECK(rig.store->synced() < first);
  CHECK(rig.store->status().syncs == 0);
  rig.timers.advance(limits::interval_sync / 2);
  rig.settle();
  CHECK(rig.store->synced() == second);
  CHECK(rig.store->status().syncs == 1);
  // nothing new, nothing to sync
  rig.timers.advance(std::chrono::seconds(1));
  rig.settle();
  CHECK(rig.store->status().syncs == 1);

  rig.put(3, 3);
  rig.settle();
  rig.kill();  // the system keeps what was written
  rig.open();
  CHECK(everything(*rig.store, Space::records).size() == 3);
  rig.put(4, 4);
  rig.settle();
  rig.lose_power(random, 0.0);
  rig.open();
  CHECK(everything(*rig.store, Space::records).size() == 3);
  CHECK(rig.store->status().damaged.empty());
}

TEST_CASE("a write that fails at the end of a turn stops the store") {
  Rig rig;
  rig.open();
  int news = 0;
  rig.store->set_progress_handler([&]() { ++news; });
  rig.disk.set_write_fails(true);
  const auto position = rig.put(1, 1);
  rig.store->flush();
  CHECK(rig.store->written() < position);
  CHECK(news == 1);
  CHECK(rig.store->status().state == StoreState::stopped);
  rig.close();
}

TEST_CASE("a crash between the parts of a checkpoint loses nothing") {
  Rig rig;
  rig.open();
  const auto bound = rig.options.overlay_records;
  for (std::uint64_t i = 0; i < bound; ++i) rig.put(i, 1 + i);
  rig.store->request_sync();
  rig.store->flush();
  while (rig.commit.run() || rig.commit.tell()) {
  }
  const auto expected = everything(*rig.store, Space::records);
  CHECK(rig.checkpoint.run());
  CHECK(rig.checkpoint.tell());
  CHECK(rig.checkpoint.run());
  const auto part = rig.memory_table.entries(Space::records);
  CHECK(part >= 2);
  CHECK(part < bound);
  CHECK(rig.memory_table.position()->value == 0);
  CHECK(everything(*rig.store, Space::records) == expected);

  rig.kill();
  rig.open();
  CHECK(everything(*rig.store, Space::records) == expected);
  check_trees(*rig.store);
  rig.settle();
  CHECK(rig.memory_table.entries(Space::records) == bound);
  CHECK(rig.memory_table.position()->value == bound);
}

TEST_CASE("when all is in the table the log keeps a few segments, and goes on with them") {
  Rig rig;
  rig.options.overlay_records = 1000;
  rig.options.segment_bytes = 1024;
  rig.open();
  std::uint64_t number = 0;
  const auto segments = [&]() { return rig.disk.contents().size(); };
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 80; ++i, ++number) rig.put_synced(number, number + 1);
    CHECK(segments() > 10);
    rig.timers.advance(rig.options.overlay_age);
    rig.settle();
    CHECK(segments() == 1 + LogWriter::spares_at_rest);
  }
  rig.kill();
  rig.open();
  CHECK(everything(*rig.store, Space::records).size() == number);
  CHECK(rig.store->status().damaged.empty());
}

TEST_CASE("writers are told to wait while checkpoints are behind") {
  Rig rig;
  rig.open();
  const auto bound = rig.options.overlay_records;
  const auto put_and_commit = [&](std::uint64_t count, std::uint64_t from) {
    for (std::uint64_t i = from; i < from + count; ++i) {
      rig.put(i, i + 1);
      rig.store->request_sync();
      rig.store->flush();
      while (rig.commit.run() || rig.commit.tell()) {
      }
    }
  };
  put_and_commit(bound, 0);
  CHECK(rig.store->backlog() == Backlog::none);
  put_and_commit(bound, 100);
  CHECK(rig.store->status().backlog == Backlog::clients_wait);
  CHECK(rig.store->status().overlay_records == 2 * bound);
  CHECK(everything(*rig.store, Space::records).size() == 2 * bound);
  put_and_commit(bound, 200);
  CHECK(rig.store->backlog() == Backlog::clients_wait);
  put_and_commit(bound, 300);
  CHECK(rig.store->status().overlay_records == limits::overlays_held * bound);
  CHECK(rig.store->backlog() == Backlog::replicas_wait);
  rig.settle();
  CHECK(rig.store->backlog() == Backlog::none);
  CHECK(rig.store->status().overlay_records == 0);
  CHECK(rig.store->status().checkpoints == 2);
  CHECK(everything(*rig.store, Space::records).size() == limits::overlays_held * bound);
  CHECK(rig.store->read(Space::records, record_key(1))->rests_on == LogPosition{});
}

TEST_CASE("trees deepen with their records, a page at a time, and stay true meanwhile") {
  Rig rig;
  rig.options.overlay_records = 3000;
  rig.open();
  // some 500 records a partition wish for a second level, a page of them at a time
  constexpr std::uint64_t records = 40000;
  for (std::uint64_t number = 0; number < records; ++number) {
    rig.put(number, number + 1, "v");
    if (number % 5 == 4) rig.erase(number - 2);
    if (number % 50 == 0) {
      rig.timers.advance(std::chrono::microseconds(100));
      rig.settle();
    }
  }
  rig.timers.advance(std::chrono::seconds(10));
  rig.settle();
  check_trees(*rig.store);
  const auto expected = everything(*rig.store, Space::records);
  for (std::uint32_t p = 0; p < rig_partitions; ++p) {
    const auto* tree = rig.store->tree(PartitionId{p});
    REQUIRE(tree != nullptr);
    CHECK(tree->depth() == wanted_depth(tree->root().records));
    CHECK(tree->depth() >= 2);
  }
  rig.close();
  rig.open();
  CHECK(everything(*rig.store, Space::records) == expected);
  check_trees(*rig.store);
  // nothing of the shallower trees is left
  std::size_t leaves = 0;
  for (std::uint32_t p = 0; p < rig_partitions; ++p) {
    leaves += rig.store->tree(PartitionId{p})->leaves();
  }
  CHECK(rig.memory_table.entries(Space::trees) <= leaves);
}

TEST_CASE("a record that replaces a damaged one leaves its leaf true, after a restart too") {
  for (const bool is_restarted : {false, true}) {
    CAPTURE(is_restarted);
    Rig rig;
    rig.open();
    for (std::uint64_t i = 0; i < 40; ++i) rig.put(i, i + 1);
    rig.close();
    // The table's bytes go bad, and the trees do not hear of it.
    const Bytes key = record_key(7);
    Bytes bad = **rig.memory_table.get(Space::records, key);
    bad.back() ^= 1;
    const Table::Entry entry{.space = Space::records, .key = key, .value = bad};
    REQUIRE(rig.memory_table.commit({&entry, 1}, *rig.memory_table.position()));
    rig.open();
    const Bytes good = record_bytes(key, 99, "good again");
    Write write{.space = Space::records, .key = key, .value = good, .replaces_damaged = true};
    REQUIRE(rig.store->append({&write, 1}));
    if (is_restarted) {
      rig.store->request_sync();
      rig.store->flush();
      while (rig.commit.run() || rig.commit.tell()) {
      }
      rig.kill();
      rig.open();
    }
    check_trees(*rig.store);
    CHECK(*rig.store->get(Space::records, key) == good);
    Write erased{.space = Space::records, .key = key, .replaces_damaged = true};
    REQUIRE(rig.store->append({&erased, 1}));
    check_trees(*rig.store);
  }
}

TEST_CASE("a store that goes while work is under way leaves nothing behind that touches it") {
  Rig rig;
  rig.open();
  rig.put(1, 1);
  rig.store->request_sync();
  rig.store->flush();
  CHECK(rig.commit.run());
  rig.store.reset();
  CHECK(rig.commit.tell());
  CHECK(rig.timers.size() == 0);
  rig.open();
  CHECK(everything(*rig.store, Space::records).size() == 1);
}

}  // namespace coterie
