#include "storage/tree.h"

#include <bit>
#include <utility>

#include "base/check.h"
#include "base/codec.h"
#include "base/limits.h"

namespace coterie {
namespace {

constexpr int bits_a_level = 4;
constexpr int token_bits = 64;

std::size_t cells_at(unsigned level) {
  return std::size_t{1} << (bits_a_level * level);
}

/// How far a token is shifted right for its place at a level, counted over the whole ring.
int shift_at(int partition_bits, unsigned level) {
  return token_bits - partition_bits - bits_a_level * static_cast<int>(level);
}

Bytes first_key_at(std::uint64_t place, int shift) {
  Bytes out;
  ByteWriter(out).u64_sorted(shift < token_bits ? place << shift : 0);
  return out;
}

}  // namespace

TreeCell& TreeCell::operator+=(const TreeCell& other) {
  hash ^= other.hash;
  records += other.records;
  return *this;
}

unsigned wanted_depth(std::uint64_t records) {
  unsigned depth = 0;
  while (depth < tree_depth_most && records > limits::tree_leaf_records * cells_at(depth)) ++depth;
  return depth;
}

PartitionTree::PartitionTree(PartitionId partition, std::uint32_t partitions, unsigned depth)
    : partition_(partition),
      partition_bits_(std::countr_zero(partitions)),
      depth_(depth),
      leaves_(cells_at(depth)),
      changed_(cells_at(depth)) {
  check(std::has_single_bit(partitions) && partition.value < partitions,
        "a partition is one of a power of two");
  check(depth <= tree_depth_most && shift_at(partition_bits_, depth) >= 0,
        "a tree is no deeper than tree_depth_most and a token's bits");
}

std::size_t PartitionTree::leaf_of(Token token) const {
  const int shift = shift_at(partition_bits_, depth_);
  const std::uint64_t place = shift < token_bits ? token.value >> shift : 0;
  check(place >> (bits_a_level * depth_) == partition_.value, "a token lies in the partition");
  return place & (cells_at(depth_) - 1);
}

void PartitionTree::change(Token token, std::uint64_t old_hash, std::uint64_t new_hash) {
  if (old_hash == new_hash) return;
  const std::size_t index = leaf_of(token);
  for (TreeCell* cell : {&leaves_[index], &root_}) {
    cell->hash ^= old_hash ^ new_hash;
    // A count restored from a damaged disk may be too low.
    if (old_hash != 0 && cell->records > 0) --cell->records;
    if (new_hash != 0) ++cell->records;
  }
  changed_[index] = true;
  is_changed_ = true;
}

void PartitionTree::restore_leaf(std::size_t index, const TreeCell& cell) {
  check(index < leaves_.size(), "a leaf is one of the tree's");
  TreeCell& leaf = leaves_[index];
  root_.hash ^= leaf.hash ^ cell.hash;
  root_.records += cell.records - leaf.records;
  leaf = cell;
}

void PartitionTree::replace_leaf(std::size_t index, const TreeCell& cell) {
  restore_leaf(index, cell);
  changed_[index] = true;
  is_changed_ = true;
}

std::vector<TreeCell> PartitionTree::level(unsigned level) const {
  check(level <= depth_, "a level is within the tree");
  std::vector<TreeCell> cells(cells_at(level));
  const unsigned below = bits_a_level * (depth_ - level);
  for (std::size_t i = 0; i < leaves_.size(); ++i) cells[i >> below] += leaves_[i];
  return cells;
}

KeyRange PartitionTree::range_of(unsigned level, std::size_t index) const {
  check(level <= depth_ && index < cells_at(level), "a cell is within the tree");
  const int shift = shift_at(partition_bits_, level);
  const std::uint64_t place = (std::uint64_t{partition_.value} << (bits_a_level * level)) | index;
  const bool is_last = place + 1 == std::uint64_t{1} << (token_bits - shift);
  return {.from = first_key_at(place, shift),
          .to = is_last ? Bytes() : first_key_at(place + 1, shift)};
}

std::vector<std::size_t> PartitionTree::take_changed() {
  std::vector<std::size_t> out;
  if (!std::exchange(is_changed_, false)) return out;
  for (std::size_t i = 0; i < changed_.size(); ++i) {
    if (changed_[i]) out.push_back(i);
  }
  changed_.assign(changed_.size(), false);
  return out;
}

std::vector<std::size_t> differing(std::span<const TreeCell> a, std::span<const TreeCell> b) {
  check(a.size() == b.size(), "levels are compared with their like");
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) out.push_back(i);
  }
  return out;
}

}  // namespace coterie
