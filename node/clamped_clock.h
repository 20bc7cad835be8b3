#pragma once

#include <cstdint>
#include <optional>

#include "base/clock_bounds.h"
#include "base/env/clock.h"

namespace coterie {

/// A clock whose wall time keeps within what the cluster's clocks allow: what a shard's timestamps
/// and times to live are made of, and judged by. One thread.
class ClampedClock final : public Clock {
 public:
  explicit ClampedClock(const Clock& own) : own_(own) {}

  void set_bounds(const std::optional<ClockBounds>& bounds) { bounds_ = bounds; }
  [[nodiscard]] Instant now() const override { return own_.now(); }
  [[nodiscard]] WallTime wall_now() const override {
    const WallTime wall = own_.wall_now();
    if (!bounds_) return wall;
    const WallTime clamped = bounds_->clamp(own_.now(), wall);
    if (clamped != wall) ++readings_clamped_;
    return clamped;
  }
  [[nodiscard]] std::uint64_t readings_clamped() const { return readings_clamped_; }

 private:
  const Clock& own_;
  std::optional<ClockBounds> bounds_;
  mutable std::uint64_t readings_clamped_ = 0;
};

}  // namespace coterie
