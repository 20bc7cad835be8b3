#pragma once

#include <array>
#include <cstdint>

#include "base/instant.h"

namespace coterie::coordinator {

/// The 95th percentile of recent latencies, within a sixth: counts by eighths of an octave of
/// microseconds, all halved now and then, so that the last few thousand samples rule.
class LatencyTracker {
 public:
  void add(Duration latency);
  /// Until enough is known: `unknown`.
  [[nodiscard]] Duration p95() const { return p95_; }

  static constexpr Duration unknown = std::chrono::milliseconds(20);

 private:
  static constexpr std::uint32_t steps_an_octave = 8;
  static constexpr std::uint32_t samples_most = 4096;
  static constexpr std::uint32_t samples_between = 64;  // until p95 is worked out again

  void work_out();

  std::array<std::uint32_t, 27 * steps_an_octave> counts_{};
  std::uint32_t total_ = 0;
  std::uint32_t since_ = 0;
  Duration p95_ = unknown;
};

/// How many hedges may be sent: a twentieth of the reads, saved up to a few.
class HedgeBudget {
 public:
  void earn() { twentieths_ = twentieths_ < most ? twentieths_ + 1 : most; }
  [[nodiscard]] bool spend() {
    if (twentieths_ < price) return false;
    twentieths_ -= price;
    return true;
  }

 private:
  static constexpr std::uint32_t price = 20;
  static constexpr std::uint32_t most = 10 * price;
  std::uint32_t twentieths_ = 0;
};

}  // namespace coterie::coordinator
