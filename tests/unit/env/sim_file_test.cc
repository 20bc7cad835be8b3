#include <doctest/doctest.h>

#include <set>

#include "tests/sim/env/file.h"
#include "tests/sim/env/worker.h"

// What the simulated disk forgets, and what it must not.
namespace coterie::test {

using namespace std::chrono_literals;
using sim::Crash;
using Mode = FileSystem::Mode;

namespace {

constexpr std::size_t sector = sim::SimFileSystem::sector_bytes;

struct Machine {
  explicit Machine(std::uint64_t seed = 1) : world(seed) {}

  std::unique_ptr<File> open(const std::string& path, Mode mode = Mode::create) {
    auto file = disk.open(path, mode);
    REQUIRE(file.has_value());
    return std::move(*file);
  }
  /// "" if it is not there.
  Bytes content(const std::string& path) {
    auto file = disk.open(path, Mode::read);
    return file ? *(*file)->read_at(0, 1 << 20) : Bytes();
  }
  /// A file that is there for good.
  std::unique_ptr<File> durable(const std::string& path, BytesView bytes) {
    auto file = open(path);
    REQUIRE(file->write_at(0, bytes));
    REQUIRE(file->sync());
    REQUIRE(disk.sync_directory(""));
    return file;
  }

  sim::SimWorld world;
  sim::NodeIndex node = world.add_node();
  sim::SimFileSystem disk{world, node};
};

}  // namespace

TEST_CASE("simulated disk: synced stays, unsynced may go, at sectors") {
  std::set<Bytes> outcomes;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Machine machine(seed);
    auto file = machine.durable("log", Bytes(3 * sector, 'a'));
    REQUIRE(file->write_at(0, Bytes(3 * sector, 'b')));
    machine.world.crash(machine.node, Crash::power);
    const Bytes left = machine.content("log");
    REQUIRE(left.size() == 3 * sector);
    Bytes outcome;
    for (std::size_t i = 0; i < 3; ++i) {
      const Bytes part = left.substr(i * sector, sector);
      REQUIRE((part == Bytes(sector, 'a') || part == Bytes(sector, 'b')));
      outcome += part[0];
    }
    outcomes.insert(outcome);
    const auto dead = file->read_at(0, 1);
    REQUIRE_FALSE(dead.has_value());
    CHECK(dead.error().code == ErrorCode::io);
  }
  CHECK(outcomes.size() == 8);
}

TEST_CASE("simulated disk: a longer file may lose its end, and zeros stand in what was skipped") {
  std::set<std::size_t> sizes;
  bool has_hole = false;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Machine machine(seed);
    auto file = machine.durable("log", Bytes(sector, 'a'));
    REQUIRE(file->write_at(sector, Bytes(2 * sector, 'b')));
    machine.world.crash(machine.node, Crash::power);
    const Bytes left = machine.content("log");
    sizes.insert(left.size());
    CHECK(left.substr(0, sector) == Bytes(sector, 'a'));
    if (left.size() == 3 * sector && left[sector] == '\0') has_hole = true;
  }
  CHECK(sizes == std::set<std::size_t>{sector, 2 * sector, 3 * sector});
  CHECK(has_hole);
}

TEST_CASE("simulated disk: a crash of the process alone keeps what was written") {
  Machine machine;
  auto file = machine.open("log");
  REQUIRE(file->write_at(0, "written"));
  machine.world.crash(machine.node, Crash::process);
  CHECK(machine.content("log") == "written");
  CHECK_FALSE(file->write_at(0, "x").has_value());
}

