#pragma once

#include <algorithm>
#include <cstddef>

#include "base/instant.h"

namespace coterie::client {

/// How many requests a link may have unanswered: about as many as its shard takes without refusing
/// some. A refusal halves what was under way, once a pause, and a window full of answers adds a
/// sixteenth (additive increase, multiplicative decrease: Chiu and Jain, 1989). Since what is
/// refused waits and goes out within a smaller window, trying it again does not multiply the load.
class Window {
 public:
  explicit Window(std::size_t most)
      : most_(static_cast<double>(most)), size_(static_cast<double>(most)) {}

  /// At least 1.
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(size_); }
  void on_answer() { size_ = std::min(most_, size_ + 1.0 / 16); }
  /// Of a request that was one of `under_way`. Until `pause` has passed, refusals are of what went
  /// out before this one.
  void on_refusal(std::size_t under_way, Instant now, Duration pause) {
    if (now < quiet_until_) return;
    quiet_until_ = now + pause;
    size_ = std::max(1.0, std::min(size_, static_cast<double>(under_way)) / 2);
  }

 private:
  double most_;
  double size_;
  Instant quiet_until_ = Instant::min();
};

}  // namespace coterie::client
