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
  [[nodiscard]] Instant now() const override {
    if (holders_ == 0) return own_.now();
    if (!held_) held_ = own_.now();
    return *held_;
  }
  [[nodiscard]] WallTime wall_now() const override {
    if (held_wall_) return *held_wall_;
    const WallTime wall = clamped_wall();
    if (holders_ > 0) held_wall_ = wall;
    return wall;
  }
  [[nodiscard]] std::uint64_t readings_clamped() const { return readings_clamped_; }

  /// While any lives the time stands: one short event is one moment, and the clock is read once.
  class Hold {
   public:
    explicit Hold(ClampedClock& clock) : clock_(clock) { ++clock_.holders_; }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() {
      if (--clock_.holders_ > 0) return;
      clock_.held_.reset();
      clock_.held_wall_.reset();
    }

   private:
    ClampedClock& clock_;
  };

 private:
  [[nodiscard]] WallTime clamped_wall() const {
    const WallTime wall = own_.wall_now();
    if (!bounds_) return wall;
    const WallTime clamped = bounds_->clamp(now(), wall);
    if (clamped != wall) ++readings_clamped_;
    return clamped;
  }

  const Clock& own_;
  int holders_ = 0;
  mutable std::optional<Instant> held_;
  mutable std::optional<WallTime> held_wall_;
  std::optional<ClockBounds> bounds_;
  mutable std::uint64_t readings_clamped_ = 0;
};

}  // namespace coterie
