#pragma once

#include <algorithm>
#include <cstdint>

namespace coterie::gossip {

/// How well this node itself keeps up, from its own probes: the local health multiplier of
/// Lifeguard (section IV-A). A node that doubts itself probes slower and waits longer.
class LocalHealth {
 public:
  explicit LocalHealth(std::uint32_t multiplier_most)
      : score_most_(std::max<std::int64_t>(multiplier_most, 1) - 1) {}

  /// Bad news is positive.
  void add(std::int64_t points) {
    score_ = std::clamp<std::int64_t>(score_ + points, 0, score_most_);
  }
  /// 1 when all is well.
  [[nodiscard]] std::uint32_t multiplier() const { return static_cast<std::uint32_t>(score_ + 1); }

 private:
  std::int64_t score_ = 0;
  std::int64_t score_most_;
};

}  // namespace coterie::gossip