TEST_CASE("simulated disk: names are durable once their directory is synced") {
  int kept = 0;
  int renamed = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Machine machine(seed);
    machine.durable("old", "old");
    auto file = machine.open("fresh");
    REQUIRE(file->write_at(0, "new"));
    REQUIRE(file->sync());
    REQUIRE(machine.disk.rename("fresh", "old"));
    machine.world.crash(machine.node, Crash::power);
    const Bytes old = machine.content("old");
    const Bytes fresh = machine.content("fresh");
    // In order: not created; created; renamed.
    CHECK(((old == "old" && fresh.empty()) || (old == "old" && fresh == "new") ||
           (old == "new" && fresh.empty())));
    if (fresh == "new") ++kept;
    if (old == "new") ++renamed;
  }
  CHECK(kept > 20);
  CHECK(renamed > 20);
  CHECK(kept + renamed < 180);

  Machine machine;
  REQUIRE(machine.disk.make_directory("d"));
  REQUIRE(machine.open("d/f")->sync());
  REQUIRE(machine.disk.sync_directory("d"));
  REQUIRE(machine.disk.sync_directory(""));
  machine.world.crash(machine.node, Crash::power);
  CHECK(machine.disk.list("d") == std::vector<std::string>{"f"});
  REQUIRE(machine.disk.remove("d/f"));
  REQUIRE(machine.disk.sync_directory("d"));
  machine.world.crash(machine.node, Crash::power);
  CHECK(machine.disk.list("d") == std::vector<std::string>{});
}

TEST_CASE("simulated disk: a directory that was not durable takes its files along") {
  bool was_lost = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Machine machine(seed);
    REQUIRE(machine.disk.make_directory("d"));
    REQUIRE(machine.open("d/f")->sync());
    REQUIRE(machine.disk.sync_directory("d"));
    machine.world.crash(machine.node, Crash::power);
    const auto names = machine.disk.list("d");
    if (!names) was_lost = true;
    if (names) CHECK(names == std::vector<std::string>{"f"});
    CHECK(machine.disk.files().size() == (names ? 1 : 0));
  }
  CHECK(was_lost);
}

TEST_CASE("simulated disk: after a failed sync a second one proves nothing") {
  bool was_lost = false;
  bool was_kept = false;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Machine machine(seed);
    auto file = machine.durable("log", "aa");
    REQUIRE(file->write_at(0, "bb"));
    machine.world.faults(machine.node).disk.sync_error = 1;
    const auto failed = file->sync();
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().code == ErrorCode::io);
    machine.world.faults(machine.node).disk.sync_error = 0;
    REQUIRE(file->sync());
    CHECK(machine.content("log") == "bb");  // what the page cache says
    machine.world.crash(machine.node, Crash::power);
    (machine.content("log") == "bb" ? was_kept : was_lost) = true;
  }
  CHECK(was_lost);
  CHECK(was_kept);
}

TEST_CASE("simulated disk: a sync that lies is found out by a power loss") {
  bool was_lost = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Machine machine(seed);
    auto file = machine.durable("log", "aa");
    machine.world.faults(machine.node).disk.syncs_lie = true;
    REQUIRE(file->write_at(0, "bb"));
    REQUIRE(file->sync());
    machine.world.crash(machine.node, Crash::power);
    if (machine.content("log") == "aa") was_lost = true;
  }
  CHECK(was_lost);
}

TEST_CASE("simulated disk: full, and free again") {
  Machine machine;
  machine.world.faults(machine.node).disk.capacity_bytes = 10000;
  auto file = machine.open("a");
  REQUIRE(file->preallocate(8000));
  CHECK(machine.disk.free_bytes() == 2000);
  REQUIRE(file->write_at(7000, Bytes(1000, 'x')));  // its space was reserved
  auto other = machine.open("b");
  const auto full = other->write_at(0, Bytes(2001, 'x'));
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().code == ErrorCode::read_only);
  CHECK(other->size() == 0);
  CHECK(other->preallocate(4000).error().code == ErrorCode::read_only);
  REQUIRE(machine.disk.remove("a"));
  REQUIRE(other->write_at(0, Bytes(10000, 'x')));
  CHECK(machine.disk.free_bytes() == 0);
}

TEST_CASE("simulated disk: failed writes leave a first part of whole sectors") {
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Machine machine(seed);
    auto file = machine.open("log");
    machine.world.faults(machine.node).disk.write_error = 1;
    CHECK(file->write_at(0, Bytes(3 * sector, 'x')).error().code == ErrorCode::io);
    sizes.insert(*file->size());
  }
  CHECK(sizes == std::set<std::size_t>{0, sector, 2 * sector, 3 * sector});
}

