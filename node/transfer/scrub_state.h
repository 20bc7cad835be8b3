#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "base/instant.h"

namespace coterie::transfer {

/// What a walk over all records of a shard has met.
struct ScrubFindings {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t damaged = 0;       ///< records with a bad checksum
  std::uint64_t leaves_wrong = 0;  ///< of trees, that said something else than their records
  std::uint64_t leaves_busy = 0;   ///< not compared: they changed faster than they could be read
  std::uint64_t unreadable = 0;    ///< partitions of which the table could not be read

  bool operator==(const ScrubFindings&) const = default;
};

/// A walk that has ended.
struct ScrubPass {
  WallTime began;
  WallTime ended;
  ScrubFindings found;

  bool operator==(const ScrubPass&) const = default;
};

/// What a shard's scrub keeps durably: how far the walk has come, and the last that ended. Written
/// now and then; docs/storage-formats.md has the layout.
struct ScrubState {
  /// The walk in progress; none between two.
  struct Walk {
    WallTime began;
    std::uint32_t next = 0;  ///< the first partition that it has not done with
    std::uint8_t stops = 0;  ///< of the process, since `next` was reached
    ScrubFindings found;

    bool operator==(const Walk&) const = default;
  };
  std::optional<Walk> walk;
  std::optional<ScrubPass> last;
  /// Bad records waited to be refilled: a restart forgets which.
  bool has_waiting = false;

  bool operator==(const ScrubState&) const = default;
};

/// In Space::meta.
[[nodiscard]] Bytes scrub_state_key();
[[nodiscard]] Bytes encode_scrub_state(const ScrubState& state);
/// Errors: corrupt, unsupported_version.
[[nodiscard]] Result<ScrubState> decode_scrub_state(BytesView bytes);

}  // namespace coterie::transfer
