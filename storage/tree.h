#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "storage/key.h"

namespace coterie {

/// The XOR of leaf_hash() over a set of records, and how many they are. Adding and removing are the
/// same operation on the hash; sets with equal records have equal cells.
struct TreeCell {
  std::uint64_t hash = 0;
  std::uint64_t records = 0;

  /// The cell of both sets together; they must have no record in common.
  TreeCell& operator+=(const TreeCell& other);
  bool operator==(const TreeCell&) const = default;
};

/// Cells below a cell.
inline constexpr std::size_t tree_fan_out = 16;
/// The deepest tree: 16^6 leaves.
inline constexpr unsigned tree_depth_most = 6;

/// The depth for a partition copy of so many records: the least with at most
/// limits::tree_leaf_records a leaf on the mean. A tree takes at most about 4 bytes a record above
/// its first leaf.
[[nodiscard]] unsigned wanted_depth(std::uint64_t records);

/// The Merkle tree of one partition copy, fan-out 16 over the token bits below the partition's.
/// Only its leaves are kept; a node is the sum of the leaves below it. It changes with each record
/// and is stored by the checkpoint that stores the record, never rebuilt in normal running. Depth
/// follows the record count (wanted_depth(); a deeper tree needs the records: it is made anew and
/// fed with each of them as a change from 0); copies of different depth compare at the lesser one.
class PartitionTree {
 public:
  /// `depth` <= tree_depth_most, and `partitions` a power of two.
  PartitionTree(PartitionId partition, std::uint32_t partitions, unsigned depth);

  /// A record at `token`, which lies in the partition, changes its leaf_hash; 0 stands for no
  /// record before or after.
  void change(Token token, std::uint64_t old_hash, std::uint64_t new_hash);
  /// Sets a leaf to what a checkpoint stored. It does not count as changed.
  void restore_leaf(std::size_t index, const TreeCell& cell);
  /// Sets a leaf to what its records are, counted anew. It counts as changed.
  void replace_leaf(std::size_t index, const TreeCell& cell);

  [[nodiscard]] const TreeCell& root() const { return root_; }
  [[nodiscard]] PartitionId partition() const { return partition_; }
  [[nodiscard]] unsigned depth() const { return depth_; }
  [[nodiscard]] std::size_t leaves() const { return leaves_.size(); }
  /// The 16^level cells of a level, level 0 being the root; level <= depth().
  [[nodiscard]] std::vector<TreeCell> level(unsigned level) const;
  /// The keys of a cell's records.
  [[nodiscard]] KeyRange range_of(unsigned level, std::size_t index) const;
  /// The leaf in which a token lies.
  [[nodiscard]] std::size_t leaf_of(Token token) const;
  [[nodiscard]] const TreeCell& leaf(std::size_t index) const { return leaves_[index]; }
  /// Leaves changed since the last take, in order: what the next checkpoint stores.
  [[nodiscard]] std::vector<std::size_t> take_changed();

 private:
  PartitionId partition_;
  int partition_bits_;
  unsigned depth_;
  TreeCell root_;
  std::vector<TreeCell> leaves_;
  std::vector<bool> changed_;
  bool is_changed_ = false;
};

/// The places at which two equally long levels differ, in order.
[[nodiscard]] std::vector<std::size_t> differing(std::span<const TreeCell> a,
                                                 std::span<const TreeCell> b);

}  // namespace coterie
