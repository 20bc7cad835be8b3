#include "node/fallback_copies.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/limits.h"
#include "node/replica/mint.h"
#include "node/replica/purge_state.h"
#include "node/replica/read.h"
#include "storage/key.h"

namespace coterie {
namespace {

/// What holds nothing was read under no generation: it brings nothing back.
constexpr Generation of_nothing{UINT64_MAX};

}  // namespace

FallbackCopies::FallbackCopies(Store& store, DurableGate& gate, transfer::RecordHints& hints,
                               Random random)
    : store_(store), gate_(gate), hints_(hints), random_(random) {
  hints_.on_erased([this](PartitionId partition) { redraw(partition); });
}

void FallbackCopies::set_epoch(std::shared_ptr<const Epoch> epoch, NodeId self) {
  epoch_ = std::move(epoch);
  self_ = self;
  std::erase_if(copies_, [this](const auto& entry) { return epoch_->holds(self_, entry.first); });
  for (auto& [partition, copy] : copies_) {
    copy.raise_configuration(epoch_->configuration(partition));
  }
}

void FallbackCopies::redraw(PartitionId partition) {
  const auto copy = copies_.find(partition);
  if (copy != copies_.end()) copy->second.redraw(ActorId{random_.next()});
}

Result<replica::PartitionCopy*> FallbackCopies::find(const wire::ReplicaScope& scope,
                                                     replica::Use use) {
  if (stopped_) return fail(ErrorCode::unavailable, *stopped_);
  const PartitionId partition = scope.partition;
  if (partition.value >= epoch_->partitions() || epoch_->holds(self_, partition)) {
    return fail(ErrorCode::not_owner, "this node is no fallback of the partition; fetch the ring");
  }
  if (!hints_.is_counted()) {
    return fail(ErrorCode::unsure, "the hints of an earlier run are being counted");
  }
  auto at = copies_.find(partition);
  if (at == copies_.end()) {
    const auto stored = store_.get(Space::meta, replica::purge_state_key(partition));
    if (!stored) return std::unexpected(stored.error());
    // Of one who owned the partition once only what was purged binds: its own generation may be
    // above that of owners who are whole, and would take themselves for restored.
    Generation raised;
    if (*stored) {
      const auto state = replica::decode_purge_state(**stored);
      if (!state) return std::unexpected(state.error());
      raised = state->purged;
    }
    const ActorId actor{random_.next()};
    at = copies_.try_emplace(partition, partition, actor, epoch_->configuration(partition), raised)
             .first;
    // Nothing read below it is taken: once a round has been told that there are no hints, none may
    // come that it does not know of.
    at->second.raise_purged(raised);
  }
  if (auto checked = replica::check_scope(&at->second, scope, use); !checked) {
    return std::unexpected(checked.error());
  }
  return &at->second;
}

const Bucket* FallbackCopies::bucket_of(BytesView key) const {
  const auto parts = decode_key(key);
  return parts ? epoch_->bucket(parts->bucket) : nullptr;
}

Durability FallbackCopies::durability_of(BytesView key) const {
  const auto* bucket = bucket_of(key);
  return bucket == nullptr ? Durability::commit : bucket->durability;
}

bool FallbackCopies::vote(LogPosition position, Durability durability, coordinator::Tag tag) {
  if (gate_.is_durable(position, durability)) return true;
  gate_.vote(position, durability, tag);
  return false;
}

Result<void> FallbackCopies::check_staying() const {
  if (!epoch_->is_leaving(self_)) return {};
  return fail(ErrorCode::unavailable, "this node is leaving and keeps no more writes for others");
}

Result<coordinator::LocalMinted> FallbackCopies::mint(const wire::ReplicaScope& scope,
                                                      const coordinator::LocalPut& put,
                                                      coordinator::Tag tag) {
  if (auto stays = check_staying(); !stays) return std::unexpected(std::move(stays.error()));
  const auto found = find(scope, replica::Use::mint);
  if (!found) return std::unexpected(found.error());
  auto& copy = **found;
  const auto held = hints_.find(scope.partition, put.key);
  if (!held) return std::unexpected(held.error());
  if (held->is_damaged) redraw(scope.partition);
  const auto local = held->record.empty() ? std::nullopt : std::optional<BytesView>(held->record);
  auto minted = replica::mint(copy, hybrid_clock_, put.key, local,
                              {.id = put.put.id,
                               .context = put.put.context,
                               .value = put.put.value,
                               .is_delete = put.put.is_delete,
                               .expires_ms = put.expires_ms,
                               .resolver = put.resolver,
                               .now = put.now});
  if (!minted) return std::unexpected(minted.error());
  Generation generation = copy.generation();
  if (local) generation = std::min(generation, held->generation);
  LogPosition position = held->rests_on;
  if (minted->is_known) {
    minted_ = held->record;
  } else {
    minted_ = std::move(minted->record);
    const auto kept = hints_.keep({.target = put.intended,
                                   .partition = scope.partition,
                                   .key = put.key,
                                   .record = minted_,
                                   .generation = generation,
                                   .owners = put.owners},
                                  put.now);
    if (!kept) {
      redraw(scope.partition);
      return std::unexpected(kept.error());
    }
    position = *kept;
    ++counters_.minted;
  }
  return coordinator::LocalMinted{.record = minted_,
                                  .context = std::move(minted->context),
                                  .generation = generation,
                                  .dot = minted->dot,
                                  .timestamp = minted->timestamp,
                                  .siblings = minted->siblings,
                                  .is_durable = vote(position, put.durability, tag)};
}

Result<coordinator::LocalMerged> FallbackCopies::merge(const wire::ReplicaScope&, BytesView,
                                                       BytesView, Resolver, coordinator::Tag) {
  return fail(ErrorCode::refused, "fallbacks are not repaired");
}

Result<coordinator::LocalRead> FallbackCopies::read(const wire::ReplicaScope& scope, BytesView key,
                                                    std::optional<Durability> durability,
                                                    coordinator::Tag tag) {
  auto found = read(wire::ReplicaRead{.scope = scope, .key = key, .stands_in = true});
  if (!found) return std::unexpected(found.error());
  return coordinator::LocalRead{
      .digest = found->digest,
      .record = std::move(found->record),
      .generation = found->rests.generation,
      .purged = found->rests.purged,
      .is_durable = vote(found->rests.position, durability.value_or(found->rests.durability), tag)};
}

Result<coordinator::LocalScan> FallbackCopies::scan(const wire::ReplicaScan& message,
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

/// A fallback's generation is a round's to raise, durably: what is only heard of changes nothing.
void FallbackCopies::heard_of_purge(PartitionId, Generation) {}

Result<LocalCopies::Rests> FallbackCopies::write(const wire::ReplicaWrite& message, WallTime now) {
  const auto found = find(message.scope, replica::Use::write);
  if (!found) return std::unexpected(found.error());
  if (auto stays = check_staying(); !stays) return std::unexpected(std::move(stays.error()));
  const auto* bucket = bucket_of(message.key);
  if (bucket == nullptr || !bucket->sloppy) {
    return fail(ErrorCode::refused, "the bucket is strict: fallbacks keep nothing of it");
  }
  if (!epoch_->holds(message.intended, message.scope.partition)) {
    return fail(ErrorCode::not_owner, "whom the write is meant for does not own the key");
  }
  if (store_.backlog() == Backlog::replicas_wait) {
    return std::unexpected(Error{.code = ErrorCode::overloaded,
                                 .message = "the disk is far behind: a checkpoint must end first",
                                 .retry_after_ms = 100});
  }
  const auto kept = hints_.keep({.target = message.intended,
                                 .partition = message.scope.partition,
                                 .key = message.key,
                                 .record = message.record,
                                 .generation = message.scope.generation,
                                 .owners = message.owners},
                                now);
  if (!kept) return std::unexpected(kept.error());
  ++counters_.kept;
  return LocalCopies::Rests{.position = *kept,
                            .durability = message.durability == wire::Durability::interval
                                              ? Durability::interval
                                              : Durability::commit,
                            .generation = (*found)->generation()};
}

Result<LocalCopies::Read> FallbackCopies::read(const wire::ReplicaRead& message) {
  if (!message.stands_in) {
    return fail(ErrorCode::not_owner, "this node does not own the key; fetch the ring");
  }
  const auto found = find(message.scope, replica::Use::read);
  if (!found) return std::unexpected(found.error());
  ++counters_.reads;
  auto held = hints_.find(message.scope.partition, message.key);
  if (!held) return std::unexpected(held.error());
  const auto digest = replica::read_digest(
      message.key, held->record.empty() ? std::nullopt : std::optional<BytesView>(held->record));
  if (!digest) return std::unexpected(digest.error());
  LocalCopies::Read out{
      .digest = *digest,
      .rests = {.position = held->rests_on,
                .durability = durability_of(message.key),
                .generation = held->record.empty() ? of_nothing : held->generation}};
  if (!message.digest_only) out.record = std::move(held->record);
  return out;
}

Result<LocalCopies::Page> FallbackCopies::scan(const wire::ReplicaScan& message) {
  if (!message.stands_in) {
    return fail(ErrorCode::not_owner, "this node does not own the key; fetch the ring");
  }
  const auto found = find(message.scope, replica::Use::read);
  if (!found) return std::unexpected(found.error());
  const std::size_t most =
      message.limit_records == 0
          ? limits::scan_page_records
          : std::min<std::size_t>(message.limit_records, limits::scan_page_records);
  const auto keys = hints_.keys(message.scope.partition, message.from, message.to, most);
  if (!keys) return std::unexpected(keys.error());
  LocalCopies::Page out{.is_truncated = keys->is_truncated,
                        .rests = {.position = store_.last(), .generation = of_nothing}};
  std::size_t bytes = 0;
  for (const auto& key : keys->keys) {
    auto held = hints_.find(message.scope.partition, key);
    if (!held) return std::unexpected(held.error());
    if (held->record.empty()) continue;
    bytes += key.size() + held->record.size();
    if (!out.entries.empty() && bytes > limits::scan_page_bytes) {
      out.is_truncated = true;
      break;
    }
    out.rests.generation = std::min(out.rests.generation, held->generation);
    out.entries.push_back({.key = key, .record = std::move(held->record)});
  }
  return out;
}

Result<LocalCopies::Rests> FallbackCopies::purge_raise(const wire::PurgeRaise& message) {
  const auto found = find(message.scope, replica::Use::read);
  if (!found) return std::unexpected(found.error());
  auto& copy = **found;
  const PartitionId partition = message.scope.partition;
  if (const auto held = hints_.hints_of_partition(partition); held > 0) {
    return fail(ErrorCode::unavailable,
                "it keeps " + std::to_string(held) + " hints of sloppy writes for the owners");
  }
  if (message.scope.generation > copy.generation()) {
    copy.raise_purged(message.scope.generation);
    Write write{.space = Space::meta,
                .key = replica::purge_state_key(partition),
                .value = replica::encode_purge_state({.generation = copy.generation(),
                                                      .purged = copy.generation(),
                                                      .is_destroyed = false,
                                                      .is_emptying = false})};
    if (auto kept = store_.append(std::span(&write, 1)); !kept) {
      return std::unexpected(kept.error());
    }
  }
  // Also that the hints have gone: an erasure that is not synced yet would bring them back.
  return LocalCopies::Rests{.position = store_.last(), .generation = copy.generation()};
}

}  // namespace coterie
