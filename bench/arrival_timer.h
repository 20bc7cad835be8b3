#pragma once

#include <functional>
#include <memory>

#include "base/env/uv_loop.h"
#include "base/instant.h"

namespace coterie::bench {

/// A timer finer than the loop's own, which counts milliseconds: a schedule of arrivals needs
/// microseconds. Destroyed before its loop, not from within its callback.
class ArrivalTimer {
 public:
  ArrivalTimer(UvLoop& loop, std::move_only_function<void()> callback);
  ArrivalTimer(const ArrivalTimer&) = delete;
  ArrivalTimer& operator=(const ArrivalTimer&) = delete;
  ~ArrivalTimer();

  /// Calls back once, at `at` or as soon as it is past; replaces what was armed before.
  void arm(Instant at);

 private:
  struct State;
  State* state_;  // freed by its handle's close callback, as libuv wants it
};

}  // namespace coterie::bench
