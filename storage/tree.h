#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"

namespace coterie {

/// The XOR of leaf_hash() over a set of records, and how many they are. Adding and removing are the
/// same operation on the hash; sets with equal records have equal cells.
struct TreeCell {
  std::uint64_t hash = 0;
  std::uint64_t records = 0;

  bool operator==(const TreeCell&) const = default;
};

/// The Merkle tree of one partition copy, fan-out 16 over the token bits below the partition's.
/// Only its leaves are kept; a node is the XOR of the leaves below it. It changes with each record
/// and is stored by the checkpoint that stores the record, never rebuilt in normal running. Depth
/// follows the record count (deepens past 64 records a leaf on the mean, needs the leaves' records
/// to do so); copies of different depth compare at the lesser one.
class PartitionTree {
 public:
  PartitionTree(PartitionId partition, std::uint32_t partitions, unsigned depth);

  /// A record at `token` changes its leaf_hash; 0 stands for no record before or after.
  void change(Token token, std::uint64_t old_hash, std::uint64_t new_hash);

  [[nodiscard]] TreeCell root() const;
  [[nodiscard]] unsigned depth() const { return depth_; }
  /// The 16^level cells of a level, level 0 being the root; level <= depth().
  [[nodiscard]] std::vector<TreeCell> level(unsigned level) const;
  /// The leaf in which a token lies.
  [[nodiscard]] std::size_t leaf_of(Token token) const;
  [[nodiscard]] const TreeCell& leaf(std::size_t index) const { return leaves_[index]; }
  /// Leaves changed since the last take: what the next checkpoint stores.
  [[nodiscard]] std::vector<std::size_t> take_changed();

 private:
  PartitionId partition_;
  std::uint32_t partitions_;
  unsigned depth_;
  std::vector<TreeCell> leaves_;
  std::vector<bool> changed_;
};

}  // namespace coterie
