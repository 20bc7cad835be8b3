#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <utility>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/env/turns.h"

namespace coterie {

/// Stands until the test moves it.
class HandClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return time; }
  [[nodiscard]] WallTime wall_now() const override { return WallTime(std::chrono::hours(1)); }
  Instant time{std::chrono::hours(1)};
};

/// Turns that began as long ago as the test says.
class HandTurns final : public Turns {
 public:
  explicit HandTurns(const HandClock& clock) : clock_(clock) {}
  [[nodiscard]] Instant began() const override { return clock_.now() - waited; }
  [[nodiscard]] Instant waits_since() const override { return clock_.now() - waited_at_most; }
  Duration waited{0};
  Duration waited_at_most{0};

 private:
  const HandClock& clock_;
};

/// Timers of a HandClock, which advance() moves.
class HandTimers final : public Timers {
 public:
  explicit HandTimers(HandClock& clock) : clock_(clock) {}
  TimerId start(Duration after, std::move_only_function<void()> callback) override {
    const TimerId id{++last_};
    waiting_.emplace(std::pair(clock_.now() + after, id), std::move(callback));
    return id;
  }
  void cancel(TimerId id) override {
    std::erase_if(waiting_, [id](const auto& entry) { return entry.first.second == id; });
  }
  void advance(Duration by) {
    const Instant end = clock_.time + by;
    while (!waiting_.empty() && waiting_.begin()->first.first <= end) {
      auto first = waiting_.extract(waiting_.begin());
      clock_.time = std::max(clock_.time, first.key().first);
      first.mapped()();
    }
    clock_.time = end;
  }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  HandClock& clock_;
  std::uint64_t last_ = 0;
  std::map<std::pair<Instant, TimerId>, std::move_only_function<void()>> waiting_;
};

}  // namespace coterie
