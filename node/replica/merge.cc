#include "node/replica/merge.h"

#include "storage/record.h"
#include "storage/versions.h"

namespace coterie::replica {

namespace {

/// The greatest of the copy's own dots in `incoming` that `local` lacks: an actor's dots are in the
/// local record before anybody else hears of them.
bool shows_forgotten_dot(const PartitionCopy& copy, const Record& incoming, const Record& local) {
  for (const auto& [actor, sequence] : incoming.context.entries()) {
    if (actor == copy.actor()) {
      return !local.context.covers(Dot{.actor = actor, .sequence = sequence});
    }
  }
  return false;
}

Merged taken(BytesView key, BytesView incoming) {
  const std::uint64_t version = digest_of_encoded(incoming);
  return {.outcome = MergeOutcome::take_incoming,
          .digest = version,
          .new_leaf_hash = leaf_hash(key, version)};
}

}  // namespace

Result<Merged> merge(const PartitionCopy& copy, BytesView key, std::optional<BytesView> local,
                     BytesView incoming, const MergeOptions& options) {
  const Result<Record> theirs = decode_record(key, incoming);
  if (!theirs) return std::unexpected(theirs.error());
  if (!local) {
    Merged merged = taken(key, incoming);
    merged.forgot_own_dot = shows_forgotten_dot(copy, *theirs, Record{});
    return merged;
  }

  const Result<Record> ours = decode_record(key, *local);
  if (!ours) {
    if (options.replaces_damaged) {
      Merged merged = taken(key, incoming);
      merged.replaced_damaged = true;
      return merged;
    }
    return fail(ErrorCode::unsure, "the local record is damaged: " + ours.error().message);
  }
  Merged merged;
  const std::uint64_t our_version = digest_of_encoded(*local);
  if (descends(*ours, *theirs)) {
    merged.digest = our_version;
  } else if (descends(*theirs, *ours)) {
    merged = taken(key, incoming);
  } else {
    if (auto admitted = admits_sync(*ours, *theirs); !admitted) {
      return std::unexpected(admitted.error());
    }
    const Record both = sync(*ours, *theirs, options.resolver);
    merged.outcome = MergeOutcome::take_merged;
    merged.record = encode_record(key, both);
    merged.digest = digest_of_encoded(merged.record);
  }
  merged.old_leaf_hash = leaf_hash(key, our_version);
  merged.new_leaf_hash = leaf_hash(key, merged.digest);
  merged.forgot_own_dot = shows_forgotten_dot(copy, *theirs, *ours);
  return merged;
}

}  // namespace coterie::replica
