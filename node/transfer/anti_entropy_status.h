#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"

namespace coterie::transfer {

/// What the configuration says of anti-entropy ([anti_entropy], docs/configuration.md).
struct AntiEntropyOptions {
  bool enabled = true;
  Duration interval = std::chrono::minutes(10);  ///< of a pass over all partitions
  Duration pause = std::chrono::seconds(1);      ///< before the second look
  std::uint64_t bytes_a_second = 16U << 20;      ///< of frames, both ways
  std::uint32_t cpu_percent = 20;                ///< of the shard's thread
  /// Scheduled passes begin only within these hours (UTC); equal: at any.
  std::uint32_t from_hour = 0;
  std::uint32_t to_hour = 0;
};

/// What a command is about: everything that this shard holds, what it shares with one node, one
/// partition, or one bucket's records.
using RepairScope = std::variant<std::monostate, NodeId, PartitionId, BucketId>;

enum class RepairAction : std::uint8_t {
  repair,
  verify,  ///< says what differs, and changes nothing
};

enum class RepairReason : std::uint8_t {
  started,  ///< this node did
  scheduled,
  returned,   ///< the other node came back to life
  marked,     ///< the other node is known to lack something
  refilling,  ///< this copy may lack something
  command,
};
[[nodiscard]] const char* name(RepairReason reason);

/// A key that differed at the second look of a `verify`.
struct DifferingKey {
  PartitionId partition;
  NodeId other;
  Bytes key;  ///< as on disk (storage/key.h)
};

/// A command's progress, and its outcome once it has ended.
struct RepairCommand {
  RepairScope scope;
  RepairAction action = RepairAction::repair;
  WallTime began;
  std::optional<WallTime> ended;
  bool is_cancelled = false;
  /// Pairs of copies: a partition counts once for each other owner.
  std::size_t partitions = 0;
  std::size_t partitions_done = 0;
  std::size_t partitions_failed = 0;
  std::string last_failure;  ///< in words; empty if none
  std::uint64_t differing = 0;
  std::uint64_t repaired = 0;
  std::uint64_t failed_keys = 0;
  std::uint64_t bytes = 0;
  /// Told from what is done; none before anything is.
  std::optional<std::chrono::seconds> left;
  /// Of a `verify`: the first limits::verify_keys.
  std::vector<DifferingKey> keys;
};

/// One shard's anti-entropy at one moment, for people.
struct AntiEntropyStatus {
  bool is_enabled = false;
  bool is_paused = false;
  struct Round {
    RepairReason reason = RepairReason::scheduled;
    NodeId other;
    std::size_t partitions = 0;
    std::size_t partitions_done = 0;
  };
  std::optional<Round> running;
  std::optional<RepairCommand> command;  ///< the last one
  std::size_t waiting_rounds = 0;
  /// The time through which all owners of a partition were seen equal. Known to the owner of the
  /// lowest node id, which compares with all the others.
  std::map<PartitionId, WallTime> verified;
  std::vector<PartitionId> refilling;  ///< copies that may lack data
  std::size_t damaged_waiting = 0;     ///< records with a bad checksum
  std::uint64_t damaged_refilled = 0;
  std::uint64_t copies_refilled = 0;
  std::uint64_t rounds = 0;
  std::uint64_t rounds_failed = 0;
  std::uint64_t partitions_compared = 0;
  std::uint64_t partitions_equal = 0;  ///< at their roots
  std::uint64_t keys_looked_at = 0;    ///< a second time
  std::uint64_t keys_differing = 0;    ///< still, then
  std::uint64_t keys_failed = 0;
  std::uint64_t records_pulled = 0;
  std::uint64_t records_pushed = 0;
  std::uint64_t bytes = 0;  ///< of frames, both ways
};

}  // namespace coterie::transfer
