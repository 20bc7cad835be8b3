#include "base/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

using coterie::Duration;
using coterie::Histogram;

TEST_CASE("an empty histogram has zeros") {
  const Histogram histogram;
  CHECK(histogram.at(0.99).count() == 0);
  CHECK(histogram.mean().count() == 0);
}

TEST_CASE("quantiles are within a bucket's width of the true ones") {
  coterie::Random random(3);
  Histogram histogram;
  std::vector<std::int64_t> all;
  for (int i = 0; i < 20000; ++i) {
    const auto ns = static_cast<std::int64_t>(random.below(1ULL << (5 + random.below(40))));
    all.push_back(ns);
    histogram.add(Duration{ns});
  }
  std::ranges::sort(all);
  for (const double quantile : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(quantile * 20000);
    const auto exact = static_cast<double>(all[std::max<std::size_t>(rank, 1) - 1]);
    const auto told = static_cast<double>(histogram.at(quantile).count());
    CAPTURE(quantile);
    CHECK(told >= exact);
    CHECK(told <= exact * (1 + 1.0 / 32) + 1);
  }
}

TEST_CASE("the longest durations fall into the last bucket and are not lost") {
  Histogram histogram;
  histogram.add(std::chrono::hours(1000));
  histogram.add(Duration{-5});
  CHECK(histogram.count() == 2);
  CHECK(histogram.at(1.0) == std::chrono::hours(1000));
}

TEST_CASE("sums of histograms are histograms of all") {
  Histogram a;
  Histogram b;
  a.add(Duration{10});
  b.add(Duration{30});
  a.add(b);
  CHECK(a.count() == 2);
  CHECK(a.mean() == Duration{20});
  CHECK(a.greatest() == Duration{30});
}
