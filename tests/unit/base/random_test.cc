#include "base/random.h"

#include <doctest/doctest.h>

#include <array>

using coterie::Random;

TEST_CASE("a seed gives the same draws on every platform") {
  // From the reference implementations of splitmix64 and xoshiro256**, seed 1.
  Random random(1);
  const std::array<std::uint64_t, 3> first = {random.next(), random.next(), random.next()};
  Random again(1);
  for (const std::uint64_t draw : first) CHECK(again.next() == draw);
  CHECK(first[0] == 0xb3f2af6d0fc710c5ULL);
  CHECK(first[1] == 0x853b559647364ceaULL);
}

TEST_CASE("draws below a bound reach all of it and nothing else") {
  Random random(7);
  std::array<int, 10> seen{};
  for (int i = 0; i < 10000; ++i) ++seen.at(random.below(10));
  for (const int count : seen) CHECK(count > 800);
}
