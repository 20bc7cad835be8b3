#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"

namespace coterie::transfer {

/// One partition's way to its new owner, at one moment; for people.
struct StreamStatus {
  enum class Phase {
    queued,     ///< others of this shard are taken first
    streaming,  ///< batches come
    held,       ///< something blocks it: why
    paused,     ///< the change is, by an operator
    covered,    ///< this node holds all that it needs
  };
  PartitionId partition;
  std::uint64_t change = 0;
  Phase phase = Phase::queued;
  NodeId source;    ///< the one asked last; zero: none yet
  std::string why;  ///< what blocks, in words; empty if nothing does
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t records_total = 0;  ///< that the sources asked so far have
  /// Told from what has come; none before anything has.
  std::optional<std::uint64_t> bytes_total;
  std::uint64_t bytes_a_second = 0;
  std::optional<std::chrono::seconds> left;
};
[[nodiscard]] const char* name(StreamStatus::Phase phase);

/// Of one shard: the streams by which this node gets partitions.
struct StreamsStatus {
  std::vector<StreamStatus> streams;  // by partition
  std::uint64_t bytes_a_second_most = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;  // in this run, as are the others
  std::uint64_t bytes = 0;
  std::uint64_t failures = 0;  ///< questions that were refused or not answered
  std::size_t serving = 0;     ///< sessions in which this shard hands out its copies
};

}  // namespace coterie::transfer
