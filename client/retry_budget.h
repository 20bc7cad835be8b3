#pragma once

#include <algorithm>

namespace coterie::client {

/// A token bucket that keeps retries to a share of the calls, so that clients do not multiply the
/// load of a cluster in trouble.
class RetryBudget {
 public:
  RetryBudget(double ratio, double burst) : ratio_(ratio), burst_(burst), tokens_(burst) {}

  void on_call() { tokens_ = std::min(burst_, tokens_ + ratio_); }
  /// False, and nothing is taken, when a retry would be one too many.
  [[nodiscard]] bool take() {
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }
  [[nodiscard]] double tokens() const { return tokens_; }

 private:
  double ratio_;
  double burst_;
  double tokens_;
};

}  // namespace coterie::client
