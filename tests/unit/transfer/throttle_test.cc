#include "node/transfer/throttle.h"

#include <doctest/doctest.h>

using namespace coterie;
using namespace std::chrono_literals;

namespace {

constexpr Instant start{1h};

}  // namespace

TEST_CASE("a throttle lets a burst go at once and then holds the rate") {
  transfer::Throttle throttle(1000, 500);
  CHECK(throttle.take(start, 500) == start);
  CHECK(throttle.ready(start) == start);
  CHECK(throttle.take(start, 100) == start);
  CHECK(throttle.take(start, 100) == start + 100ms);
  CHECK(throttle.ready(start) == start + 200ms);
  CHECK(throttle.ready(start + 1s) == start + 1s);
}

TEST_CASE("a pause earns a burst and no more") {
  transfer::Throttle throttle(1000, 500);
  (void)throttle.take(start, 500);
  const Instant later = start + 10s;
  CHECK(throttle.take(later, 500) == later);
  CHECK(throttle.take(later, 1) == later);
  CHECK(throttle.ready(later) == later + 1ms);
}

TEST_CASE("what is larger than the burst goes, and is waited for afterwards") {
  transfer::Throttle throttle(1000, 10);
  CHECK(throttle.take(start, 5000) == start);
  CHECK(throttle.ready(start) == start + 4990ms);
  CHECK(transfer::Throttle(1, 0).take(start, std::uint64_t{1} << 32) == start);
}

TEST_CASE("over a long time exactly the rate goes") {
  transfer::Throttle throttle(3'000'000, 1 << 16);
  Instant now = start;
  std::uint64_t bytes = 0;
  while (now < start + 60s) {
    now = throttle.ready(now);
    (void)throttle.take(now, 777);
    bytes += 777;
  }
  CHECK(bytes >= 180'000'000);
  CHECK(bytes <= 180'000'000 + (1 << 16) + 2 * 777);
}
