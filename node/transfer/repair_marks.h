#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "base/error.h"
#include "node/transfer/hint_format.h"
#include "storage/store.h"

namespace coterie::transfer {

/// An owner that lacks writes of a partition which no hint tells of any more: only a comparison of
/// the copies finds them.
struct NeedsRepair {
  PartitionId partition;
  NodeId target;
  WallTime since;
  /// Grows whenever more is found lacking; hand it back to clear().
  std::uint64_t serial = 0;
};

/// The marks of one shard, kept in Space::meta so that a restart does not forget them. One thread.
class RepairMarks {
 public:
  explicit RepairMarks(Store& store) : store_(store) {}

  /// Once, before anything else. What is there is few: one a partition and target. Errors: those of
  /// the store.
  [[nodiscard]] Result<void> load();
  /// From now on the target is known to lack more.
  void add(PartitionId partition, NodeId target, WallTime now);
  /// The copies have been compared, and made equal, since `mark` was read. Nothing if more was
  /// found lacking since then.
  void clear(const NeedsRepair& mark);
  /// Marks that the store would not take are kept in memory; this tries them again.
  void save();

  /// By partition, then target.
  [[nodiscard]] std::vector<NeedsRepair> list() const;
  [[nodiscard]] std::size_t size() const { return marks_.size(); }
  [[nodiscard]] bool is_saved() const { return unsaved_ == 0; }

 private:
  struct Mark {
    WallTime since;
    std::uint64_t serial = 0;
    bool is_saved = false;
  };

  void save(const MarkKey& key, Mark& mark);

  Store& store_;
  std::map<MarkKey, Mark> marks_;
  std::uint64_t last_serial_ = 0;
  std::size_t unsaved_ = 0;
};

}  // namespace coterie::transfer
