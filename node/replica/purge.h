#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/policy.h"
#include "base/wire/messages.h"
#include "storage/record.h"

namespace coterie::replica {

/// What a purge could do to a record, by this owner's clock; none: nothing. Erased is what shows
/// nobody anything and never will: tombstones, and values that expired limits::expired_before_purge
/// ago or earlier. A record with fields that this build does not know is never erased.
[[nodiscard]] std::optional<wire::Purging> purgeable(const Record& record, Resolver resolver,
                                                     WallTime now);

enum class PurgeOutcome : std::uint8_t { unchanged, erase, rewrite };

struct Purged {
  PurgeOutcome outcome = PurgeOutcome::unchanged;
  Bytes record;  ///< rewrite only
  std::uint64_t old_leaf_hash = 0;
  std::uint64_t new_leaf_hash = 0;
};

/// Compare and delete: does to the local record what `entry` says, if it is still the one that was
/// listed. Errors: corrupt, unsupported_version (local).
[[nodiscard]] Result<Purged> purge(const wire::PurgeEntry& entry, std::optional<BytesView> local,
                                   Resolver resolver, WallTime now);

}  // namespace coterie::replica
