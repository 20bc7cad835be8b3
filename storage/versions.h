#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/policy.h"
#include "storage/record.h"

namespace coterie {

/// Dotted version vectors as a container of siblings: Almeida, Baquero, Gonçalves, Preguiça, Fonte,
/// "Scalable and Accurate Causality Tracking for Eventually Consistent Stores" (2014), and DESIGN:
/// versions. All functions are pure; results borrow the values of what they were given.

/// `write` replaces what `seen` covers. Its dot must be newly minted by an actor whose every
/// earlier dot for this key `record` reflects. A siblings-delete passes no write: see remove().
[[nodiscard]] Record put(const Record& record, const VersionVector& seen, const Sibling& write,
                         Resolver resolver);

/// Drops the siblings that `seen` covers and keeps the context: the tombstone of a siblings bucket.
/// With a `dot`, the context takes it in as well, so that the delete is itself a nameable write.
[[nodiscard]] Record remove(const Record& record, const VersionVector& seen, const Dot& dot);

/// Merges two copies. Commutative, associative, idempotent; nothing uncovered is dropped.
[[nodiscard]] Record sync(const Record& a, const Record& b, Resolver resolver);

/// `a` holds all that `b` says: sync(a, b) == a, told from dots and contexts alone.
[[nodiscard]] bool descends(const Record& a, const Record& b);

/// The greatest timestamp among the siblings.
[[nodiscard]] Timestamp greatest_timestamp(const Record& record);

/// What clients hand back with a put: a context bound to its key, with the greatest timestamp seen.
struct ClientContext {
  VersionVector seen;
  Timestamp greatest;
};

[[nodiscard]] Bytes encode_context(BytesView key, const ClientContext& context);
/// Errors: wrong_context (of another key), invalid_argument (no context at all). Empty bytes: an
/// empty context, for a blind put.
[[nodiscard]] Result<ClientContext> decode_context(BytesView key, BytesView bytes);

}  // namespace coterie
