#pragma once

#include <cstdint>
#include <vector>

#include "base/hlc.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/limits.h"
#include "base/policy.h"
#include "storage/record.h"

namespace coterie::coordinator {

/// Puts that this shard has minted, by request id, so that a put tried again is not minted again:
/// for limits::request_id_memory, and no more than `most` of them.
class RequestMemory {
 public:
  struct Entry {
    RequestId id;
    std::uint64_t key_hash = 0;
    Dot dot;
    Timestamp timestamp;
    std::uint64_t operation = 0;  ///< while it runs; 0 afterwards
    Instant until;
    std::uint16_t siblings = 0;
    /// The greatest W that is known to have been reached, once it has ended, and how.
    std::uint8_t votes = 0;
    /// Fallbacks among them.
    std::uint8_t stand_ins = 0;
    Durability durability = Durability::interval;
  };

  explicit RequestMemory(std::size_t most = limits::request_ids_a_shard);

  /// Null: not known, or no longer. Valid until the next add().
  [[nodiscard]] Entry* find(RequestId id, Instant now);
  /// `entry.id` must not be known. Forgets the oldest where there is no room.
  void add(const Entry& entry);
  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  void drop_oldest();
  [[nodiscard]] std::size_t place(RequestId id) const;
  void grow();

  std::size_t most_;
  std::vector<Entry> ring_;  // oldest at first_
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  /// Open addressing with linear probing; place in ring_ + 1, 0 is free.
  std::vector<std::uint32_t> index_;
};

}  // namespace coterie::coordinator
