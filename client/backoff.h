#pragma once

#include <algorithm>
#include <cstdint>

#include "base/instant.h"
#include "base/random.h"

namespace coterie::client {

/// Uniform in [0, most].
[[nodiscard]] inline Duration jitter(Random& random, Duration most) {
  if (most <= Duration::zero()) return Duration::zero();
  return Duration(
      static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most.count()) + 1)));
}

/// Pauses that double, each drawn from its upper half, so that clients that failed together do not
/// come back together.
struct Backoff {
  Duration least;
  Duration most;

  /// After the `failures`-th failure in a row, counted from 1.
  [[nodiscard]] Duration pause(std::uint32_t failures, Random& random) const {
    const std::uint32_t doublings = std::min(failures == 0 ? 0 : failures - 1, 20U);
    const Duration whole = std::min(least * (std::int64_t{1} << doublings), most);
    return whole / 2 + jitter(random, whole / 2);
  }
};

}  // namespace coterie::client
