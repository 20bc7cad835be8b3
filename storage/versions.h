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
/// earlier dot for this key `record` reflects. In an lww bucket its timestamp must exceed
/// greatest_timestamp(record) and the client context's `greatest`; a delete there is a put of a
/// sibling with is_delete. A siblings-delete passes no write: see remove().
[[nodiscard]] Record put(const Record& record, const VersionVector& seen, const Sibling& write,
                         Resolver resolver);

/// Whether put() may be done with outside input, to be asked before it. Nothing that shrinks a
/// record is refused for its size. Errors: too_many_siblings (would grow beyond
/// limits::siblings_most), too_large (values would grow beyond limits::record_bytes, or the context
/// beyond limits::context_actors_put), invalid_argument (`seen` covers the write's new dot: the
/// client made it up), internal (an lww write's timestamp does not exceed the record's).
[[nodiscard]] Result<void> admits_put(const Record& record, const VersionVector& seen,
                                      const Sibling& write, Resolver resolver);

/// Drops the siblings that `seen` covers (none of them, if it is empty) and keeps the context: the
/// tombstone of a siblings bucket. The context takes in `dot`, minted as for put(), so that the
/// delete is itself a nameable write that a copy has or lacks.
[[nodiscard]] Record remove(const Record& record, const VersionVector& seen, const Dot& dot);

/// As admits_put(), for remove(); the same errors as far as they apply.
[[nodiscard]] Result<void> admits_remove(const Record& record, const VersionVector& seen,
                                         const Dot& dot);

/// Whether sync() may be done with records from outside: a merged context beyond
/// limits::context_actors can not be stored. Errors: too_large.
[[nodiscard]] Result<void> admits_sync(const Record& a, const Record& b);

/// Merges two copies. Commutative, associative, idempotent; nothing uncovered is dropped, which is
/// checked. Optional fields are united.
[[nodiscard]] Record sync(const Record& a, const Record& b, Resolver resolver);

/// `a` holds all that `b` says: sync(a, b) == a, told from dots, contexts and optional fields.
[[nodiscard]] bool descends(const Record& a, const Record& b);

/// The record with a context of the actors of its live dots only; the same for the same record. To
/// be stored only where all owners hold the record alike (DESIGN: deletes and expiry): what the
/// context then forgets all know to be overwritten, and no message that says otherwise is taken.
[[nodiscard]] Record trimmed(const Record& record);

/// The greatest timestamp among the siblings.
[[nodiscard]] Timestamp greatest_timestamp(const Record& record);

/// What clients hand back with a put: a context bound to its key, with the greatest timestamp seen.
struct ClientContext {
  VersionVector seen;
  Timestamp greatest;

  bool operator==(const ClientContext&) const = default;
};

/// The context for the reply to a put or remove that gave `after`. Where nothing of others is left
/// beside the client's write, all that `after` knows: the client replaced it or somebody else did.
/// Otherwise what it handed in, so that its next put cannot silently drop siblings it never saw
/// (not even its own dot is added: a vector cannot name an actor's third write without the second);
/// that put becomes one more sibling, until the client reads.
[[nodiscard]] ClientContext context_after(const Record& after, const ClientContext& before,
                                          const Dot& dot, Timestamp timestamp);

[[nodiscard]] Bytes encode_context(BytesView key, const ClientContext& context);
/// Errors: wrong_context (of another key), invalid_argument (no context at all),
/// unsupported_version. Empty bytes: an empty context, for a blind put.
[[nodiscard]] Result<ClientContext> decode_context(BytesView key, BytesView bytes);

/// The checksum that ends an encoded context whose bytes before it are `body`; for tests.
[[nodiscard]] std::uint64_t context_checksum(BytesView body);

}  // namespace coterie
