#include "bench/arrivals.h"

#include <cmath>

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::bench;
using namespace std::chrono_literals;

namespace {

constexpr Instant from{1000s};
constexpr int many = 200'000;

}  // namespace

TEST_CASE("fixed arrivals keep their rate exactly and begin at once") {
  Arrivals arrivals(Arrivals::Process::fixed, 3000, from, Random(1));
  CHECK(arrivals.next() == from);
  for (int i = 0; i < 3 * many; ++i) arrivals.advance();
  const auto expected = from + std::chrono::seconds(many / 1000);
  CHECK(std::abs((arrivals.next() - expected).count()) < 100'000);
}

TEST_CASE("Poisson arrivals have the rate and the spread of their kind") {
  constexpr double rate = 5000;
  Arrivals arrivals(Arrivals::Process::poisson, rate, from, Random(1));
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < many; ++i) {
    const Instant before = arrivals.next();
    arrivals.advance();
    const double gap = std::chrono::duration<double>(arrivals.next() - before).count();
    REQUIRE(gap >= 0);
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / many;
  const double deviation = std::sqrt(squares / many - mean * mean);
  CHECK(mean == doctest::Approx(1 / rate).epsilon(0.02));
  // Of an exponential distribution, the mean itself.
  CHECK(deviation == doctest::Approx(mean).epsilon(0.02));
}
