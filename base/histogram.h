#pragma once

#include <array>
#include <cstdint>

#include "base/instant.h"

namespace coterie {

/// Counts of durations in buckets of 1/32 relative width (log-linear, as HdrHistogram's), from 1 ns
/// to 4 hours. Fixed memory; adding histograms loses nothing.
class Histogram {
 public:
  void add(Duration duration);
  void add(const Histogram& other);
  void clear() { *this = Histogram{}; }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// The duration that a `quantile` (0 to 1) of all stay at or below; 0 if there are none. At most
  /// 1/32 above the true one.
  [[nodiscard]] Duration at(double quantile) const;
  [[nodiscard]] Duration mean() const;
  [[nodiscard]] Duration sum() const { return Duration{static_cast<std::int64_t>(sum_ns_)}; }
  /// How many stay at or below `bound`; at most those 1/32 below it are missed.
  [[nodiscard]] std::uint64_t count_within(Duration bound) const;
  [[nodiscard]] Duration greatest() const { return greatest_; }

 private:
  static constexpr int linear_bits = 5;
  static constexpr std::size_t buckets = 40 * (1U << linear_bits);

  static std::size_t bucket_of(std::uint64_t ns);
  static std::uint64_t upper_end(std::size_t bucket);

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ns_ = 0;
  Duration greatest_{0};
};

}  // namespace coterie
