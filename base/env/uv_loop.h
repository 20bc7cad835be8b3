#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/env/clock.h"
#include "base/env/mailbox.h"
#include "base/env/timers.h"
#include "base/env/turns.h"
#include "base/ids.h"
#include "base/instant.h"

struct uv_loop_s;

namespace coterie {

/// One libuv event loop: the real side of Clock, Timers and Mailbox. The thread that calls run() or
/// turn() is the loop's thread; everything but stop(), mailbox().post() and clock() belongs to it
/// (before the first turn: to the thread that builds it). Whatever uses the loop (transports,
/// listeners, workers) is destroyed before it, on that thread or after that thread has ended. A
/// write to a connection that was reset is an error and no SIGPIPE: that is blocked on the loop's
/// thread while it serves, and nowhere else.
class UvLoop final {
 public:
  struct Options {
    /// Tasks that may wait in the mailbox.
    std::size_t mailbox_capacity = 65536;
  };
  /// When within the end of a turn a hook runs: all of `gather` before all of `flush`.
  enum class TurnEnd : std::uint8_t { gather, flush };
  using HookId = Id<struct HookTag, std::uint64_t>;

  explicit UvLoop(const Options& options);
  UvLoop() : UvLoop(Options{}) {}
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;
  /// Drops timers and posted tasks uncalled; closes what is still open.
  ~UvLoop();

  [[nodiscard]] const Clock& clock() const;
  [[nodiscard]] Timers& timers();
  /// To a millisecond.
  [[nodiscard]] const Turns& turns() const;
  /// After stop() it still takes and runs what is posted until run() returns.
  [[nodiscard]] Mailbox& mailbox();

  /// Serves events until stop(). Once.
  void run();
  /// Makes run() return after the turn in which it notices; what was posted before is run first.
  /// From any thread, also before run().
  void stop();
  /// One turn: waits at most `at_most` for something to happen and serves it. For tests and for
  /// loops that are driven from outside.
  void turn(Duration at_most);

  /// Calls `hook` at the end of every turn, just before the loop waits: where the turn's frames and
  /// batches leave. A hook of a rank runs after those of that rank added earlier. What a hook adds
  /// for an earlier rank waits until something wakes the loop.
  HookId at_turn_end(TurnEnd rank, std::move_only_function<void()> hook);
  void remove_hook(HookId id);

  /// For adapters of further libuv handles. A handle's memory must live until its close callback,
  /// which may run as late as in this class's destructor.
  [[nodiscard]] uv_loop_s* raw();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coterie
