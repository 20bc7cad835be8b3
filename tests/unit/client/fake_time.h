#pragma once

#include <map>
#include <utility>

#include "base/env/clock.h"
#include "base/env/timers.h"

namespace coterie::client_tests {

/// Virtual time: a clock and timers that move only when told to.
class FakeTime final : public Clock, public Timers {
 public:
  [[nodiscard]] Instant now() const override { return now_; }
  [[nodiscard]] WallTime wall_now() const override { return {}; }

  TimerId start(Duration after, std::move_only_function<void()> callback) override {
    const TimerId id{++last_};
    timers_.emplace(std::pair{now_ + after, id}, std::move(callback));
    places_.emplace(id, now_ + after);
    return id;
  }
  void cancel(TimerId id) override {
    const auto place = places_.find(id);
    if (place == places_.end()) return;
    timers_.erase({place->second, id});
    places_.erase(place);
  }

  /// Runs what is due until `time` has passed.
  void pass(Duration time) {
    const Instant end = now_ + time;
    while (!timers_.empty() && timers_.begin()->first.first <= end) step();
    now_ = end;
  }
  /// Runs until `done`; false if that is not so after `at_most`.
  template <class Done>
  bool run_until(Done done, Duration at_most = std::chrono::minutes(2)) {
    const Instant end = now_ + at_most;
    while (!done()) {
      if (timers_.empty() || timers_.begin()->first.first > end) return false;
      step();
    }
    return true;
  }

 private:
  void step() {
    auto first = timers_.extract(timers_.begin());
    now_ = std::max(now_, first.key().first);
    places_.erase(first.key().second);
    first.mapped()();
  }

  Instant now_{std::chrono::hours(1)};
  std::uint64_t last_ = 0;
  std::map<std::pair<Instant, TimerId>, std::move_only_function<void()>> timers_;
  std::map<TimerId, Instant> places_;
};

}  // namespace coterie::client_tests
