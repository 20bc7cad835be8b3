#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "storage/shard_trees.h"
#include "storage/store.h"

namespace coterie {

/// A store in memory, a fake for unit tests of what stands on Store. Forgets all when it goes.
class MemoryStore final : public Store {
 public:
  enum class Durability {
    /// synced() is last() as soon as append() returns; the handler is called for changes of state
    /// only.
    immediate,
    /// Only write() and sync() below move written() and synced(), and call the handler.
    by_hand,
  };

  explicit MemoryStore(std::uint32_t partitions, Durability durability = Durability::immediate);

  /// Everything appended is written.
  void write();
  /// Everything appended is written and synced.
  void sync();
  /// request_sync() was called since the last sync().
  [[nodiscard]] bool is_sync_requested() const { return is_sync_requested_; }
  void set_state(StoreState state, std::string reason);
  void set_backlog(Backlog backlog) { backlog_ = backlog; }
  void set_damaged(std::vector<PartitionId> damaged) { damaged_ = std::move(damaged); }
  /// Later scans fail with this; none: they do not.
  void set_scan_failure(std::optional<Error> failure) { scan_failure_ = std::move(failure); }

  [[nodiscard]] Result<Stored> read(Space space, BytesView key) const override;
  [[nodiscard]] Result<LogPosition> append(std::span<Write> writes) override;
  [[nodiscard]] LogPosition last() const override { return last_; }
  [[nodiscard]] LogPosition written() const override { return written_; }
  [[nodiscard]] LogPosition synced() const override { return synced_; }
  void request_sync() override { is_sync_requested_ = true; }
  void set_progress_handler(std::function<void()> handler) override;
  [[nodiscard]] Result<void> scan(Space space, BytesView from, BytesView to,
                                  const Visitor& visit) const override;
  [[nodiscard]] const PartitionTree* tree(PartitionId partition) const override;
  [[nodiscard]] bool mend_leaf(PartitionId partition, unsigned depth, std::size_t leaf,
                               const TreeCell& cell) override;
  [[nodiscard]] StoreStatus status() const override;
  [[nodiscard]] Result<LogPosition> clear_damage(PartitionId partition) override;
  [[nodiscard]] Backlog backlog() const override { return backlog_; }
  /// `done` is called before it returns.
  void close(std::move_only_function<void()> done) override;

 private:
  void tell();

  const Durability durability_;
  std::map<Space, std::map<Bytes, Stored, std::less<>>> maps_;  // erased keys stay
  ShardTrees trees_;
  LogPosition last_;
  LogPosition written_;
  LogPosition synced_;
  bool is_sync_requested_ = false;
  StoreState state_ = StoreState::healthy;
  std::string reason_;
  Backlog backlog_ = Backlog::none;
  std::vector<PartitionId> damaged_;
  std::optional<Error> scan_failure_;
  std::function<void()> handler_;
};

}  // namespace coterie
