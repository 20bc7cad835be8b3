#include "base/hlc.h"

#include <doctest/doctest.h>

#include "base/limits.h"

using coterie::HybridClock;
using coterie::Timestamp;
using coterie::WallTime;
using namespace std::chrono_literals;

TEST_CASE("timestamps rise while the wall clock stands or falls") {
  HybridClock clock;
  const WallTime now{1000ms};
  const Timestamp first = clock.make(now);
  const Timestamp second = clock.make(now);
  const Timestamp third = clock.make(now - 500ms);
  CHECK(first.wall_ms() == 1000);
  CHECK(first < second);
  CHECK(second < third);
}

TEST_CASE("a floor is exceeded without dragging the clock along") {
  HybridClock clock;
  const WallTime now{1000ms};
  const Timestamp floor{(9'000'000ULL << 16)};
  CHECK(clock.make_above(now, floor) > floor);
  CHECK(clock.make(now) < floor);
}

TEST_CASE("a peer's timestamp is adopted up to the skew bound and no further") {
  HybridClock clock;
  const WallTime now{100'000ms};
  const auto at = [](WallTime time) {
    return Timestamp{static_cast<std::uint64_t>(time.time_since_epoch().count()) << 16};
  };
  CHECK(clock.observe(now, at(now + coterie::limits::max_clock_skew)));
  CHECK(clock.last() == at(now + coterie::limits::max_clock_skew));
  CHECK_FALSE(clock.observe(now, at(now + coterie::limits::max_clock_skew + 1ms)));
  CHECK(clock.last() == at(now + coterie::limits::max_clock_skew));
}
