#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/env/uv_loop.h"
#include "base/instant.h"
#include "bench/arrivals.h"
#include "bench/session.h"
#include "bench/tally.h"
#include "bench/workload.h"

namespace coterie::bench {

/// One pass over the cluster: loading, or the run.
struct Phase {
  /// The next operation; nothing: there are no more.
  std::function<std::optional<Operation>(Instant begins)> next;
  std::function<Bytes()> next_value;
  /// Operations that begin (or were meant to begin) earlier are made and not counted.
  Instant measure_from;
  /// None begins from then on.
  Instant end = Instant::max();
  /// Of an open loop; a closed one begins an operation whenever one has ended.
  std::optional<Arrivals> arrivals;
  /// Operations of an open loop in progress at most; those beyond are not made and counted.
  std::size_t backlog = 0;
  /// So are those that this thread comes to so late.
  Duration late_most = std::chrono::hours(1);
};

/// What one driver saw of a phase.
struct PhaseTally {
  Tally tally;
  /// Answered between the phase's measure_from and end; resolve is none of them.
  std::uint64_t answered_in_window = 0;
  /// Of an open loop: not made, since the backlog was full or this thread behind.
  std::uint64_t unsent = 0;
  std::size_t backlog_most = 0;
  /// From when an operation did begin to when it was answered or failed.
  Duration longest_call{};
  /// The last answer to what is counted.
  Instant last_answer;
  client::Counters counters;
  double cpu_seconds = 0;  // of the thread

  void add(const PhaseTally& other);
};

/// One thread's worth of connections: so many independent clients over one event loop, none with a
/// thread of its own. Used by one thread at a time, take_second() and stop() excepted.
class Driver final : private SessionListener {
 public:
  struct Options {
    MakeSession make_session;
    /// The number of the first of them.
    std::size_t first_connection = 0;
    std::size_t connections = 1;
    /// Operations in progress on each connection of a closed loop.
    std::size_t pipeline = 1;
  };

  explicit Driver(const Options& options);
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  ~Driver() override;

  /// Until all clients can ask. Error: that of the first that cannot.
  [[nodiscard]] Result<void> connect();
  /// Until the phase has ended and everything that was begun too.
  [[nodiscard]] PhaseTally run(Phase phase);
  /// run() begins nothing more.
  void stop() { is_stopped_.store(true); }
  /// What ended since the last time, counted or not.
  [[nodiscard]] Tally take_second();

 private:
  struct Slot {
    std::unique_ptr<Session> session;
    std::size_t in_progress = 0;
  };

  [[nodiscard]] Bytes next_value() override { return phase_.next_value(); }
  void on_answered(const Flight& flight, bool is_missing) override;
  void on_failed(const Flight& flight, const Error& error) override;
  void follow_up(const Flight& flight, Kind kind) override;

  void fill(std::size_t slot);
  void on_arrival();
  bool begin(std::size_t slot, Instant begins);
  void note_call(const Flight& flight, Instant now);
  void end(const Flight& flight);
  void expire();
  [[nodiscard]] bool is_over(Instant now) const;
  [[nodiscard]] client::Counters counters() const;

  Options options_;
  UvLoop loop_;
  std::vector<Slot> slots_;
  std::atomic<bool> is_stopped_ = false;

  Phase phase_;
  PhaseTally tally_;
  bool is_exhausted_ = false;
  std::size_t in_progress_ = 0;
  std::size_t next_slot_ = 0;
  Instant expired_;
  std::move_only_function<void(Instant)> arm_;

  std::mutex mutex_;
  Tally second_;
};

}  // namespace coterie::bench
