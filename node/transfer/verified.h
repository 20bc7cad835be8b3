#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>

#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"
#include "storage/store.h"

namespace coterie::transfer {

/// Of each partition that this node compares with all its other owners: the time (by this node's
/// wall clock) through which all owners were seen equal, so that what any of them held by then all
/// of them hold. A pass is one complete comparison with every other owner. One that finds all roots
/// equal to one another verifies through its begin; else two passes in succession do, through the
/// begin of the first: that one gathered here what each owner held, the second spread it to all.
/// Kept in Space::meta, rarely written:
///   'r' 'v' | partition u32, big-endian -> milliseconds u64
class VerifiedThrough {
 public:
  explicit VerifiedThrough(Store& store) : store_(store) {}

  /// What was kept. Errors: the store's, corrupt.
  [[nodiscard]] Result<void> load();

  struct Comparison {
    PartitionId partition;
    NodeId other;
    WallTime began;
    bool is_equal = false;   ///< at the roots
    std::uint64_t root = 0;  ///< this node's, at its end
  };
  /// The copies were compared and everything that differed was made equal; `others` are all other
  /// owners of the partition.
  void note(const Comparison& comparison, std::span<const NodeId> others, WallTime now);
  /// This node compares it with all others no more: what was known of it is erased.
  void forget(PartitionId partition);
  [[nodiscard]] const std::map<PartitionId, WallTime>& all() const { return verified_; }

 private:
  struct Pass {
    WallTime began;
    std::optional<WallTime> previous;
    std::set<NodeId> done;
    bool is_equal = true;
    std::uint64_t root = 0;
  };

  void verify(PartitionId partition, WallTime through);

  Store& store_;
  std::map<PartitionId, Pass> passes_;
  std::map<PartitionId, WallTime> verified_;
  std::map<PartitionId, WallTime> saved_;
};

}  // namespace coterie::transfer
