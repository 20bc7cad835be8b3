#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "base/random.h"
#include "tests/unit/storage/rig.h"

// A seeded random life of a store, with crashes at any point of write, sync, checkpoint and
// recycling, held against a model that keeps every append. Also run with the sync taken out, where
// it must fail.

namespace coterie {

namespace {

constexpr std::uint64_t lives = 400;
constexpr int crashes_a_life = 6;
constexpr int steps_most = 600;
constexpr std::uint64_t keys = 40;

struct Change {
  Space space;
  Bytes key;
  std::optional<Bytes> value;
};

/// What the lives came across, so that they are known to be eventful.
struct Seen {
  std::uint64_t checkpoints = 0;
  std::uint64_t lost = 0;
  std::uint64_t unsynced_kept = 0;
};

class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(seed) {
    rig_.options.overlay_records = 5 + random_.below(40);
    rig_.options.batch_writes = 1 + random_.below(8);
    rig_.open();
  }

  void live() {
    for (int crash = 0; crash < crashes_a_life; ++crash) {
      const auto steps = random_.below(steps_most);
      for (std::uint64_t step = 0; step < steps; ++step) act();
      crash_and_compare();
    }
  }

  Seen seen;

 private:
  void act() {
    switch (random_.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return append();
      case 4:
        return rig_.store->request_sync();
      case 5:
        return rig_.store->flush();
      case 6:
      case 7:
        rig_.commit.run();
        return;
      case 8:
        rig_.commit.tell();
        return;
      case 9:
        rig_.checkpoint.run();
        return;
      case 10:
        rig_.checkpoint.tell();
        return;
      default:
        return rig_.timers.advance(std::chrono::milliseconds(random_.below(200)));
    }
  }

  void append() {
    std::vector<Write> writes;
    std::set<Bytes> taken;
    const auto count = 1 + random_.below(3);
    for (std::uint64_t i = 0; i < count; ++i) {
      auto write = draw();
      // one write of a batch does not see the other's leaf hash
      if (taken.insert(write.key).second) writes.push_back(std::move(write));
    }
    auto& changes = appends_.emplace_back();
    for (const auto& write : writes) changes.push_back({write.space, write.key, write.value});
    const auto position = rig_.store->append(writes);
    REQUIRE(position);
    REQUIRE(position->value == appends_.size());
  }

  Write draw() {
    const auto number = random_.below(keys);
    if (random_.chance(0.2)) {
      Write write{.space = Space::hints, .key = "hint " + std::to_string(number)};
      if (random_.chance(0.7)) write.value = std::to_string(random_.next());
      return write;
    }
    if (random_.chance(0.25)) return record_write(*rig_.store, number, std::nullopt);
    // now and then one that no segment holds
    const auto size = random_.chance(0.02) ? 6000 : random_.below(300);
    return record_write(*rig_.store, number, std::pair(++version_, std::string(size, 'v')));
  }

  void crash_and_compare() {
    seen.checkpoints += rig_.store->status().checkpoints;
    const auto written = rig_.store->written();
    const auto synced = rig_.store->synced();
    const bool loses_power = random_.chance(0.7);
    if (loses_power) {
      const double kept[] = {0.0, 0.5, 0.95};
      rig_.lose_power(random_, kept[random_.below(3)]);
    } else {
      rig_.kill();
    }
    rig_.open();
    const auto last = rig_.store->last();
    CHECK(last >= synced);
    if (!loses_power) CHECK(last >= written);
    REQUIRE(last.value <= appends_.size());
    CHECK(rig_.store->status().damaged.empty());
    if (last.value < appends_.size()) seen.lost += 1;
    if (loses_power && last > synced) seen.unsynced_kept += 1;
    appends_.resize(last.value);
    compare(Space::records);
    compare(Space::hints);
    check_trees(*rig_.store);
  }

  void compare(Space space) {
    std::map<Bytes, Bytes> expected;
    for (const auto& changes : appends_) {
      for (const auto& change : changes) {
        if (change.space != space) continue;
        if (change.value) {
          expected[change.key] = *change.value;
        } else {
          expected.erase(change.key);
        }
      }
    }
    CHECK(everything(*rig_.store, space) == expected);
  }

  Random random_;
  Rig rig_;
  std::vector<std::vector<Change>> appends_;
  std::uint64_t version_ = 0;
};

}  // namespace

TEST_CASE("whatever crashes when, what was synced is there and what is there is a prefix") {
  // COTERIE_TEST_SEED=n runs one life
  const char* one = std::getenv("COTERIE_TEST_SEED");
  const std::uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
  const std::uint64_t count = one != nullptr ? 1 : lives;
  Seen all;
  for (auto seed = first; seed < first + count; ++seed) {
    CAPTURE(seed);
    Life life(seed);
    life.live();
    all.checkpoints += life.seen.checkpoints;
    all.lost += life.seen.lost;
    all.unsynced_kept += life.seen.unsynced_kept;
  }
  if (one != nullptr) return;
  CHECK(all.checkpoints > lives);
  CHECK(all.lost > lives);
  CHECK(all.unsynced_kept > lives / 2);
}

}  // namespace coterie
