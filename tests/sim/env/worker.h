#pragma once

#include <deque>

#include "base/env/worker.h"
#include "tests/sim/env/file.h"

namespace coterie::sim {

/// Work runs whole at one later instant, and takes as long as its syncs on `disk` do; then `done`
/// comes. A crash in between leaves what was not synced to the disk's draw.
class SimWorker final : public Worker {
 public:
  SimWorker(SimWorld& world, NodeIndex node, SimFileSystem& disk)
      : world_(world), life_(world.life(node)), disk_(disk), random_(world.fork_random()) {}
  SimWorker(const SimWorker&) = delete;
  SimWorker& operator=(const SimWorker&) = delete;
  /// Runs what was submitted if its node lives; drops it if the node has crashed.
  ~SimWorker() override;

  void submit(std::move_only_function<void()> work, std::move_only_function<void()> done) override;

 private:
  struct Job {
    std::move_only_function<void()> work;
    std::move_only_function<void()> done;
  };

  void begin_next();
  void run_front();
  void finish_front();

  SimWorld& world_;
  Life life_;
  SimFileSystem& disk_;
  Random random_;
  std::deque<Job> jobs_;  // the front's work is null while its `done` is awaited
  EventId event_;         // the front's next step
};

}  // namespace coterie::sim