TEST_CASE("simulated disk: flipped bits stay flipped") {
  Machine machine;
  machine.durable("log", Bytes(100, '\0'));
  CHECK(machine.disk.flip_bit("log", 50, 3));
  CHECK_FALSE(machine.disk.flip_bit("log", 100, 3));
  CHECK_FALSE(machine.disk.flip_bit("absent", 0, 3));
  Bytes expected(100, '\0');
  expected[50] = 8;
  CHECK(machine.content("log") == expected);
  machine.world.crash(machine.node, Crash::power);
  CHECK(machine.content("log") == expected);
  machine.world.faults(machine.node).disk.bit_flip = 1;
  const Bytes flipped = machine.content("log");
  machine.world.faults(machine.node).disk.bit_flip = 0;
  CHECK(flipped != expected);
  CHECK(machine.content("log") == flipped);
}

TEST_CASE("simulated disk: an old snapshot can be restored") {
  Machine machine;
  auto file = machine.durable("log", "old");
  REQUIRE(file->write_at(0, "xxx"));  // not synced, so not in it
  const auto snapshot = machine.disk.snapshot();
  REQUIRE(file->write_at(0, "new"));
  REQUIRE(file->sync());
  machine.durable("more", "more");
  for (int i = 0; i < 2; ++i) {
    machine.disk.restore(*snapshot);
    CHECK(machine.content("log") == "old");
    CHECK(machine.disk.list("") == std::vector<std::string>{"log"});
    CHECK_FALSE(file->sync().has_value());
    REQUIRE(machine.open("log")->write_at(0, "yyy"));  // does not change the snapshot
  }
}

TEST_CASE("simulated worker: what its syncs made durable is so when done comes, not before") {
  int lost_before = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Machine machine(seed);
    auto file = machine.durable("log", "aa");
    auto worker = std::make_unique<sim::SimWorker>(machine.world, machine.node, machine.disk);
    machine.world.faults(machine.node).disk.sync_least = 1ms;
    bool has_worked = false;
    bool is_done = false;
    worker->submit(
        [&] {
          REQUIRE(file->write_at(0, "bb"));
          REQUIRE(file->sync());
          has_worked = true;
        },
        [&] { is_done = true; });
    const bool wait_for_done = seed % 2 == 0;
    REQUIRE(machine.world.run_until([&] { return wait_for_done ? is_done : has_worked; }, 1s));
    CHECK(is_done == wait_for_done);
    machine.world.crash(machine.node, Crash::power);
    worker.reset();
    if (wait_for_done) CHECK(machine.content("log") == "bb");
    if (machine.content("log") == "aa") ++lost_before;
    machine.world.run_for(1s);
    CHECK(is_done == wait_for_done);
  }
  CHECK(lost_before > 10);
}

TEST_CASE("simulated worker: what comes after a sync has not happened while the sync runs") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Machine machine(seed);
    auto file = machine.durable("log", "aa");
    auto worker = std::make_unique<sim::SimWorker>(machine.world, machine.node, machine.disk);
    machine.world.faults(machine.node).disk.sync_least = 1ms;
    bool has_worked = false;
    worker->submit(
        [&] {
          REQUIRE(file->write_at(0, "bb"));
          REQUIRE(file->sync());
          REQUIRE(file->write_at(0, "cc"));
          REQUIRE(machine.disk.open("next", FileSystem::Mode::create));
          has_worked = true;
        },
        [] {});
    REQUIRE(machine.world.run_until([&] { return has_worked; }, 1s));
    machine.world.crash(machine.node, seed % 2 == 0 ? Crash::power : Crash::process);
    worker.reset();
    CHECK(machine.content("log") != "cc");
    CHECK(!machine.disk.files().contains("next"));
    if (seed % 2 == 1) CHECK(machine.content("log") == "bb");
  }
}

TEST_CASE("simulated worker: a stalled one waits, a crashed one drops its work") {
  Machine machine;
  machine.world.faults(machine.node).work_stalled_until = machine.world.now() + 5s;
  auto worker = std::make_unique<sim::SimWorker>(machine.world, machine.node, machine.disk);
  int worked = 0;
  worker->submit([&] { ++worked; }, [] {});
  machine.world.run_for(4s);
  CHECK(worked == 0);
  machine.world.run_for(2s);
  CHECK(worked == 1);
  worker->submit([&] { ++worked; }, [] {});
  machine.world.crash(machine.node, Crash::process);
  machine.world.run_for(1s);
  worker.reset();
  CHECK(worked == 1);
}

}  // namespace coterie::test
