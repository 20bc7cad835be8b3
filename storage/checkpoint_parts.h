#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "storage/overlay.h"
#include "storage/shard_trees.h"
#include "storage/table.h"

namespace coterie {

/// What one checkpoint moves into the table. Not changed while a worker has it.
struct Frozen {
  Overlay overlay;
  std::vector<StoredLeaf> leaves;  // of the trees as of `position`
  LogPosition position;
};

/// Commits a frozen overlay in parts, in key order, so that a commit's memory, the pages that it
/// leaves behind and its sync stay small. A partition's records and the leaves of its tree go in
/// one part. The last one brings the position: whoever finds the table in between replays the log
/// over it, all of it, and comes to the same: the log is synced through the position, each write of
/// it stands for itself, and a partition's tree is that of its records at any time.
///
/// On the checkpoint thread, but for the constructor.
class CheckpointParts {
 public:
  struct Options {
    std::uint32_t partitions = 0;
    /// A part ends once it has so many entries.
    std::size_t part_entries = 0;
  };
  CheckpointParts(std::shared_ptr<const Frozen> frozen, const Options& options)
      : frozen_(std::move(frozen)), options_(options) {}

  /// One part more. Errors: the table's.
  [[nodiscard]] Result<void> commit_next(Table& table);
  [[nodiscard]] bool is_done() const { return is_done_; }

 private:
  struct LeafBytes {
    Bytes key;
    std::optional<Bytes> value;
  };

  void begin();
  void add_partition(std::vector<Table::Entry>& records, std::vector<LeafBytes>& leaves);
  void add_others(std::vector<Table::Entry>& entries);
  [[nodiscard]] std::uint32_t partition_of(BytesView key) const;

  std::shared_ptr<const Frozen> frozen_;
  const Options options_;
  bool has_begun_ = false;
  bool is_done_ = false;
  EntryTree::Cursor record_;
  std::vector<StoredLeaf> leaves_;  // in the order of their keys, each once
  std::size_t leaf_ = 0;
  std::size_t other_space_ = 0;
  EntryTree::Cursor other_;
};

}  // namespace coterie
