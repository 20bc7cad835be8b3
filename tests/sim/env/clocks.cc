#include "tests/sim/env/clocks.h"

#include <memory>

namespace coterie::sim {

WallTime SimClock::wall_now() const {
  constexpr WallTime begin = std::chrono::sys_days(std::chrono::year{2026} / 1 / 1);
  return begin + std::chrono::floor<std::chrono::milliseconds>(world_.now().time_since_epoch() +
                                                               world_.faults(node_).wall_skew);
}

SimTimers::~SimTimers() {
  for (const TimerId id : running_) world_.cancel(EventId{id.value});
}

TimerId SimTimers::start(Duration after, std::move_only_function<void()> callback) {
  // The event's own number is known only afterwards.
  auto id = std::make_shared<TimerId>();
  *id = TimerId{world_
                    .schedule(life_, after, "timer",
                              [this, id, callback = std::move(callback)]() mutable {
                                running_.erase(*id);
                                callback();
                              })
                    .value};
  running_.insert(*id);
  return *id;
}

void SimTimers::cancel(TimerId id) {
  if (running_.erase(id) != 0) world_.cancel(EventId{id.value});
}

SimMailbox::~SimMailbox() {
  for (const EventId id : waiting_) world_.cancel(id);
}

bool SimMailbox::post(std::move_only_function<void()> task) {
  if (waiting_.size() >= capacity_ || world_.is_over(life_)) return false;
  auto id = std::make_shared<EventId>();
  *id = world_.schedule(life_, Duration::zero(), "task",
                        [this, id, task = std::move(task)]() mutable {
                          waiting_.erase(*id);
                          task();
                        });
  waiting_.insert(*id);
  return true;
}

}  // namespace coterie::sim
