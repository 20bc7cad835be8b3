#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"

namespace coterie::replica {

/// What a copy keeps durably of purges (DESIGN: deletes and expiry); in Space::meta, format in
/// docs/storage-formats.md.
struct PurgeState {
  Generation generation;  ///< PartitionCopy::generation()
  Generation purged;      ///< PartitionCopy::purged()
  /// The copy was found behind a finished purge: it is `unsure` until it has been refilled.
  bool is_destroyed = false;
  /// What a destroyed copy held has not all been erased yet.
  bool is_emptying = false;

  bool operator==(const PurgeState&) const = default;
};

[[nodiscard]] Bytes purge_state_key(PartitionId partition);
[[nodiscard]] Bytes encode_purge_state(const PurgeState& state);
/// Errors: corrupt, unsupported_version.
[[nodiscard]] Result<PurgeState> decode_purge_state(BytesView bytes);

}  // namespace coterie::replica
