#include "storage/checkpoint_parts.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/codec.h"

namespace coterie {

namespace {

constexpr std::array other_spaces = {Space::hints, Space::acceptors, Space::meta};

/// In the order of their keys; of a leaf that was taken twice the later stands.
std::vector<StoredLeaf> sorted(std::vector<StoredLeaf> leaves) {
  const auto place = [](const StoredLeaf& leaf) {
    return std::tuple(leaf.partition, leaf.depth, leaf.leaf);
  };
  std::ranges::stable_sort(leaves, {}, place);
  std::vector<StoredLeaf> last;
  last.reserve(leaves.size());
  for (const auto& leaf : leaves) {
    if (!last.empty() && place(last.back()) == place(leaf)) last.pop_back();
    last.push_back(leaf);
  }
  return last;
}

}  // namespace

std::uint32_t CheckpointParts::partition_of(BytesView key) const {
  ByteReader reader(key);
  const auto token = reader.u64_sorted();
  const auto bits = std::countr_zero(options_.partitions);
  return bits == 0 ? 0 : static_cast<std::uint32_t>(token >> (64 - bits));
}

void CheckpointParts::begin() {
  has_begun_ = true;
  record_ = frozen_->overlay.entries(Space::records).begin();
  leaves_ = sorted(frozen_->leaves);
  other_ = frozen_->overlay.entries(other_spaces.front()).begin();
}

/// All of the next partition that has something to be moved.
void CheckpointParts::add_partition(std::vector<Table::Entry>& records,
                                    std::vector<LeafBytes>& leaves) {
  auto partition = options_.partitions;
  if (const auto* next = record_.entry()) partition = partition_of(next->key());
  if (leaf_ < leaves_.size()) partition = std::min(partition, leaves_[leaf_].partition.value);
  for (; const auto* entry = record_.entry(); record_.advance()) {
    if (partition_of(entry->key()) != partition) break;
    records.push_back({.space = Space::records, .key = entry->key(), .value = entry->value()});
  }
  for (; leaf_ < leaves_.size() && leaves_[leaf_].partition.value == partition; ++leaf_) {
    const auto& leaf = leaves_[leaf_];
    auto value = leaf.cell.records == 0 ? std::nullopt : std::optional(leaf.value());
    leaves.push_back({.key = leaf.key(), .value = std::move(value)});
  }
}

/// Of spaces whose keys have nothing to do with each other.
void CheckpointParts::add_others(std::vector<Table::Entry>& entries) {
  while (other_space_ < other_spaces.size()) {
    const auto space = other_spaces[other_space_];
    for (; const auto* entry = other_.entry(); other_.advance()) {
      if (entries.size() >= options_.part_entries) return;
      entries.push_back({.space = space, .key = entry->key(), .value = entry->value()});
    }
    other_space_ += 1;
    if (other_space_ < other_spaces.size()) {
      other_ = frozen_->overlay.entries(other_spaces[other_space_]).begin();
    }
  }
}

Result<void> CheckpointParts::commit_next(Table& table) {
  check(!is_done_, "a checkpoint has an end");
  if (!has_begun_) begin();
  std::vector<Table::Entry> entries;
  std::vector<LeafBytes> leaves;
  const auto has_more = [&] { return record_.entry() != nullptr || leaf_ < leaves_.size(); };
  while (has_more() && entries.size() + leaves.size() < options_.part_entries) {
    add_partition(entries, leaves);
  }
  for (const auto& leaf : leaves) {
    entries.push_back({.space = Space::trees, .key = leaf.key, .value = leaf.value});
  }
  if (!has_more()) add_others(entries);
  const bool is_last = !has_more() && other_space_ == other_spaces.size();
  auto done = table.commit(entries, is_last ? std::optional(frozen_->position) : std::nullopt);
  if (done && is_last) is_done_ = true;
  return done;
}

}  // namespace coterie
