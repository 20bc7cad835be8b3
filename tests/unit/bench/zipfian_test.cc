#include "bench/zipfian.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

namespace coterie::zipfian_test {

using namespace coterie::bench;

namespace {

constexpr int draws = 400'000;

std::vector<int> counts(std::size_t items, auto next) {
  Random random(7);
  std::vector<int> out(items);
  for (int i = 0; i < draws; ++i) ++out.at(next(random));
  return out;
}

/// Five standard deviations of a count with this expectation.
double tolerance(double expected) {
  return 5 * std::sqrt(expected) + 1;
}

}  // namespace

TEST_CASE("zipfian numbers have the frequencies of their ranks") {
  constexpr std::size_t items = 1000;
  const Zipfian zipfian(items);
  const auto seen = counts(items, [&](Random& random) { return zipfian.next(random); });
  const auto expected = [&](std::size_t rank) {
    return draws / std::pow(static_cast<double>(rank + 1), zipfian_theta) / zipfian.zeta();
  };
  // The two most frequent are exact; the others are drawn from a curve near the shares (ranks 2
  // and 3 come 14 % too often, which is YCSB's way).
  for (const std::size_t rank : {0U, 1U}) {
    CHECK(std::abs(seen[rank] - expected(rank)) < tolerance(expected(rank)));
  }
  for (std::size_t rank = 2; rank < items; rank *= 2) {
    double sum = 0;
    double sum_expected = 0;
    for (std::size_t i = rank; i < std::min(2 * rank, items); ++i) {
      sum += seen[i];
      sum_expected += expected(i);
    }
    CAPTURE(rank);
    CHECK(sum == doctest::Approx(sum_expected).epsilon(0.2));
  }
}

TEST_CASE("zipfian over one and two items draws only these") {
  const Zipfian one(1);
  const Zipfian two(2);
  CHECK(counts(1, [&](Random& random) { return one.next(random); })[0] == draws);
  const auto seen = counts(2, [&](Random& random) { return two.next(random); });
  const double expected = draws / two.zeta();
  CHECK(std::abs(seen[0] - expected) < tolerance(expected));
}

TEST_CASE("a zipfian that has grown is the one made so large") {
  Zipfian grown(10);
  grown.grow(5000);
  grown.grow(20);
  const Zipfian made(5000);
  CHECK(grown.items() == 5000);
  CHECK(grown.zeta() == doctest::Approx(made.zeta()).epsilon(1e-12));
}

TEST_CASE("the scrambled zipfian gives each rank its share, wherever it lies") {
  constexpr std::size_t items = 100'000;
  const ScrambledZipfian zipfian(items);
  const auto seen = counts(items, [&](Random& random) { return zipfian.next(random); });
  for (const std::uint64_t rank : {0U, 1U}) {
    const double expected = draws * zipfian.share(rank);
    // Rare ranks fall on the same item too: their part of 1 / items each.
    const double others = draws / static_cast<double>(items);
    const double count = seen[zipfian.item_of(rank)];
    CHECK(count > expected - tolerance(expected));
    CHECK(count < expected + tolerance(expected) + 3 * others);
  }
  CHECK(zipfian.share(0) == doctest::Approx(1 / 26.46902820178302));
}

TEST_CASE("the same seed draws the same items") {
  const ScrambledZipfian zipfian(1000);
  Random one(3);
  Random other(3);
  for (int i = 0; i < 1000; ++i) CHECK(zipfian.next(one) == zipfian.next(other));
}

}  // namespace coterie::zipfian_test
