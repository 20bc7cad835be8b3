#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/env/file.h"
#include "base/env/timers.h"
#include "base/env/worker.h"
#include "base/limits.h"
#include "storage/checkpointer.h"
#include "storage/committer.h"
#include "storage/log_reader.h"
#include "storage/overlay.h"
#include "storage/shard_trees.h"
#include "storage/store.h"
#include "storage/table.h"

namespace coterie {

/// What a LogStore stands on. All outlive it; the workers are destroyed (which waits for their
/// work) before files and table.
struct LogStoreParts {
  FileSystem& files;
  Table& table;
  Worker& commit;
  Worker& checkpoint;
  const Clock& clock;
  Timers& timers;
};

struct LogStoreOptions {
  /// Q of the cluster, and which of this node's shards this is. Fixed when the log is created;
  /// open() refuses others.
  std::uint32_t partitions = limits::partitions_default;
  ShardIndex shard;
  std::uint16_t shards = 1;
  /// Where the segments lie, below the file system's root; made if absent.
  std::string directory = "log";
  /// Random; becomes the log's id if this open() creates the log, else is not used.
  std::uint64_t new_log_id = 0;
  /// If this open() creates the log: what the shard held before is lost, so that all its partitions
  /// are damaged.
  bool has_lost_all = false;

  std::size_t segment_bytes = limits::log_segment_bytes;
  std::size_t batch_writes = limits::batch_writes;
  std::size_t batch_bytes = limits::batch_bytes;
  std::size_t overlay_bytes = limits::overlay_bytes;
  std::size_t overlay_records = limits::overlay_records;
  Duration overlay_age = limits::overlay_age;
  std::size_t checkpoint_part = limits::checkpoint_part_entries;
  Duration interval_sync = limits::interval_sync;
  Duration full_retry = limits::full_retry;
  Duration slow_write = limits::slow_log_write;
  Duration slow_pause = limits::slow_log_pause;
  /// With less room than this in the table (an eighth of it, if that is less) only erasures are
  /// taken, so that what was taken before still fits.
  std::uint64_t table_reserve_bytes = limits::map_reserve_bytes;
};

/// The store of DESIGN: disk. Appends go to an overlay in memory and to a log; a checkpoint moves
/// the overlay into the table. The log's and the meta space's formats: docs/storage-formats.md.
///
/// Meta keys that begin with "store/" are the store's own.
class LogStore final : public Store {
 public:
  /// Recovers what table and log hold; blocks. Errors: corrupt (table and log are not of one
  /// store), unsupported_version, invalid_argument (other partitions or shards than before), io,
  /// read_only.
  [[nodiscard]] static Result<std::unique_ptr<LogStore>> open(const LogStoreParts& parts,
                                                              const LogStoreOptions& options);
  /// Without close() this is a crash: what was not written is lost.
  ~LogStore() override;

  [[nodiscard]] Result<Stored> read(Space space, BytesView key) const override;
  /// Further errors: invalid_argument (empty key), too_large (key over limits::table_key_bytes).
  [[nodiscard]] Result<LogPosition> append(std::span<Write> writes) override;
  [[nodiscard]] LogPosition last() const override;
  [[nodiscard]] LogPosition written() const override;
  [[nodiscard]] LogPosition synced() const override;
  void request_sync() override;
  void set_progress_handler(std::function<void()> handler) override;
  [[nodiscard]] Result<void> scan(Space space, BytesView from, BytesView to,
                                  const Visitor& visit) const override;
  [[nodiscard]] const PartitionTree* tree(PartitionId partition) const override;
  [[nodiscard]] bool mend_leaf(PartitionId partition, unsigned depth, std::size_t leaf,
                               const TreeCell& cell) override;
  [[nodiscard]] StoreStatus status() const override;
  [[nodiscard]] Backlog backlog() const override;
  [[nodiscard]] Result<LogPosition> clear_damage(PartitionId partition) override;
  void close(std::move_only_function<void()> done) override;

  /// The end of a loop turn: writes what the turn appended, or has it written, and lets go of the
  /// table's reader; may call the progress handler. A driver that does not call it gets the same
  /// from a timer of zero.
  void flush();

  /// Drawn when the log was made.
  [[nodiscard]] std::uint64_t log_id() const { return log_id_; }

  /// What open() found amiss, for the node's log; empty if nothing.
  [[nodiscard]] const std::string& recovery_note() const { return recovery_note_; }

 private:
  LogStore(const LogStoreParts& parts, const LogStoreOptions& options);

  [[nodiscard]] Result<void> create();
  [[nodiscard]] Result<void> recover(std::uint64_t log_id);
  [[nodiscard]] Result<void> begin_run(LogEnd end);
  [[nodiscard]] Result<void> replay(LogPosition position, const std::vector<Write>& writes);
  [[nodiscard]] Result<void> record_damage(const LogReplay& replay, LogPosition table);
  [[nodiscard]] Result<void> load_damage();
  void begin_service();

  [[nodiscard]] Result<void> check_writes(std::span<const Write> writes) const;
  LogPosition take(std::span<Write> writes);
  void recount(BytesView key);
  [[nodiscard]] const OverlayEntry* find(Space space, BytesView key) const;
  void arm_turn_end() const;
  void arm_age_timer();
  void arm_deepening();
  void arm_room_timer();
  [[nodiscard]] bool is_overlay_full() const;
  [[nodiscard]] bool is_table_nearly_full() const;
  void freeze();
  void on_progress();
  void update_state();
  void enter(StoreState state, std::string reason);
  void continue_close();

  LogStoreParts parts_;
  const LogStoreOptions options_;
  std::uint64_t log_id_ = 0;
  ShardTrees trees_;
  std::unique_ptr<Overlay> active_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<Checkpointer> checkpointer_;
  std::set<PartitionId> damaged_;
  std::string recovery_note_;
  StoreState state_ = StoreState::healthy;
  std::string reason_;
  std::function<void()> handler_;
  LogPosition told_written_;
  LogPosition told_synced_;
  LogPosition recycled_;
  bool is_overdue_ = false;  // the overlay's age is over its bound
  bool is_closing_ = false;
  std::move_only_function<void()> close_done_;
  const std::function<void()> turn_end_call_;
  mutable std::optional<TimerId> turn_end_;
  std::optional<TimerId> age_timer_;
  std::optional<TimerId> deepening_timer_;
  std::optional<TimerId> close_timer_;
  std::optional<TimerId> room_timer_;
};

}  // namespace coterie
