#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "storage/memory_table.h"
#include "tests/sim/env/file.h"

namespace coterie::sim {

/// A node's LMDB environment, simulated: a MemoryTable whose commits take the disk's time, and
/// which can fill up and be damaged. It outlives the node's runs. A crash while a commit is under
/// way may keep it or not; one that has returned is kept.
class SimTable final : public Table {
 public:
  SimTable(SimWorld& world, NodeIndex node, SimFileSystem& disk);
  SimTable(const SimTable&) = delete;
  SimTable& operator=(const SimTable&) = delete;
  ~SimTable() override;

  [[nodiscard]] Result<void> commit(std::span<const Entry> entries,
                                    std::optional<LogPosition> position) override;
  [[nodiscard]] Result<LogPosition> position() const override { return inner_->position(); }
  [[nodiscard]] Result<std::optional<Bytes>> get(Space space, BytesView key) const override {
    return inner_->get(space, key);
  }
  [[nodiscard]] Result<void> scan(Space space, BytesView from, BytesView to,
                                  const Store::Visitor& visit) const override {
    return inner_->scan(space, from, to, visit);
  }
  void end_read() override {}
  [[nodiscard]] std::uint64_t used_bytes() const override { return inner_->used_bytes(); }
  [[nodiscard]] std::uint64_t free_bytes() const override { return inner_->free_bytes(); }
  [[nodiscard]] std::uint64_t entries(Space space) const override { return inner_->entries(space); }

  /// No commit that needs more bytes succeeds, until it is not full any more.
  void set_full(bool full);
  /// What is in it now, commits that are under way left out.
  using Snapshot = std::shared_ptr<const MemoryTable>;
  [[nodiscard]] Snapshot snapshot() const;
  /// While its node is down.
  void restore(const Snapshot& snapshot);
  /// While its node is down.
  void clear();

  [[nodiscard]] std::vector<Bytes> record_keys() const;
  /// Takes a record away, and nothing that was derived from it.
  void lose(BytesView key);
  /// Another bit of a stored record, for good.
  void flip(BytesView key, std::uint64_t bit);

 private:
  struct Undo {
    Space space = Space::records;
    Bytes key;
    std::optional<Bytes> value;
  };
  struct Pending {
    Instant durable_at;
    LogPosition position;
    std::vector<Undo> undo;
  };

  [[nodiscard]] Pending undo_of(std::span<const Entry> entries) const;
  static void take_back(MemoryTable& table, const Pending& pending);
  void crash();

  SimWorld& world_;
  SimFileSystem& disk_;
  Random random_;
  std::uint64_t observer_;
  std::unique_ptr<MemoryTable> inner_;
  std::optional<Pending> pending_;
};

}  // namespace coterie::sim
