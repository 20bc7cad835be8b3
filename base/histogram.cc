#include "base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace coterie {

std::size_t Histogram::bucket_of(std::uint64_t ns) {
  constexpr std::uint64_t linear = 1U << linear_bits;
  if (ns < linear) return ns;
  const int shift = static_cast<int>(std::bit_width(ns)) - 1 - linear_bits;
  const std::size_t bucket =
      (static_cast<std::size_t>(shift) + 1) * linear + ((ns >> shift) - linear);
  return std::min(bucket, buckets - 1);
}

std::uint64_t Histogram::upper_end(std::size_t bucket) {
  constexpr std::uint64_t linear = 1U << linear_bits;
  if (bucket < linear) return bucket;
  const std::size_t shift = bucket / linear - 1;
  return ((bucket % linear + linear + 1) << shift) - 1;
}

void Histogram::add(Duration duration) {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
  ++counts_[bucket_of(ns)];
  ++count_;
  sum_ns_ += ns;
  greatest_ = std::max(greatest_, duration);
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  greatest_ = std::max(greatest_, other.greatest_);
}

Duration Histogram::at(double quantile) const {
  if (count_ == 0) return Duration{0};
  const auto rank = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i + 1 < buckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) {
      return std::min(Duration{static_cast<std::int64_t>(upper_end(i))}, greatest_);
    }
  }
  return greatest_;
}

std::uint64_t Histogram::count_within(Duration bound) const {
  if (bound >= greatest_) return count_;
  std::uint64_t within = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    if (upper_end(i) > static_cast<std::uint64_t>(std::max<std::int64_t>(0, bound.count()))) break;
    within += counts_[i];
  }
  return within;
}

Duration Histogram::mean() const {
  return count_ == 0 ? Duration{0} : Duration{static_cast<std::int64_t>(sum_ns_ / count_)};
}

}  // namespace coterie
