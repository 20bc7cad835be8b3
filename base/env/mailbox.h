#pragma once

#include <functional>

namespace coterie {

/// The bounded way into an event loop from other threads.
class Mailbox {
 public:
  virtual ~Mailbox() = default;
  /// Runs `task` on the loop, in the order posted by one thread. From any thread. False, and the
  /// task is dropped, when the queue is full or the loop has stopped.
  [[nodiscard]] virtual bool post(std::move_only_function<void()> task) = 0;
};

}  // namespace coterie
