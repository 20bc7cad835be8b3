#pragma once

#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/env/worker.h"
#include "base/instant.h"

namespace coterie {

/// Timers, and the clock that they go by, whose time moves when a test says so.
class TimersByHand final : public Timers, public Clock {
 public:
  [[nodiscard]] Instant now() const override { return now_; }
  [[nodiscard]] WallTime wall_now() const override { return {}; }

  TimerId start(Duration after, std::move_only_function<void()> callback) override {
    const TimerId id{++last_id_};
    timers_.emplace(std::pair(now_ + after, id), std::move(callback));
    return id;
  }

  void cancel(TimerId id) override {
    std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  }

  /// Fires what is due within this time, in order.
  void advance(Duration by) {
    const auto until = now_ + by;
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      auto timer = timers_.extract(timers_.begin());
      now_ = std::max(now_, timer.key().first);
      timer.mapped()();
    }
    now_ = std::max(now_, until);
  }

  /// Time passes while something blocks: nothing fires.
  void block(Duration by) { now_ += by; }

  [[nodiscard]] bool is_due() const {
    return !timers_.empty() && timers_.begin()->first.first <= now_;
  }
  [[nodiscard]] std::size_t size() const { return timers_.size(); }

 private:
  Instant now_;
  std::uint64_t last_id_ = 0;
  std::map<std::pair<Instant, TimerId>, std::move_only_function<void()>> timers_;
};

/// A worker whose work, and whose news of it, happen when a test says so.
class WorkerByHand final : public Worker {
 public:
  void submit(std::move_only_function<void()> work, std::move_only_function<void()> done) override {
    to_run_.emplace_back(std::move(work), std::move(done));
  }

  /// Runs one piece of work; false if there is none.
  bool run() {
    if (to_run_.empty()) return false;
    auto [work, done] = std::move(to_run_.front());
    to_run_.pop_front();
    work();
    to_tell_.push_back(std::move(done));
    return true;
  }

  /// Tells the loop of one piece of work that has been run; false if there is none.
  bool tell() {
    if (to_tell_.empty()) return false;
    auto done = std::move(to_tell_.front());
    to_tell_.pop_front();
    done();
    return true;
  }

  /// What has not happened never will.
  void forget() {
    to_run_.clear();
    to_tell_.clear();
  }

 private:
  using Task = std::move_only_function<void()>;
  std::deque<std::pair<Task, Task>> to_run_;
  std::deque<Task> to_tell_;
};

}  // namespace coterie
