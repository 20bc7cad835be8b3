#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "node/transfer/hint_format.h"
#include "node/transfer/repair_marks.h"
#include "storage/store.h"

namespace coterie::transfer {

/// The strict hints that one shard keeps, and how many there are for whom. A hint is a log record
/// like any other: it shares the log's batches and nothing waits for it. One thread.
///
/// Over a bound the partition is marked as needing anti-entropy (RepairMarks) and its hints are
/// dropped, page by page; writes go on.
class HintBook {
 public:
  struct Limits {
    std::uint64_t hints = limits::hints_a_shard;
    std::uint64_t bytes = limits::hint_bytes_a_shard;
    std::chrono::milliseconds age = limits::hint_age;
  };
  struct Counters {
    std::uint64_t left = 0;       // hints written
    std::uint64_t coalesced = 0;  // the key had one already
    std::uint64_t dropped = 0;    // over a bound, or given up by an operator
    std::uint64_t not_taken = 0;  // the store refused, or the partition is being dropped
  };
  /// Hints of one target, or of one of its partitions.
  struct Tally {
    std::uint64_t hints = 0;
    std::uint64_t bytes = 0;
    WallTime oldest = WallTime::max();  // none is older; exact while none is erased
  };

  HintBook(Store& store, const Limits& limits) : store_(store), limits_(limits), marks_(store) {}

  /// What an earlier run left is counted page by page; until then nothing is to be replayed.
  [[nodiscard]] bool is_counted() const { return is_counted_; }
  /// Dropping takes pages, too.
  [[nodiscard]] bool has_work() const { return !is_counted_ || !dropping_.empty(); }
  /// One page of counting or dropping. Errors: those of the store; it is to be called again later.
  [[nodiscard]] Result<void> work();

  /// `target` lacks the current record of `key`.
  void leave(NodeId target, PartitionId partition, BytesView key, WallTime now);
  /// It lacks it no more, or nothing can be sent to it.
  void erase(NodeId target, PartitionId partition, BytesView key);
  /// Marks the partition and drops its hints for the target.
  void give_up(NodeId target, PartitionId partition, WallTime now);
  /// The target owns the partition no more: its hints are dropped without a mark.
  void forget(NodeId target, PartitionId partition);
  /// Gives up what is older than the bound.
  void check_age(WallTime now);
  [[nodiscard]] bool is_dropping(NodeId target, PartitionId partition) const;

  /// Hints for `target` from `from` on (a hint's key; empty: from the first), at most `most`; each
  /// is as encode_hint_key() has it. Errors: those of the store.
  [[nodiscard]] Result<std::vector<Bytes>> page(NodeId target, BytesView from,
                                                std::size_t most) const;
  /// Of a target that has hints.
  using Groups = std::map<PartitionId, Tally>;
  [[nodiscard]] const std::map<NodeId, Groups>& targets() const { return targets_; }
  [[nodiscard]] Tally tally(NodeId target) const;
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] RepairMarks& marks() { return marks_; }
  [[nodiscard]] const RepairMarks& marks() const { return marks_; }

 private:
  struct Hint {
    NodeId target;
    PartitionId partition;
    std::size_t bytes = 0;
    WallTime since;
  };

  [[nodiscard]] Result<void> count_page();
  [[nodiscard]] Result<void> drop_page();
  void add(const Hint& hint);
  void subtract(NodeId target, PartitionId partition, std::size_t bytes);
  [[nodiscard]] bool has_room(WallTime now);

  Store& store_;
  const Limits limits_;
  RepairMarks marks_;
  std::map<NodeId, Groups> targets_;
  Tally all_;
  std::set<std::pair<NodeId, PartitionId>> dropping_;
  Counters counters_;
  bool is_counted_ = false;
  Bytes counted_to_;  // exclusive; every hint below is in the tallies
};

}  // namespace coterie::transfer
