#pragma once

#include <algorithm>
#include <chrono>

#include "base/instant.h"

namespace coterie {

/// Between which a wall clock is believed: where the monotonic clock stands at t, wall time lies
/// from `least` + t to `most` + t since 1970.
struct ClockBounds {
  Duration least{0};
  Duration most{0};

  bool operator==(const ClockBounds&) const = default;

  /// `wall`, or what of them is nearest to it.
  [[nodiscard]] WallTime clamp(Instant now, WallTime wall) const {
    const auto at = [now](Duration bound) {
      return WallTime(
          std::chrono::floor<std::chrono::milliseconds>(bound + now.time_since_epoch()));
    };
    return std::clamp(wall, at(least), at(most));
  }
};

}  // namespace coterie
