#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/instant.h"
#include "base/limits.h"
#include "node/transfer/scrub_state.h"

namespace coterie::transfer {

/// What the configuration says of scrubbing ([scrub], docs/configuration.md).
struct ScrubOptions {
  /// Between the ends of two walks; zero: only when somebody asks for one.
  Duration interval = limits::scrub_interval_default;
  std::uint64_t bytes_a_second = limits::scrub_rate_bytes;  ///< of this shard's records
};

/// One shard's scrub at one moment, for people.
struct ScrubStatus {
  bool is_enabled = false;  ///< walks begin by themselves
  struct Walk {
    WallTime began;
    std::size_t partitions = 0;
    std::size_t partitions_done = 0;
    ScrubFindings found;
    /// Told from what is done; none before anything is.
    std::optional<std::chrono::seconds> left;
  };
  std::optional<Walk> walk;       ///< in progress
  std::optional<ScrubPass> last;  ///< that ended
  ScrubFindings total;            ///< since the start of the process
  std::uint64_t passes = 0;       ///< ended since then
  std::string last_trouble;       ///< in words; empty if none
};

}  // namespace coterie::transfer
