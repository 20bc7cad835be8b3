#include "tests/sim/env/worker.h"

#include <algorithm>
#include <utility>

namespace coterie::sim {

SimWorker::~SimWorker() {
  world_.cancel(event_);
  if (world_.is_over(life_)) return;
  for (Job& job : jobs_) {
    if (job.work) job.work();
  }
}

void SimWorker::submit(std::move_only_function<void()> work, std::move_only_function<void()> done) {
  jobs_.push_back({std::move(work), std::move(done)});
  if (jobs_.size() == 1) begin_next();
}

void SimWorker::begin_next() {
  const Faults& faults = world_.faults(life_.node);
  const Duration wait = draw(random_, faults.work_least, faults.work_most);
  const Duration stall = faults.work_stalled_until - world_.now();
  event_ = world_.schedule(life_, std::max(wait, stall), "work", [this] { run_front(); });
}

void SimWorker::run_front() {
  if (world_.faults(life_.node).work_stalled_until > world_.now()) {
    begin_next();
    return;
  }
  disk_.begin_work();
  std::exchange(jobs_.front().work, nullptr)();
  const Duration time = disk_.end_work();
  event_ = world_.schedule(life_, time, "work done", [this] { finish_front(); });
}

void SimWorker::finish_front() {
  auto done = std::move(jobs_.front().done);
  jobs_.pop_front();
  if (!jobs_.empty()) begin_next();
  done();  // last: it may destroy this
}

}  // namespace coterie::sim
