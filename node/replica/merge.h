#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "base/policy.h"
#include "node/replica/partition_copy.h"

namespace coterie::replica {

/// What shall be stored after a merge.
enum class MergeOutcome : std::uint8_t {
  unchanged,      ///< local holds all that came; the answer still waits for what it rests on
  take_incoming,  ///< the incoming bytes as they are
  take_merged,    ///< `Merged::record`
};

struct Merged {
  MergeOutcome outcome = MergeOutcome::unchanged;
  Bytes record;              ///< take_merged only
  std::uint64_t digest = 0;  ///< of what is held afterwards
  std::uint64_t old_leaf_hash = 0;
  std::uint64_t new_leaf_hash = 0;
  /// The record names a dot of this copy's own actor that the local record does not know: the copy
  /// forgot. The caller redraws the actor before it mints again.
  bool forgot_own_dot = false;
  /// A damaged local record is replaced (Write::replaces_damaged). It may have shown dots of the
  /// copy's own actor that nobody else has heard of: the caller redraws it.
  bool replaced_damaged = false;
};

struct MergeOptions {
  Resolver resolver = Resolver::siblings;
  /// The incoming record is the merged answer of a read quorum (a coordinator's read repair): it
  /// may stand in for a damaged local one. One client's write may not: what was lost with the
  /// damaged record would then be missing unseen.
  bool replaces_damaged = false;
};

/// Merges `incoming` (a record's bytes from another owner) into the local record. Needs
/// check_scope(Use::write). Errors: corrupt, unsupported_version or too_large (incoming: nothing to
/// do but refuse; it is checked first); unsure (local is damaged and `replaces_damaged` is not set:
/// quarantine it, redraw the actor).
[[nodiscard]] Result<Merged> merge(const PartitionCopy& copy, BytesView key,
                                   std::optional<BytesView> local, BytesView incoming,
                                   const MergeOptions& options);

}  // namespace coterie::replica
