#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/env/timers.h"
#include "base/env/worker.h"
#include "base/error.h"
#include "base/instant.h"
#include "storage/checkpoint_parts.h"
#include "storage/table.h"

namespace coterie {

/// Commits frozen overlays to the table on the checkpoint thread. All calls on the loop.
class Checkpointer {
 public:
  /// Called on the loop when a commit has ended, either way, never from within a call made here.
  using Handler = std::function<void()>;

  struct Options {
    Duration full_retry{};
    CheckpointParts::Options parts;
  };
  Checkpointer(Table& table, Worker& worker, Timers& timers, const Options& options,
               Handler on_progress);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  /// Takes what shall be committed; reads consult it from now on. Only when none is held, or
  /// can_join(): then the newer one joins it, so that erasures can make room.
  void freeze(Frozen frozen);
  /// Commits once the log is synced through the frozen position: a table is never ahead of its log.
  void log_synced(LogPosition synced);

  [[nodiscard]] const Overlay* frozen() const { return frozen_ ? &frozen_->overlay : nullptr; }
  /// A commit failed for want of room and will be tried again, but not at this moment.
  [[nodiscard]] bool can_join() const { return retry_timer_.has_value(); }
  [[nodiscard]] bool is_busy() const { return in_flight_; }
  [[nodiscard]] const std::optional<Error>& full() const { return full_; }
  /// What stopped it for good.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  /// Of the last finished commit of this run; 0 before the first.
  [[nodiscard]] LogPosition committed() const { return committed_; }
  [[nodiscard]] std::uint64_t checkpoints() const { return checkpoints_; }

 private:
  void begin();
  void submit(std::shared_ptr<CheckpointParts> parts);
  void finish(const Result<void>& result);

  Table& table_;
  Worker& worker_;
  Timers& timers_;
  const Options options_;
  const Handler on_progress_;
  std::shared_ptr<Frozen> frozen_;
  bool in_flight_ = false;
  std::optional<TimerId> retry_timer_;
  std::optional<Error> full_;
  std::optional<Error> failure_;
  LogPosition synced_;
  LogPosition committed_;
  std::uint64_t checkpoints_ = 0;
  std::shared_ptr<bool> alive_;
};

}  // namespace coterie
