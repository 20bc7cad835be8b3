#include "node/local_copies.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "node/replica/merge.h"
#include "node/replica/mint.h"
#include "node/replica/read.h"
#include "storage/key.h"
#include "storage/record.h"

namespace coterie {
namespace {

std::optional<BytesView> view(const std::optional<Bytes>& bytes) {
  return bytes ? std::optional<BytesView>(*bytes) : std::nullopt;
}

}  // namespace

void LocalCopies::set_epoch(std::shared_ptr<const Epoch> epoch, NodeId self, ShardIndex shard,
                            std::uint16_t shards) {
  epoch_ = std::move(epoch);
  const bool is_start = by_partition_.empty();
  by_partition_.resize(epoch_->partitions());
  self_ = self;
  const auto damaged = store_.status().damaged;
  for (const auto partition : epoch_->partitions_held_by(self)) {
    if (partition.value % shards == shard.value) hold(partition, damaged);
  }
  if (is_start) begin_in_doubt();
  let_go(shard, shards);
  const bool has_work = !unkept_fences_.empty() || !emptying_.empty() || !erasing_.empty();
  if (has_work && on_work_) on_work_();
}

replica::PartitionCopy* LocalCopies::find(PartitionId partition) {
  return partition.value < by_partition_.size() ? by_partition_[partition.value] : nullptr;
}

Result<void> LocalCopies::check_scope(const replica::PartitionCopy* copy,
                                      const wire::ReplicaScope& scope, replica::Use use,
                                      Durability of) const {
  if (stopped_) return fail(ErrorCode::unavailable, *stopped_);
  return replica::check_scope(copy, scope, use, of);
}

const replica::PartitionCopy* LocalCopies::copy(PartitionId partition) const {
  return partition.value < by_partition_.size() ? by_partition_[partition.value] : nullptr;
}

std::size_t LocalCopies::unsure_copies() const {
  return static_cast<std::size_t>(std::ranges::count_if(copies_, [](const auto& entry) {
    return entry.second.state() == replica::CopyState::unsure;
  }));
}

Durability LocalCopies::durability_of(BytesView key) const {
  const auto parts = decode_key(key);
  return parts ? durability_of(parts->bucket) : Durability::commit;
}

Resolver LocalCopies::resolver_of(BytesView key) const {
  const auto parts = decode_key(key);
  const auto* bucket = parts ? epoch_->bucket(parts->bucket) : nullptr;
  return bucket == nullptr ? Resolver::siblings : bucket->resolver;
}

bool LocalCopies::is_of_known_bucket(BytesView key) const {
  const auto parts = decode_key(key);
  return parts && epoch_->bucket(parts->bucket) != nullptr;
}

void LocalCopies::redraw(replica::PartitionCopy& copy) {
  copy.redraw(ActorId{random_.next()});
  ++counters_.actors_redrawn;
}

std::unexpected<Error> LocalCopies::damaged(replica::PartitionCopy& copy, BytesView key,
                                            const Error& error) {
  if (error.code == ErrorCode::corrupt || error.code == ErrorCode::unsure) {
    ++counters_.damaged_records;
    redraw(copy);
    if (on_damage_) on_damage_(copy.partition(), key);
    return fail(ErrorCode::unsure, "this copy of the record is damaged: " + error.message);
  }
  return std::unexpected(error);
}

Result<LogPosition> LocalCopies::append(BytesView key, Bytes record, std::uint64_t old_hash,
                                        std::uint64_t new_hash, bool replaces_damaged) {
  Write write{.space = Space::records,
              .key = Bytes(key),
              .value = std::move(record),
              .old_leaf_hash = old_hash,
              .new_leaf_hash = new_hash,
              .replaces_damaged = replaces_damaged};
  return store_.append(std::span(&write, 1));
}

bool LocalCopies::vote(LogPosition position, Durability durability, coordinator::Tag tag) {
  if (gate_.is_durable(position, durability)) return true;
  gate_.vote(position, durability, tag);
  return false;
}

Result<coordinator::LocalMinted> LocalCopies::mint(const wire::ReplicaScope& scope,
                                                   const coordinator::LocalPut& put,
                                                   coordinator::Tag tag) {
  auto* copy = find(scope.partition);
  if (auto checked = check_scope(copy, scope, replica::Use::mint); !checked) {
    return std::unexpected(checked.error());
  }
  auto stored = store_.read(Space::records, put.key);
  if (!stored) return std::unexpected(stored.error());
  const replica::MintRequest request{
      .id = put.put.id,
      .context = put.put.context,
      .value = put.put.value,
      .is_delete = put.put.is_delete,
      .expires_ms = put.expires_ms,
      .resolver = put.resolver,
      .now = put.now,
      .minted_before = minted_keys_.sequence(put.key, copy->actor())};
  auto minted = replica::mint(*copy, hybrid_clock_, put.key, view(stored->value), request);
  if (!minted) return damaged(*copy, put.key, minted.error());
  LogPosition position = stored->rests_on;
  if (minted->is_known) {
    minted_ = *std::move(stored->value);
#ifdef COTERIE_PLANT_EARLY_NOOP  // defined only where a test must see it
    position = LogPosition{};
#endif
  } else {
    minted_ = std::move(minted->record);
    const auto appended = append(put.key, minted_, minted->old_leaf_hash, minted->new_leaf_hash);
    if (!appended) {
      redraw(*copy);
      return std::unexpected(appended.error());
    }
    position = *appended;
    minted_keys_.note(put.key, minted->dot);
    ++counters_.minted;
#ifdef COTERIE_PLANT_LONE_DOT  // defined only where a test must see it
    auto lone = *decode_record(put.key, minted_);
    lone.siblings.erase_if([&](const Sibling& each) { return each.dot != minted->dot; });
    minted_ = encode_record(put.key, lone);
#endif
  }
  return coordinator::LocalMinted{.record = minted_,
                                  .context = std::move(minted->context),
                                  .generation = copy->generation(),
                                  .dot = minted->dot,
                                  .timestamp = minted->timestamp,
                                  .siblings = minted->siblings,
                                  .is_durable = vote(position, put.durability, tag)};
}

Result<LogPosition> LocalCopies::take(replica::PartitionCopy& copy, Generation generation,
                                      BytesView key, BytesView record, Resolver resolver,
                                      bool replaces_damaged) {
  if (store_.backlog() == Backlog::replicas_wait) {
    return std::unexpected(Error{.code = ErrorCode::overloaded,
                                 .message = "the disk is far behind: a checkpoint must end first",
                                 .retry_after_ms = 100});
  }
  if (copy.state() == replica::CopyState::filling && generation > copy.generation()) {
    // All owners had promised it before anything was purged under it.
    copy.raise_generation(generation);
    if (auto kept = keep_purge_state(copy, false); !kept) return kept;
  }
  const auto stored = store_.read(Space::records, key);
  if (!stored) return std::unexpected(stored.error());
  auto merged = replica::merge(copy, key, view(stored->value), record,
                               {.resolver = resolver, .replaces_damaged = replaces_damaged});
  if (!merged) {
    if (merged.error().code == ErrorCode::unsure) return damaged(copy, key, merged.error());
    ++counters_.refused_records;
    return std::unexpected(merged.error());
  }
  if (merged->replaced_damaged && generation < copy.generation()) {
    // A purge may be going on, or over elsewhere, of the tombstone that went bad here.
    return std::unexpected(
        Error{.code = ErrorCode::stale_configuration,
              .message = "the record was read before a generation that this copy has promised",
              .generation = copy.generation().value});
  }
  if (merged->forgot_own_dot || merged->replaced_damaged) redraw(copy);
  if (merged->outcome == replica::MergeOutcome::unchanged) {
    ++counters_.merges_unchanged;
#ifdef COTERIE_PLANT_EARLY_NOOP  // defined only where a test must see it
    return LogPosition{};
#endif
    return stored->rests_on;
  }
  ++counters_.merged;
  return append(key,
                merged->outcome == replica::MergeOutcome::take_incoming ? Bytes(record)
                                                                        : std::move(merged->record),
                merged->old_leaf_hash, merged->new_leaf_hash, merged->replaced_damaged);
}

Result<coordinator::LocalMerged> LocalCopies::merge(const wire::ReplicaScope& scope, BytesView key,
                                                    BytesView record, Resolver resolver,
                                                    coordinator::Tag tag) {
  auto* copy = find(scope.partition);
  if (auto checked = check_scope(copy, scope, replica::Use::write); !checked) {
    return std::unexpected(checked.error());
  }
  const auto position = take(*copy, scope.generation, key, record, resolver, true);
  if (!position) return std::unexpected(position.error());
  return coordinator::LocalMerged{.is_durable = vote(*position, durability_of(key), tag)};
}

Result<coordinator::LocalRead> LocalCopies::read(const wire::ReplicaScope& scope, BytesView key,
                                                 std::optional<Durability> durability,
                                                 coordinator::Tag tag) {
  auto found = read(wire::ReplicaRead{.scope = scope, .key = key, .digest_only = false});
  if (!found) return std::unexpected(found.error());
  return coordinator::LocalRead{
      .digest = found->digest,
      .record = std::move(found->record),
      .generation = found->rests.generation,
      .purged = found->rests.purged,
      .is_durable = vote(found->rests.position, durability.value_or(found->rests.durability), tag)};
}

Result<coordinator::LocalScan> LocalCopies::scan(const wire::ReplicaScan& message,
                                                 coordinator::Tag tag) {
  auto page = scan(message);
  if (!page) return std::unexpected(page.error());
  return coordinator::LocalScan{
      .entries = std::move(page->entries),
      .is_truncated = page->is_truncated,
      .generation = page->rests.generation,
      .purged = page->rests.purged,
      .is_durable = vote(page->rests.position, page->rests.durability, tag)};
}

Result<LocalCopies::Rests> LocalCopies::write(const wire::ReplicaWrite& message) {
  auto* copy = find(message.scope.partition);
  const auto checked = check_scope(copy, message.scope, replica::Use::write);
  if (!checked && (stopped_ || copy == nullptr || !replica::may_keep(*copy, message.scope))) {
    return std::unexpected(checked.error());
  }
  const auto position = take(*copy, message.scope.generation, message.key, message.record,
                             resolver_of(message.key), message.is_repair);
  if (!checked) return std::unexpected(checked.error());
  if (!position) return std::unexpected(position.error());
  return Rests{.position = *position,
               .durability = message.durability == wire::Durability::interval ? Durability::interval
                                                                              : Durability::commit,
               .generation = copy->generation(),
               .purged = copy->purged()};
}

Result<LocalCopies::Read> LocalCopies::read(const wire::ReplicaRead& message) {
  auto* copy = find(message.scope.partition);
  const Durability durability = durability_of(message.key);
  if (auto checked = check_scope(copy, message.scope, replica::Use::read, durability); !checked) {
    return std::unexpected(checked.error());
  }
  ++counters_.reads;
  auto stored = store_.read(Space::records, message.key);
  if (!stored) return std::unexpected(stored.error());
  const auto digest = replica::read_digest(message.key, view(stored->value));
  if (!digest) return damaged(*copy, message.key, digest.error());
  Read out{.digest = *digest,
           .rests = {.position = stored->rests_on,
                     .durability = durability,
                     .generation = copy->generation(),
                     .purged = copy->purged()}};
  if (!message.digest_only && stored->value) out.record = *std::move(stored->value);
  return out;
}

Result<LocalCopies::Page> LocalCopies::scan(const wire::ReplicaScan& message) {
  auto* copy = find(message.scope.partition);
  // An older build's names no bucket.
  const Durability durability =
      message.bucket.value == 0 ? Durability::interval : durability_of(message.bucket);
  if (auto checked = check_scope(copy, message.scope, replica::Use::read, durability); !checked) {
    return std::unexpected(checked.error());
  }
  return page(*copy, message.from, message.to, message.limit_records);
}

Result<LocalCopies::Page> LocalCopies::page(replica::PartitionCopy& copy, BytesView from,
                                            BytesView to, std::uint32_t limit_records) {
  const std::size_t most = limit_records == 0
                               ? limits::scan_page_records
                               : std::min<std::size_t>(limit_records, limits::scan_page_records);
  // A page shows many records, the newest among them: it rests on everything appended.
  Page out{.rests = {.position = store_.last(),
                     .durability = Durability::commit,
                     .generation = copy.generation(),
                     .purged = copy.purged()}};
  std::size_t bytes = 0;
  std::optional<Error> bad;
  Bytes bad_key;
  const auto visit = [&](BytesView key, BytesView value) {
    const bool is_full =
        out.entries.size() >= most ||
        (!out.entries.empty() && bytes + key.size() + value.size() > limits::scan_page_bytes);
    if (is_full) {
      out.is_truncated = true;
      return false;
    }
    if (auto digest = replica::read_digest(key, value); !digest) {
      bad = digest.error();
      bad_key = key;
      return false;
    }
    bytes += key.size() + value.size();
    out.entries.push_back({.key = Bytes(key), .record = Bytes(value)});
    return true;
  };
  if (auto scanned = store_.scan(Space::records, from, to, visit); !scanned) {
    return std::unexpected(scanned.error());
  }
  if (bad) return damaged(copy, bad_key, *bad);
  return out;
}

Result<LocalCopies::Inspected> LocalCopies::inspect(const wire::ReplicaInspect& message) const {
  const auto* own = copy(message.scope.partition);
  if (own == nullptr) return fail(ErrorCode::not_owner, "this node has no copy of the partition");
  const auto parts = decode_key(message.key);
  if (!parts) return std::unexpected(parts.error());
  auto stored = store_.read(Space::records, message.key);
  if (!stored) return std::unexpected(stored.error());
  Inspected out{.generation = own->generation()};
  const auto digest = replica::read_digest(message.key, view(stored->value));
  if (!digest) return std::unexpected(digest.error());
  out.digest = *digest;
  if (stored->value) out.record = *std::move(stored->value);
  if (const auto* tree = store_.tree(message.scope.partition)) {
    out.leaf = tree->leaf(tree->leaf_of(parts->token));
    out.root = tree->root();
  }
  return out;
}

}  // namespace coterie
