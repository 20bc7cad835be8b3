#pragma once

#include <functional>

namespace coterie {

/// One background thread beside one event loop, for what would block it: fsync, checkpoints.
class Worker {
 public:
  virtual ~Worker() = default;
  /// Runs `work` on the worker's thread after all submitted before it, then `done` on the loop.
  /// `work` and `done` share what they need by capture; the loop must not touch it in between.
  /// Called on the loop. The destructor waits for submitted work and drops its `done`.
  virtual void submit(std::move_only_function<void()> work,
                      std::move_only_function<void()> done) = 0;
};

}  // namespace coterie
