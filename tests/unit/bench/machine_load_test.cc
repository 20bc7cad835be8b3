#include "bench/machine_load.h"

#include <doctest/doctest.h>

using namespace coterie::bench;

TEST_CASE("the processors' times are read from what /proc says") {
  const auto times = parse_cpu_times("cpu  100 20 30 1000 5 6 7 8 0 0\ncpu0 1 2 3\n", 100);
  REQUIRE(times);
  CHECK(times->running == doctest::Approx(1.5));
  CHECK(times->stolen == doctest::Approx(0.08));
  CHECK(times->all == doctest::Approx(11.76));
  CHECK_FALSE(parse_cpu_times("", 100));
  CHECK_FALSE(parse_cpu_times("cpu  100 20 x", 100));
  CHECK_FALSE(parse_cpu_times("cpu0 1 2 3 4 5 6 7 8", 100));
  CHECK(cpu_times());
}

TEST_CASE("others disturb, ourselves do not") {
  const CpuTimes before{.running = 10, .stolen = 1, .all = 100};
  const CpuTimes after{.running = 16, .stolen = 1, .all = 108};
  const CpuTimes spent = after.since(before);
  CHECK(disturbance(spent, 6, 2).is_quiet());
  CHECK(disturbance(spent, 6.1, 2).others_cores == 0);
  CHECK(disturbance(spent, 4, 2).others_cores == doctest::Approx(1));
  CHECK_FALSE(disturbance(spent, 4, 2).is_quiet());
  CHECK_FALSE(disturbance({.running = 6, .stolen = 1, .all = 8}, 6, 2).is_quiet());
  CHECK(disturbance({}, 0, 0).is_quiet());
}
