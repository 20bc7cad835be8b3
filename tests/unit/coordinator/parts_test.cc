#include "node/coordinator/parts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/random.h"
#include "node/coordinator/latency_tracker.h"
#include "node/coordinator/peer_load.h"
#include "node/coordinator/request_memory.h"
#include "node/coordinator/slab.h"
#include "node/coordinator/timer_wheel.h"

using namespace coterie;
using namespace coterie::coordinator;
using namespace std::chrono_literals;

TEST_CASE("timers come up in order, never early, at most a tick late") {
  Random random(1);
  TimerWheel wheel;
  CHECK_FALSE(wheel.next().has_value());
  std::map<std::uint64_t, Instant> waiting;
  Instant now(5s);
  std::vector<Tag> due;
  for (std::uint64_t tag = 1; tag <= 5000; ++tag) {
    // mostly soon, some beyond the wheel's eight seconds, some past
    const auto ahead = random.chance(0.1) ? random.below(60'000'000) : random.below(50'000);
    const Instant when = now + std::chrono::microseconds(ahead) - 1ms;
    wheel.add(when, Tag{tag});
    waiting[tag] = when;
    if (random.chance(0.5)) now += std::chrono::microseconds(random.below(20'000));
    wheel.advance(now, due);
    for (const Tag up : due) {
      REQUIRE(waiting.contains(up.value));
      CHECK(waiting[up.value] <= now);
      waiting.erase(up.value);
    }
    due.clear();
    for (const auto& [other, time] : waiting) REQUIRE(time > now - 2ms);
  }
  while (!waiting.empty()) {
    REQUIRE(wheel.next().has_value());
    now = std::max(now, *wheel.next());
    wheel.advance(now, due);
    for (const Tag up : due) {
      CHECK(waiting.at(up.value) <= now);
      waiting.erase(up.value);
    }
    due.clear();
  }
  CHECK_FALSE(wheel.next().has_value());
}

TEST_CASE("a wheel that stood still for hours goes on") {
  TimerWheel wheel;
  std::vector<Tag> due;
  wheel.advance(Instant(1h), due);
  wheel.add(Instant(1h + 3ms), Tag{1});
  wheel.add(Instant(3h), Tag{2});
  CHECK(*wheel.next() == Instant(1h + 3ms));
  wheel.advance(Instant(2h), due);
  CHECK(due == std::vector{Tag{1}});
  wheel.advance(Instant(4h), due);
  CHECK(due == std::vector{Tag{1}, Tag{2}});
}

TEST_CASE("a wheel that is first turned long after its zero keeps the order of ticks") {
  TimerWheel wheel;
  std::vector<Tag> due;
  wheel.add(Instant(1h + 20s), Tag{4});
  wheel.add(Instant(1h + 2ms), Tag{2});
  wheel.add(Instant(1h + 1ms), Tag{1});
  wheel.add(Instant(1h + 2ms), Tag{3});
  wheel.advance(Instant(1h), due);
  CHECK(due.empty());
  CHECK(*wheel.next() == Instant(1h + 1ms));
  wheel.advance(Instant(1h + 5ms), due);
  CHECK(due == std::vector{Tag{1}, Tag{2}, Tag{3}});
  wheel.advance(Instant(1h + 30s), due);
  CHECK(due.back() == Tag{4});
}

TEST_CASE("a slot's tags are of one use only, and no more are taken than may be") {
  struct Value {
    int resets = 0;
    void reset() { ++resets; }
  };
  Slab<Value> slab;
  const std::uint64_t first = *slab.take(2);
  const std::uint64_t second = *slab.take(2);
  CHECK_FALSE(slab.take(2).has_value());
  CHECK(slab.find(first) != slab.find(second));
  slab.release(first);
  CHECK(slab.find(first) == nullptr);
  const std::uint64_t third = *slab.take(2);
  CHECK(third != first);
  CHECK(slab.find(first) == nullptr);
  CHECK(slab.find(third)->resets == 2);
  CHECK(slab.find(third + 1000) == nullptr);
  CHECK(slab.size() == 2);
  CHECK(split(make_tag(
                  {.operation = third, .kind = Kind::scan, .purpose = Purpose::hedge, .owner = 6}))
            .operation == third);
  const TagParts parts = split(
      make_tag({.operation = third, .kind = Kind::scan, .purpose = Purpose::hedge, .owner = 6}));
  CHECK(parts.kind == Kind::scan);
  CHECK(parts.purpose == Purpose::hedge);
  CHECK(parts.owner == 6);
}

TEST_CASE("requests are remembered as a map with a bound would") {
  Random random(2);
  RequestMemory memory(100);
  std::vector<RequestMemory::Entry> model;
  Instant now(1s);
  for (int step = 0; step < 20'000; ++step) {
    now += std::chrono::milliseconds(random.below(20));
    // few bits, so that ids meet again and share places of the index
    const RequestId id{.high = random.below(4), .low = random.below(200)};
    std::erase_if(model, [&](const auto& entry) { return entry.until <= now; });
    const auto known = std::ranges::find(model, id, &RequestMemory::Entry::id);
    RequestMemory::Entry* found = memory.find(id, now);
    REQUIRE((found != nullptr) == (known != model.end()));
    REQUIRE(memory.size() == model.size());
    if (found != nullptr) {
      REQUIRE(found->key_hash == known->key_hash);
      continue;
    }
    const RequestMemory::Entry entry{.id = id, .key_hash = random.next(), .until = now + 1500ms};
    memory.add(entry);
    if (model.size() == 100) model.erase(model.begin());
    model.push_back(entry);
  }
}

TEST_CASE("the 95th percentile is within a sixth, and follows what changes") {
  LatencyTracker tracker;
  CHECK(tracker.p95() == LatencyTracker::unknown);
  for (int i = 0; i < 2000; ++i) tracker.add(std::chrono::microseconds(i % 100 < 90 ? 200 : 3000));
  CHECK(tracker.p95() >= 3000us);
  CHECK(tracker.p95() <= 3500us);
  for (int i = 0; i < 20'000; ++i) tracker.add(std::chrono::microseconds(100 + i % 100));
  CHECK(tracker.p95() >= 190us);
  CHECK(tracker.p95() <= 232us);
  for (int i = 0; i < 20'000; ++i) tracker.add(1h);
  CHECK(tracker.p95() > 1min);
}

TEST_CASE("hedges are a twentieth of the reads, a few at once") {
  HedgeBudget budget;
  CHECK_FALSE(budget.spend());
  for (int i = 0; i < 20; ++i) budget.earn();
  CHECK(budget.spend());
  CHECK_FALSE(budget.spend());
  for (int i = 0; i < 10'000; ++i) budget.earn();
  int hedges = 0;
  while (budget.spend()) ++hedges;
  CHECK(hedges == 10);
}

TEST_CASE("outstanding requests are counted a peer") {
  PeerLoad load;
  const NodeId a{.high = 1, .low = 1};
  const NodeId b{.high = 0, .low = 2};
  load.sent(a);
  load.sent(b);
  load.sent(a);
  load.settled(a);
  CHECK(load.outstanding(a) == 1);
  CHECK(load.outstanding(b) == 1);
  CHECK(load.outstanding(NodeId{.high = 9, .low = 9}) == 0);
}

TEST_CASE("quorums by number and by name") {
  const auto resolved = [](std::uint8_t asked, std::size_t owners) {
    return resolve({asked}, 2, owners).value_or(0);
  };
  CHECK(resolved(wire::Quorum::bucket_default, 3) == 2);
  CHECK(resolved(wire::Quorum::quorum, 3) == 2);
  CHECK(resolved(wire::Quorum::quorum, 4) == 3);
  CHECK(resolved(wire::Quorum::all, 5) == 5);
  CHECK(resolved(3, 3) == 3);
  CHECK(resolve({4}, 2, 3).error().code == ErrorCode::invalid_argument);
}
