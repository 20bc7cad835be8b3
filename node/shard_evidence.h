#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/wire/messages_changes.h"

namespace coterie {

/// What one shard of this node keeps durably, of what a change of owners waits for.
struct ShardEvidence {
  ShardIndex shard;
  std::vector<wire::PartitionEvidence> partitions;
  /// While this node leaves: how many hints it keeps that hold others' writes, under the epoch that
  /// says so. It takes none from then on.
  struct Keeps {
    EpochNumber epoch;
    std::uint64_t hints = 0;

    bool operator==(const Keeps&) const = default;
  };
  std::optional<Keeps> keeps;
};

/// How far a shard's log has come.
struct OwnLog {
  std::uint64_t log_id = 0;  ///< drawn when the log was made; 0: it is not open
  std::uint64_t synced = 0;  ///< Store::synced()
  std::uint64_t last = 0;    ///< Store::last()
};

}  // namespace coterie
