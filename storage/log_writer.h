#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/env/file.h"
#include "base/error.h"
#include "storage/log_segments.h"
#include "storage/store.h"

namespace coterie {

/// What the loop collects and the commit thread writes.
struct LogBatch {
  Bytes bytes;  // begins with room for the header
  LogPosition first;
  LogPosition synced;  // what is known to be synced when it is handed to the writer
  std::uint32_t appends = 0;
  std::size_t writes = 0;
  std::vector<std::uint32_t> partitions;  // in any order, with repetitions
  bool has_other_spaces = false;
};

/// Where a log goes on: what its reader found.
struct LogEnd {
  std::uint64_t log_id = 0;
  std::uint64_t run = 0;          // of the run that begins
  LogPosition last;               // the run's first append is the next one
  std::uint64_t previous = 0;     // the checksum of the last batch
  std::deque<LogSegment> live;    // with appends that the table may lack; oldest first
  std::deque<LogSegment> spares;  // with nothing that counts
  std::uint64_t next_number = 1;  // of a new segment's name
};

/// Writes batches into preallocated, recycled segments. Blocking: on the commit thread (in open()
/// on the loop, before that thread has work), never on both at once. But a batch that fits() is
/// written by the loop, into the page cache, if no write() is under way on the commit thread; that
/// thread may be in any other call meanwhile.
class LogWriter {
 public:
  struct Options {
    std::string directory;
    std::size_t segment_bytes = 0;
  };
  /// Segments kept back for erasures while the disk is full.
  static constexpr std::size_t reserve_segments = 1;
  /// More spares than this are removed: while more is being written, and when all is in the table.
  static constexpr std::size_t spares_most = 4;
  static constexpr std::size_t spares_at_rest = 2;

  LogWriter(FileSystem& files, Options options, LogEnd end);

  /// Begins the run in a segment of its own with a synced batch of no appends, so that nothing
  /// that an earlier run left behind its end is ever taken for this one's. Then recycles what the
  /// table holds through `table`.
  [[nodiscard]] Result<void> start(LogPosition table);

  /// Errors: read_only (no room for a new segment: nothing was written, try the same batch again);
  /// any other is final: what the file holds is unknown.
  [[nodiscard]] Result<void> write(LogBatch& batch);
  /// The current segment has room for it. Between calls of write().
  [[nodiscard]] bool fits(const LogBatch& batch) const;
  /// What was written before the call is durable. Errors: final.
  [[nodiscard]] Result<void> sync();
  /// All appends through `position` are in the table: segments with nothing else are used again, or
  /// removed if there are enough. Errors: io.
  [[nodiscard]] Result<void> recycle(LogPosition position, std::size_t most = spares_most);
  /// Tries to have the reserve complete. Errors: read_only, io.
  [[nodiscard]] Result<void> replenish();

  /// The reserve is in use: only erasures should come.
  [[nodiscard]] bool is_low() const { return spares_.size() < reserve_segments; }
  [[nodiscard]] std::uint64_t log_bytes() const;

 private:
  [[nodiscard]] std::uint64_t room_for(const LogBatch& batch) const;
  [[nodiscard]] Result<void> write_at_end(LogBatch& batch, bool is_opening);
  [[nodiscard]] Result<LogSegment> take_first_segment(LogPosition table);
  [[nodiscard]] Result<void> remove(LogSegment& segment);
  [[nodiscard]] Result<void> drop_odd_spares();
  [[nodiscard]] Result<void> rotate(std::uint64_t room_bytes);
  [[nodiscard]] Result<LogSegment> take_segment(std::uint64_t size_bytes);
  [[nodiscard]] Result<LogSegment> create_segment(std::uint64_t size_bytes);

  FileSystem& files_;
  const Options options_;
  const std::uint64_t log_id_;
  const std::uint64_t run_;
  // Of whoever writes.
  LogPosition written_;
  LogPosition synced_;
  std::uint64_t previous_;
  std::uint64_t offset_ = 0;
  // The commit thread's. Only write() changes the current segment: a loop that may write may look.
  LogSegment current_;
  std::deque<LogSegment> full_;
  std::deque<LogSegment> spares_;
  std::uint64_t next_number_;
};

}  // namespace coterie
