#pragma once

#include <chrono>

namespace coterie {

using Duration = std::chrono::nanoseconds;

/// The tag of Instant. It has no now(): time is handed in (env/clock.h), never read.
struct MonotonicTime {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicTime, duration>;
  static constexpr bool is_steady = true;
};

/// A point on this process's monotonic clock; means nothing to another process.
using Instant = MonotonicTime::time_point;

/// A point on the wall clock, milliseconds since 1970 (UTC); may jump.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

}  // namespace coterie
