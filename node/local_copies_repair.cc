#include <utility>

#include "node/local_copies.h"
#include "node/replica/read.h"

// What brings a copy up to what the other owners hold.

namespace coterie {

Result<void> LocalCopies::keep(PartitionId partition, Generation generation, BytesView key,
                               BytesView record, bool replaces_damaged) {
  if (stopped_) return fail(ErrorCode::unavailable, *stopped_);
  auto* copy = find(partition);
  if (copy == nullptr) return fail(ErrorCode::not_owner, "no copy of the partition is held here");
  if (generation < copy->purged()) {
    return fail(ErrorCode::stale_configuration, "the record was read before a purge");
  }
  const auto taken = take(*copy, generation, key, record, resolver_of(key), replaces_damaged);
  if (!taken) return std::unexpected(taken.error());
  return {};
}

Result<void> LocalCopies::drop_damaged(PartitionId partition, BytesView key) {
  if (stopped_) return fail(ErrorCode::unavailable, *stopped_);
  if (find(partition) == nullptr) {
    return fail(ErrorCode::not_owner, "no copy of the partition is held here");
  }
  const auto stored = store_.read(Space::records, key);
  if (!stored) return std::unexpected(stored.error());
  const bool is_good =
      !stored->value || replica::read_digest(key, BytesView(*stored->value)).has_value();
  if (is_good) return {};
  Write write{.space = Space::records, .key = Bytes(key), .replaces_damaged = true};
  const auto position = store_.append(std::span(&write, 1));
  if (!position) return std::unexpected(position.error());
  return {};
}

void LocalCopies::note_damaged(PartitionId partition, BytesView key) {
  if (auto* copy = find(partition)) {
    (void)damaged(*copy, key, {.code = ErrorCode::corrupt, .message = "its checksum is bad"});
  }
}

}  // namespace coterie
