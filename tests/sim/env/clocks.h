#pragma once

#include <set>

#include "base/env/clock.h"
#include "base/env/mailbox.h"
#include "base/env/timers.h"
#include "base/env/turns.h"
#include "tests/sim/env/world.h"

namespace coterie::sim {

class SimClock final : public Clock {
 public:
  SimClock(SimWorld& world, NodeIndex node) : world_(world), node_(node) {}
  [[nodiscard]] Instant now() const override { return world_.now(); }
  /// The world's begins in 2026; the node's skew is added.
  [[nodiscard]] WallTime wall_now() const override;

 private:
  SimWorld& world_;
  NodeIndex node_;
};

class SimTimers final : public Timers {
 public:
  SimTimers(SimWorld& world, NodeIndex node) : world_(world), life_(world.life(node)) {}
  SimTimers(const SimTimers&) = delete;
  SimTimers& operator=(const SimTimers&) = delete;
  ~SimTimers() override;

  TimerId start(Duration after, std::move_only_function<void()> callback) override;
  void cancel(TimerId id) override;

 private:
  SimWorld& world_;
  Life life_;
  std::set<TimerId> running_;
};

/// Each event is a turn of its own, and takes no time.
class SimTurns final : public Turns {
 public:
  explicit SimTurns(const Clock& clock) : clock_(clock) {}
  [[nodiscard]] Instant began() const override { return clock_.now(); }
  [[nodiscard]] Instant waits_since() const override { return clock_.now(); }

 private:
  const Clock& clock_;
};

class SimMailbox final : public Mailbox {
 public:
  SimMailbox(SimWorld& world, NodeIndex node, std::size_t capacity)
      : world_(world), life_(world.life(node)), capacity_(capacity) {}
  SimMailbox(const SimMailbox&) = delete;
  SimMailbox& operator=(const SimMailbox&) = delete;
  ~SimMailbox() override;

  [[nodiscard]] bool post(std::move_only_function<void()> task) override;

 private:
  SimWorld& world_;
  Life life_;
  std::size_t capacity_;
  std::set<EventId> waiting_;
};

}  // namespace coterie::sim
