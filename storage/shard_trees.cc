#include "storage/shard_trees.h"

#include <bit>
#include <utility>

#include "base/check.h"
#include "base/codec.h"
#include "base/limits.h"
#include "storage/key.h"
#include "storage/record.h"

namespace coterie {

namespace {

Token token_of(BytesView key) {
  ByteReader reader(key);
  const Token token{reader.u64_sorted()};
  check(reader.ok(), "a record's key begins with its token");
  return token;
}

}  // namespace

Bytes StoredLeaf::key() const {
  Bytes key;
  ByteWriter writer(key);
  writer.u32_sorted(partition.value);
  writer.u8(depth);
  writer.u32_sorted(leaf);
  return key;
}

Bytes StoredLeaf::value() const {
  Bytes value;
  ByteWriter writer(value);
  writer.u64(cell.hash);
  writer.u64(cell.records);
  return value;
}

Result<StoredLeaf> StoredLeaf::decode(BytesView key, BytesView value) {
  ByteReader keys(key);
  StoredLeaf stored{.partition = PartitionId{keys.u32_sorted()}, .depth = keys.u8()};
  stored.leaf = keys.u32_sorted();
  ByteReader values(value);
  stored.cell.hash = values.u64();
  stored.cell.records = values.u64();
  const bool is_whole = keys.finished() && values.finished();
  if (!is_whole || stored.depth > tree_depth_most || (stored.leaf >> (4 * stored.depth)) != 0) {
    return fail(ErrorCode::corrupt, "a malformed leaf among the stored trees");
  }
  return stored;
}

ShardTrees::ShardTrees(std::uint32_t partitions)
    : partitions_(partitions), by_partition_(partitions), changed_(partitions) {
  check(std::has_single_bit(partitions), "the number of partitions is a power of two");
}

Result<void> ShardTrees::load(const Table& table) {
  std::optional<Error> malformed;
  auto scanned = table.scan(Space::trees, {}, {}, [&](BytesView key, BytesView value) {
    auto stored = StoredLeaf::decode(key, value);
    if (stored && stored->partition.value >= partitions_) {
      stored = fail(ErrorCode::corrupt, "a stored tree of a partition that does not exist");
    }
    if (stored) {
      const auto known = trees_.find(stored->partition);
      if (known != trees_.end() && known->second.depth() != stored->depth) {
        stored = fail(ErrorCode::corrupt, "a stored tree of two depths");
      }
    }
    if (!stored) {
      malformed = std::move(stored).error();
      return false;
    }
    restore(*stored);
    return true;
  });
  if (!scanned) return scanned;
  if (malformed) return std::unexpected(*std::move(malformed));
  return {};
}

void ShardTrees::restore(const StoredLeaf& stored) {
  auto& tree = tree_for(stored.partition, stored.depth);
  tree.restore_leaf(stored.leaf, stored.cell);
  records_ += stored.cell.records;
  if (wanted_depth(tree.root().records) > tree.depth()) shallow_.insert(stored.partition);
}

PartitionId ShardTrees::partition_of(Token token) const {
  const auto bits = std::countr_zero(partitions_);
  return PartitionId{bits == 0 ? 0 : static_cast<std::uint32_t>(token.value >> (64 - bits))};
}

PartitionTree& ShardTrees::tree_for(PartitionId partition, unsigned depth) {
  auto& known = by_partition_[partition.value];
  if (known == nullptr) {
    known = &trees_.try_emplace(partition, partition, partitions_, depth).first->second;
  }
  return *known;
}

void ShardTrees::change(BytesView key, std::uint64_t old_hash, std::uint64_t new_hash) {
  if (old_hash == new_hash) return;
  const auto token = token_of(key);
  const auto partition = partition_of(token);
  auto& tree = tree_for(partition, wanted_depth(0));
  tree.change(token, old_hash, new_hash);
  changed_[partition.value] = true;
  if (old_hash == 0) records_ += 1;
  if (new_hash == 0) records_ -= 1;
  if (deepening_ && deepening_->tree.partition() == partition && key < deepening_->next) {
    deepening_->tree.change(token, old_hash, new_hash);
  }
  if (old_hash == 0 && wanted_depth(tree.root().records) > tree.depth()) shallow_.insert(partition);
}

Result<void> ShardTrees::recount(BytesView key, const Scan& scan) {
  const auto token = token_of(key);
  const auto partition = partition_of(token);
  auto& tree = tree_for(partition, wanted_depth(0));
  const auto index = tree.leaf_of(token);
  const auto range = tree.range_of(tree.depth(), index);
  const bool is_deepened =
      deepening_ && deepening_->tree.partition() == partition && key < deepening_->next;
  const auto deeper = is_deepened ? deepening_->tree.leaf_of(token) : 0;
  TreeCell cell;
  TreeCell deeper_cell;
  auto scanned = scan(range.from, range.to, [&](BytesView at, BytesView value) {
    const auto hash = stored_leaf_hash(at, value);
    if (hash == 0) return true;
    const TreeCell one{.hash = hash, .records = 1};
    cell += one;
    const bool is_beside =
        is_deepened && at < deepening_->next && deepening_->tree.leaf_of(token_of(at)) == deeper;
    if (is_beside) deeper_cell += one;
    return true;
  });
  if (!scanned) return scanned;
  records_ += cell.records - tree.leaf(index).records;
  tree.replace_leaf(index, cell);
  changed_[partition.value] = true;
  if (is_deepened) deepening_->tree.replace_leaf(deeper, deeper_cell);
  return {};
}

bool ShardTrees::mend_leaf(PartitionId partition, unsigned depth, std::size_t leaf,
                           const TreeCell& cell) {
  check(partition.value < partitions_, "a partition of this cluster");
  auto& tree = tree_for(partition, wanted_depth(0));
  if (tree.depth() != depth) return false;
  records_ += cell.records - tree.leaf(leaf).records;
  tree.replace_leaf(leaf, cell);
  changed_[partition.value] = true;
  if (wanted_depth(tree.root().records) > depth) shallow_.insert(partition);
  return true;
}

const PartitionTree* ShardTrees::tree(PartitionId partition) const {
  return partition.value < by_partition_.size() ? by_partition_[partition.value] : nullptr;
}

std::vector<StoredLeaf> ShardTrees::take_changed() {
  auto leaves = std::exchange(erased_, {});
  for (auto& [partition, tree] : trees_) {
    if (!changed_[partition.value]) continue;
    changed_[partition.value] = false;
    for (const auto index : tree.take_changed()) {
      leaves.push_back({.partition = partition,
                        .depth = static_cast<std::uint8_t>(tree.depth()),
                        .leaf = static_cast<std::uint32_t>(index),
                        .cell = tree.leaf(index)});
    }
  }
  return leaves;
}

bool ShardTrees::wants_deepening() const {
  return deepening_ || !shallow_.empty();
}

Result<void> ShardTrees::deepen(const Scan& scan) {
  if (!deepening_) begin_deepening();
  if (!deepening_) return {};
  std::size_t seen = 0;
  Bytes last;
  auto scanned = scan(deepening_->next, deepening_->end, [&](BytesView key, BytesView value) {
    const auto hash = stored_leaf_hash(key, value);
    if (hash != 0) deepening_->tree.change(token_of(key), 0, hash);
    last = key;
    seen += 1;
    return seen < limits::scan_page_records;
  });
  if (!scanned) {
    deepening_.reset();
    return scanned;
  }
  if (seen < limits::scan_page_records) {
    finish_deepening();
  } else {
    deepening_->next = last + '\0';  // the least key above it
  }
  return {};
}

void ShardTrees::begin_deepening() {
  while (!deepening_ && !shallow_.empty()) {
    const auto partition = *shallow_.begin();
    shallow_.erase(shallow_.begin());
    const auto& tree = trees_.at(partition);
    const auto depth = wanted_depth(tree.root().records);
    // it may have been deepened, or have lost records, since it was noted
    if (depth <= tree.depth()) continue;
    auto range = range_of(partition, partitions_);
    deepening_.emplace(Deepening{.tree = PartitionTree(partition, partitions_, depth),
                                 .next = std::move(range.from),
                                 .end = std::move(range.to)});
  }
}

void ShardTrees::finish_deepening() {
  const auto partition = deepening_->tree.partition();
  auto& tree = trees_.at(partition);
  for (std::size_t index = 0; index < tree.leaves(); ++index) {
    erased_.push_back({.partition = partition,
                       .depth = static_cast<std::uint8_t>(tree.depth()),
                       .leaf = static_cast<std::uint32_t>(index),
                       .cell = {}});
  }
  records_ -= tree.root().records;
  records_ += deepening_->tree.root().records;
  tree = std::move(deepening_->tree);
  deepening_.reset();
  changed_[partition.value] = true;
  if (wanted_depth(tree.root().records) > tree.depth()) shallow_.insert(partition);
}

std::uint64_t stored_leaf_hash(BytesView key, const std::optional<BytesView>& value) {
  if (!value) return 0;
  const auto record = decode_record(key, *value);
  return record ? leaf_hash(key, digest(*record)) : 0;
}

}  // namespace coterie
