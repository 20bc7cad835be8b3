#pragma once

#include <cstdint>
#include <functional>

#include "base/ids.h"
#include "base/instant.h"

namespace coterie {

using TimerId = Id<struct TimerTag, std::uint64_t>;

/// One-shot timers of one event loop. All calls and callbacks on that loop's thread.
class Timers {
 public:
  virtual ~Timers() = default;
  /// Calls `callback` once, on the loop, not before `after` has passed and never from within
  /// start(). Timers due at the same instant fire in the order they were started.
  virtual TimerId start(Duration after, std::move_only_function<void()> callback) = 0;
  /// The callback will not be called; nothing if it already was.
  virtual void cancel(TimerId id) = 0;
};

}  // namespace coterie
