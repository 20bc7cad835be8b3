#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/env/worker.h"
#include "base/error.h"
#include "base/instant.h"
#include "storage/log_writer.h"
#include "storage/store.h"

namespace coterie {

/// The loop's side of the log: fills batches, writes them where that does not block, has the commit
/// thread do what does (syncs, new segments, and for a while all writes where they turned out to
/// block), and knows how far the log is written and synced. All calls on the loop.
class Committer {
 public:
  struct Options {
    std::size_t batch_writes = 0;
    std::size_t batch_bytes = 0;
    Duration interval_sync{};
    Duration full_retry{};
    Duration slow_write{};
    Duration slow_pause{};
    std::uint32_t partitions = 0;
  };

  /// `on_progress` is called on the loop, never from within a call made here.
  Committer(std::unique_ptr<LogWriter> writer, Worker& worker, const Clock& clock, Timers& timers,
            const Options& options, LogPosition last, std::function<void()> on_progress);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  /// Puts one append into the batch that fills; a full one may be written now.
  LogPosition add(std::span<const Write> writes);
  /// Has everything added so far synced.
  void request_sync();
  /// Writes the batch that fills and begins the sync that is wanted, as far as nothing of the like
  /// is under way. What has become of written() and failure() the caller sees.
  void flush();
  /// Everything through `position` is in the table.
  void recycle(LogPosition position);

  [[nodiscard]] LogPosition last() const { return last_; }
  [[nodiscard]] LogPosition written() const { return written_; }
  [[nodiscard]] LogPosition synced() const { return synced_; }
  /// What stopped it for good.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  /// The disk has no room for a new segment: only erasures should come.
  [[nodiscard]] const std::optional<Error>& full() const { return full_; }
  [[nodiscard]] std::uint64_t log_bytes() const { return log_bytes_; }
  [[nodiscard]] std::uint64_t syncs() const { return syncs_; }
  /// The commit thread writes or syncs.
  [[nodiscard]] bool is_busy() const { return is_writing_ || is_syncing_; }

 private:
  struct Job;

  void open_batch();
  [[nodiscard]] bool is_batch_full() const;
  [[nodiscard]] bool wants_sync() const { return sync_wanted_ > synced_; }
  [[nodiscard]] bool may_wait_for_sync() const;
  [[nodiscard]] bool is_slow();
  void note_write(Instant began);
  void write_here();
  void write_there();
  void sync_there();
  void submit(const std::shared_ptr<Job>& job);
  void finish(Job& job);
  void finish_unwritten(Job& job);
  void finish_written(Job& job);
  void start_sync_timer();
  void maintain(LogPosition recycle);
  void retry_later();
  void learn_room(const Result<void>& room, bool is_low);

  std::shared_ptr<LogWriter> writer_;
  Worker& worker_;
  const Clock& clock_;
  Timers& timers_;
  const Options options_;
  const std::function<void()> on_progress_;
  LogPosition last_;
  LogPosition written_;
  LogPosition synced_;
  LogPosition sync_wanted_;
  std::deque<LogBatch> batches_;  // to be written; the last one fills
  bool is_writing_ = false;       // on the commit thread; the writer is not ours meanwhile
  bool is_syncing_ = false;
  bool is_maintaining_ = false;
  bool waits_for_room_ = false;        // the first batch could not be written yet
  Duration write_time_{};              // of late, a moving average
  std::optional<Instant> slow_until_;  // writes here took too long
  std::optional<TimerId> sync_timer_;
  std::optional<TimerId> retry_timer_;
  std::optional<Error> failure_;
  std::optional<Error> full_;
  std::uint64_t log_bytes_ = 0;
  std::uint64_t syncs_ = 0;
  std::shared_ptr<bool> alive_;
};

}  // namespace coterie
