#include "node/replica/purge.h"

#include <algorithm>

#include "base/limits.h"
#include "storage/versions.h"

namespace coterie::replica {
std::optional<wire::Purging> purgeable(const Record& record, Resolver resolver, WallTime now) {
  const auto long_ago =
      static_cast<std::uint64_t>((now - limits::expired_before_purge).time_since_epoch().count());
  const bool shows_nothing = std::ranges::all_of(record.siblings, [&](const Sibling& sibling) {
    const bool is_removed = resolver == Resolver::lww && sibling.is_delete;
    return is_removed || (sibling.expires_ms != 0 && sibling.expires_ms < long_ago);
  });
  if (shows_nothing) {
    if (!record.optional_fields.empty()) return std::nullopt;
    return wire::Purging::erase;
  }
  const auto dead = record.context.size() - trimmed(record).context.size();
  if (dead > limits::dead_actors_a_record) return wire::Purging::trim;
  return std::nullopt;
}

Result<Purged> purge(const wire::PurgeEntry& entry, std::optional<BytesView> local,
                     Resolver resolver, WallTime now) {
  if (!local) return Purged{};
  const auto record = decode_record(entry.key, *local);
  if (!record) return std::unexpected(record.error());
  if (digest(*record) != entry.digest) return Purged{};
  if (purgeable(*record, resolver, now) != entry.what) return Purged{};
  Purged out{.old_leaf_hash = leaf_hash(entry.key, entry.digest)};
  if (entry.what == wire::Purging::erase) {
    out.outcome = PurgeOutcome::erase;
    return out;
  }
  const Record kept = trimmed(*record);
  out.outcome = PurgeOutcome::rewrite;
  out.record = encode_record(entry.key, kept);
  out.new_leaf_hash = leaf_hash(entry.key, digest(kept));
  return out;
}

}  // namespace coterie::replica
