// Copies from which a loss of power may have taken what interval buckets had acknowledged.

#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "node/local_copies.h"

namespace coterie {
namespace {

constexpr std::uint8_t doubt_format = 1;

Bytes doubt_key(PartitionId partition) {
  Bytes key = "d";
  ByteWriter(key).u32_sorted(partition.value);
  return key;
}

Bytes doubt_value(std::uint64_t doubt) {
  Bytes value;
  ByteWriter writer(value);
  writer.u8(doubt_format);
  writer.u64(doubt);
  return value;
}

}  // namespace

Durability LocalCopies::durability_of(BucketId bucket) const {
  const auto* found = epoch_->bucket(bucket);
  return found == nullptr ? Durability::commit : found->durability;
}

std::size_t LocalCopies::copies_in_doubt() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(copies_, [](const auto& entry) { return entry.second.is_in_doubt(); }));
}

/// Of a partition that has one owner there is nobody to be compared with.
void LocalCopies::begin_in_doubt() {
  const auto is_interval = [](const Bucket& bucket) {
    return bucket.durability == Durability::interval;
  };
  const bool is_of_some =
      epoch_->replicas() > 1 && std::ranges::any_of(epoch_->buckets(), is_interval);
  if (doubt_ == 0 || !is_of_some) return;
  for (auto& [partition, copy] : copies_) copy.set_doubt(!has_ended_doubt(partition));
}

bool LocalCopies::has_ended_doubt(PartitionId partition) const {
  const auto ended = store_.get(Space::meta, doubt_key(partition));
  return ended && *ended && **ended == doubt_value(doubt_);
}

/// If power takes the note of it there is a new doubt anyway.
Result<void> LocalCopies::end_doubt(PartitionId partition) {
  Write write{.space = Space::meta, .key = doubt_key(partition), .value = doubt_value(doubt_)};
  const auto noted = store_.append(std::span(&write, 1));
  if (!noted) return std::unexpected(noted.error());
  copies_.at(partition).set_doubt(false);
  return {};
}

}  // namespace coterie
