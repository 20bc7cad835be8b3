#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "storage/store.h"
#include "storage/table.h"
#include "storage/tree.h"

namespace coterie {

/// A leaf as a checkpoint stores it in Space::trees:
///   partition u32 | depth u8 | leaf u32, big-endian -> hash u64 | records u64
/// A cell without records is erased.
struct StoredLeaf {
  PartitionId partition;
  std::uint8_t depth = 0;
  std::uint32_t leaf = 0;
  TreeCell cell;

  [[nodiscard]] Bytes key() const;
  [[nodiscard]] Bytes value() const;
  [[nodiscard]] static Result<StoredLeaf> decode(BytesView key, BytesView value);
};

/// The trees of a shard's partitions, and their deepening.
class ShardTrees {
 public:
  explicit ShardTrees(std::uint32_t partitions);
  ShardTrees(const ShardTrees&) = delete;
  ShardTrees& operator=(const ShardTrees&) = delete;

  /// What the table's last checkpoint stored. Errors: corrupt, the table's.
  [[nodiscard]] Result<void> load(const Table& table);

  /// The record at `key` changes its leaf hash; 0 stands for none.
  void change(BytesView key, std::uint64_t old_hash, std::uint64_t new_hash);
  using Scan = std::function<Result<void>(BytesView from, BytesView to, const Store::Visitor&)>;
  /// Counts the leaf of `key` anew, with all that `scan`, the store's over Space::records, finds in
  /// it. Errors: those of scan; then the leaf is as it was.
  [[nodiscard]] Result<void> recount(BytesView key, const Scan& scan);
  /// Store::mend_leaf().
  [[nodiscard]] bool mend_leaf(PartitionId partition, unsigned depth, std::size_t leaf,
                               const TreeCell& cell);
  /// None before the partition's first record.
  [[nodiscard]] const PartitionTree* tree(PartitionId partition) const;
  [[nodiscard]] std::uint64_t records() const { return records_; }

  /// What the next checkpoint stores.
  [[nodiscard]] std::vector<StoredLeaf> take_changed();

  /// Some tree has too many records a leaf.
  [[nodiscard]] bool wants_deepening() const;
  /// Moves on by a page of records, so that the loop does not stall; changes in between are seen.
  /// `scan` as above. Errors: those of scan (then it is given up).
  [[nodiscard]] Result<void> deepen(const Scan& scan);

 private:
  /// A deeper tree on its way to take a partition's tree's place.
  struct Deepening {
    PartitionTree tree;
    Bytes next;  // records below it are in the new tree
    Bytes end;
  };

  [[nodiscard]] PartitionId partition_of(Token token) const;
  [[nodiscard]] PartitionTree& tree_for(PartitionId partition, unsigned depth);
  void restore(const StoredLeaf& stored);
  void begin_deepening();
  void finish_deepening();

  std::uint32_t partitions_;
  std::map<PartitionId, PartitionTree> trees_;
  std::vector<PartitionTree*> by_partition_;  // those of trees_; every write looks one up
  std::vector<bool> changed_;
  std::set<PartitionId> shallow_;
  std::vector<StoredLeaf> erased_;  // of trees that were replaced by deeper ones
  std::optional<Deepening> deepening_;
  std::uint64_t records_ = 0;
};

/// The hash of a record's place in a tree as told from its bytes; 0 for none and for bytes that are
/// not a record.
[[nodiscard]] std::uint64_t stored_leaf_hash(BytesView key, const std::optional<BytesView>& value);

}  // namespace coterie
