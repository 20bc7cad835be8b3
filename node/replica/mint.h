#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hlc.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/policy.h"
#include "node/replica/partition_copy.h"
#include "storage/record.h"

namespace coterie::replica {

/// A client's put or delete, as the owner that mints its dot sees it.
struct MintRequest {
  RequestId id;       ///< zero: not recognised when it is tried again
  BytesView context;  ///< as the client handed it in; empty: a blind put
  BytesView value;
  bool is_delete = false;
  std::uint64_t expires_ms = 0;  ///< absolute wall milliseconds; 0 never
  Resolver resolver = Resolver::siblings;
  WallTime now;
  /// The last sequence that the copy's actor is known to have minted for the key; checked: the
  /// local record reflects it.
  std::uint64_t minted_before = 0;
};

struct Minted {
  /// To store and to send to the other owners as it is. Empty where `is_known`: the local record
  /// stays.
  Bytes record;
  /// What the client is given back (context_after, storage/versions.h).
  Bytes context;
  Dot dot;
  Timestamp timestamp;
  std::uint64_t digest = 0;
  /// For the store's tree.
  std::uint64_t old_leaf_hash = 0;
  std::uint64_t new_leaf_hash = 0;
  /// Of the record, the new one included.
  std::uint16_t siblings = 0;
  /// The request was minted before, here or by another owner: `dot` is the one it was given.
  bool is_known = false;
};

/// Applies a client's put to the local record (`local`: its bytes, none where there is none), under
/// a new dot of `copy`. Needs check_scope(Use::mint). The caller appends `record` before anything
/// else is minted or merged for the key; if that fails it sends nothing and redraws the actor.
/// Errors: wrong_context, invalid_argument (context), too_many_siblings, too_large; corrupt: the
/// local record is damaged: quarantine it, redraw the actor, make the copy answer `unsure` for it.
[[nodiscard]] Result<Minted> mint(PartitionCopy& copy, HybridClock& clock, BytesView key,
                                  std::optional<BytesView> local, const MintRequest& request);

}  // namespace coterie::replica
