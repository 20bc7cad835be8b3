#include "node/replica/mint.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "storage/versions.h"

namespace coterie::replica {

namespace {

std::uint16_t count_of(const Record& record) {
  return static_cast<std::uint16_t>(std::min<std::size_t>(record.siblings.size(), UINT16_MAX));
}

Minted known(BytesView key, const Record& record, const ClientContext& seen,
             const Sibling& sibling) {
  const std::uint64_t version = digest(record);
  const std::uint64_t leaf = leaf_hash(key, version);
  return {
      .context = encode_context(key, context_after(record, seen, sibling.dot, sibling.timestamp)),
      .dot = sibling.dot,
      .timestamp = sibling.timestamp,
      .digest = version,
      .old_leaf_hash = leaf,
      .new_leaf_hash = leaf,
      .siblings = count_of(record),
      .is_known = true};
}

Result<Record> apply(const Record& before, const ClientContext& context, const MintRequest& request,
                     const Dot& dot, Timestamp timestamp) {
  if (request.is_delete && request.resolver == Resolver::siblings) {
    const Result<void> admitted = admits_remove(before, context.seen, dot);
    if (!admitted) return std::unexpected(admitted.error());
    return remove(before, context.seen, dot);
  }
  const Sibling write{.dot = dot,
                      .timestamp = timestamp,
                      .expires_ms = request.expires_ms,
                      .request = request.id,
                      .is_delete = request.is_delete,
                      .value = request.is_delete ? BytesView{} : request.value};
#ifndef COTERIE_PLANT_LWW_LOSER  // defined only where a test must see its absence
  const Result<void> admitted = admits_put(before, context.seen, write, request.resolver);
  if (!admitted) return std::unexpected(admitted.error());
#endif
  return put(before, context.seen, write, request.resolver);
}

}  // namespace

Result<Minted> mint(PartitionCopy& copy, HybridClock& clock, BytesView key,
                    std::optional<BytesView> local, const MintRequest& request) {
  check(copy.state() == CopyState::full, "an unsure copy mints nothing");
  const Result<ClientContext> context = decode_context(key, request.context);
  if (!context) return std::unexpected(context.error());
  Record before;
  if (local) {
    Result<Record> decoded = decode_record(key, *local);
    if (!decoded) return fail(ErrorCode::corrupt, decoded.error().message);
    before = std::move(*decoded);
    if (!request.id.is_zero()) {
      const auto same = std::ranges::find(before.siblings, request.id, &Sibling::request);
      if (same != before.siblings.end()) return known(key, before, *context, *same);
    }
  }

#ifndef COTERIE_PLANT_KEPT_ACTOR  // defined only where a test must see it
  const std::uint64_t own = before.context.sequence(copy.actor());
  check(own >= request.minted_before, "an actor mints over a record that reflects its own dots");
  check(own <= copy.last_sequence(), "no record names a dot that this actor has yet to mint");
#endif

  const Timestamp floor = std::max(greatest_timestamp(before), context->greatest);
#ifdef COTERIE_PLANT_LWW_LOSER
  static_cast<void>(floor);
  const Timestamp timestamp = clock.make(request.now);
#else
  const Timestamp timestamp = request.resolver == Resolver::lww
                                  ? clock.make_above(request.now, floor)
                                  : clock.make(request.now);
#endif
  const Dot dot = copy.next_dot();
  const Result<Record> after = apply(before, *context, request, dot, timestamp);
  if (!after) return std::unexpected(after.error());
  Minted minted{.record = encode_record(key, *after),
                .context = encode_context(key, context_after(*after, *context, dot, timestamp)),
                .dot = dot,
                .timestamp = timestamp,
                .siblings = count_of(*after)};
  minted.digest = digest_of_encoded(minted.record);
  minted.old_leaf_hash = local ? leaf_hash(key, digest_of_encoded(*local)) : 0;
  minted.new_leaf_hash = leaf_hash(key, minted.digest);
  return minted;
}

}  // namespace coterie::replica
