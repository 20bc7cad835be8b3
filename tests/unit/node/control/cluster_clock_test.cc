#include "node/control/cluster_clock.h"

#include <doctest/doctest.h>

#include <chrono>
#include <vector>

#include "base/hlc.h"
#include "base/limits.h"
#include "node/clamped_clock.h"

using namespace coterie;
using namespace std::chrono_literals;

namespace {

constexpr Duration bound = limits::max_clock_skew;
const Instant start{100s};

/// The time that all would show were nobody wrong.
WallTime true_time(Instant now) {
  return WallTime(std::chrono::floor<std::chrono::milliseconds>(480'000h + now.time_since_epoch()));
}

std::vector<gossip::ClockReading> peers(const std::vector<Duration>& wrong_by) {
  std::vector<gossip::ClockReading> out;
  for (std::size_t i = 0; i < wrong_by.size(); ++i) {
    out.push_back(
        {.node = NodeId{.high = 0, .low = i + 1}, .base = 480'000h + wrong_by[i], .error = 1ms});
  }
  return out;
}

/// By how much the wall clock of a node is wrong after it has been held to the bounds.
std::chrono::milliseconds left_of(const ClusterClock& clock, Instant now,
                                  std::chrono::milliseconds wrong_by) {
  const WallTime wall = true_time(now) + wrong_by;
  return (clock.bounds() ? clock.bounds()->clamp(now, wall) : wall) - true_time(now);
}

std::chrono::milliseconds clamped(std::chrono::milliseconds own,
                                  const std::vector<Duration>& others) {
  ClusterClock clock;
  clock.judge(start, true_time(start) + own, peers(others));
  return left_of(clock, start, own);
}

class HandClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return time; }
  [[nodiscard]] WallTime wall_now() const override { return true_time(time) + wrong_by; }

  Instant time = start;
  std::chrono::milliseconds wrong_by{0};
};

}  // namespace

TEST_CASE("a clock is believed up to 500 ms from the median, and held there beyond") {
  for (const auto sign : {1, -1}) {
    CHECK(clamped(sign * 499ms, {0ms, 0ms}) == sign * 499ms);
    CHECK(clamped(sign * 500ms, {0ms, 0ms}) == sign * 500ms);
    CHECK(clamped(sign * 501ms, {0ms, 0ms}) == sign * 500ms);
    CHECK(clamped(sign * 1h, {0ms, 0ms}) == sign * 500ms);
  }
}

TEST_CASE("one wrong clock of three moves nobody but its own node") {
  for (const auto sign : {1, -1}) {
    CHECK(clamped(0ms, {sign * 1h, 0ms}) == 0ms);
    CHECK(clamped(0ms, {0ms, sign * 1h}) == 0ms);
    CHECK(clamped(sign * 1h, {0ms, 0ms}) == sign * 500ms);
  }
  // All but one: whoever is alone is held to the others, right or not.
  CHECK(clamped(0ms, {1h, 1h}) == 1h - 500ms);
}

TEST_CASE("of an even number the median is what lies between the middle two") {
  CHECK(clamped(1h, {0ms, 0ms, 300ms}) == 800ms);
  CHECK(clamped(-1h, {0ms, 0ms, 300ms}) == -500ms);
  CHECK(clamped(-1h, {0ms, 300ms, 300ms}) == -500ms);
  // Apart by the bound they agree still; by more, nobody can tell who is right.
  CHECK(clamped(500ms, {0ms}) == 500ms);
  CHECK(clamped(501ms, {0ms}) == 501ms);
  CHECK(clamped(1h, {0ms, 0ms, 1h}) == 1h);
  CHECK(clamped(1h, {0ms, 0ms, 0ms}) == 500ms);
}

TEST_CASE("alone, a clock is its own") {
  CHECK(clamped(1h, {}) == 1h);
  ClusterClock clock;
  const auto status = clock.status(start, true_time(start) + 1h, {});
  CHECK(status.ahead == 0ns);
  CHECK(status.clamped_by == 0ns);
  CHECK_FALSE(status.disputed_by);
}

TEST_CASE("a clock that is set while the node runs is held at once, by what was read before") {
  ClusterClock clock;
  CHECK(clock.judge(start, true_time(start), peers({0ms})));
  const Instant later = start + 20s;
  CHECK(left_of(clock, later, 1h) == 500ms);
  // Two clocks disagree now: it stays as it was, and so when nobody is heard any more.
  CHECK_FALSE(clock.judge(later, true_time(later) + 1h, peers({0ms})));
  CHECK(left_of(clock, later, 1h) == 500ms);
  CHECK_FALSE(clock.judge(later, true_time(later) + 1h, {}));
  CHECK(left_of(clock, later, 1h) == 500ms);
  const auto status = clock.status(later, true_time(later) + 1h, peers({0ms}));
  CHECK(status.disputed_by == 1h);
  CHECK(status.clamped_by == 1h - bound);
  // The other follows: both were set right.
  CHECK(clock.judge(later, true_time(later) + 1h, peers({1h})));
  CHECK(left_of(clock, later, 1h) == 1h);
}

TEST_CASE("the shards hear of steps, not of every jitter") {
  ClusterClock clock;
  CHECK(clock.judge(start, true_time(start), peers({0ms, 0ms})));
  CHECK_FALSE(clock.judge(start, true_time(start), peers({9ms, 9ms})));
  CHECK(clock.judge(start, true_time(start), peers({10ms, 10ms})));
}

TEST_CASE("status says how far each clock is ahead of this node's, and this one of the median") {
  ClusterClock clock;
  const WallTime wall = true_time(start) + 2s;
  clock.judge(start, wall, peers({0ms, 100ms}));
  const auto status = clock.status(start, wall, peers({0ms, 100ms}));
  CHECK(status.ahead == 1900ms);
  CHECK(status.clamped_by == 1400ms);
  REQUIRE(status.peers.size() == 2);
  CHECK(status.peers[0].ahead == -2s);
  CHECK(status.peers[1].ahead == -1900ms);
  CHECK(status.peers[1].error == 1ms);
}

TEST_CASE("timestamps rise while the clock is set to and fro and the median moves") {
  HandClock own;
  ClampedClock clock(own);
  ClusterClock judge;
  HybridClock hybrid;
  Timestamp last = hybrid.make(clock.wall_now());
  const std::vector<std::chrono::milliseconds> wrongs = {0ms, 1h, -1h, 400ms, -1h, 2h, 0ms};
  for (const auto wrong : wrongs) {
    for (const auto median : {0ms, 200ms, -3000ms, 0ms}) {
      own.wrong_by = wrong;
      own.time += 1s;
      judge.judge(own.time, own.wall_now(), peers({median, median}));
      clock.set_bounds(judge.bounds());
      const Timestamp made = hybrid.make(clock.wall_now());
      CHECK(made > last);
      // Never above the bound of the greatest median so far.
      CHECK(made.wall_ms() <=
            static_cast<std::uint64_t>((true_time(own.time) + 700ms).time_since_epoch().count()));
      last = made;
    }
  }
  CHECK(clock.readings_clamped() > 0);
}
