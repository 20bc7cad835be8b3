#include "node/purge_performer.h"

#include <utility>

#include "base/limits.h"
#include "base/wire/codec.h"

namespace coterie {
namespace {

Result<transfer::PurgeListing> listing_of(const wire::PurgeListReply& reply) {
  transfer::PurgeListing out{.reach = Bytes(reply.reach),
                             .generation = reply.generation,
                             .purged = reply.purged,
                             .actor = reply.actor};
  out.entries.reserve(reply.entries.size());
  for (const auto& entry : reply.entries) {
    out.entries.push_back({.key = Bytes(entry.key), .digest = entry.digest, .what = entry.what});
  }
  return out;
}

Result<Generation> raised_of(const wire::PurgeRaiseReply& reply) {
  return reply.generation;
}

Result<void> applied_of(const wire::PurgeApplyReply& /*its counts are the owner's own*/) {
  return {};
}

}  // namespace

wire::ReplicaScope PurgePerformer::scope(PartitionId partition, Generation generation) const {
  return {.partition = partition,
          .configuration = view_->epoch->configuration(partition),
          .generation = generation};
}

template <class Reply, class Out, class Message>
void PurgePerformer::ask(NodeId owner, const Message& message, Done<Out> done,
                         Result<Out> (*take)(const Reply& reply)) {
  // Both ways out want it, and only one is taken.
  auto shared = std::make_shared<Done<Out>>(std::move(done));
  const auto answered = [shared, take](const Result<Reply>& reply) {
    if (!reply) return (*shared)(std::unexpected(reply.error()));
    (*shared)(take(*reply));
  };
  if (parts_.calls.ask<Reply>(owner, message, limits::purge_patience, answered)) return;
  (*shared)(fail(ErrorCode::unavailable, "its peer door cannot be reached now"));
}

void PurgePerformer::list(NodeId owner, PartitionId partition, BytesView from,
                          Done<transfer::PurgeListing> done) {
  const wire::PurgeList message{.scope = scope(partition, {}), .from = from};
  if (owner != parts_.self) return ask(owner, message, std::move(done), listing_of);
  auto found = parts_.copies.purge_list(message, parts_.clock.wall_now());
  if (!found) return done(std::unexpected(found.error()));
  parts_.gate.call(found->rests.position,
                   [listing = std::move(found->listing), done = std::move(done)]() mutable {
                     done(std::move(listing));
                   });
}

void PurgePerformer::raise(NodeId owner, PartitionId partition, const Raise& to,
                           Done<Generation> done) {
  const wire::PurgeRaise message{
      .scope = scope(partition, to.generation), .purged = to.purged, .actor = to.actor};
  if (owner != parts_.self) return ask(owner, message, std::move(done), raised_of);
  const auto raised = parts_.copies.purge_raise(message);
  if (!raised) return done(std::unexpected(raised.error()));
  parts_.gate.call(raised->position, [reached = raised->generation,
                                      done = std::move(done)]() mutable { done(reached); });
}

void PurgePerformer::apply(NodeId owner, PartitionId partition, Generation generation,
                           std::span<const transfer::PurgeEntry> entries, Done<void> done) {
  wire::PurgeApply message{.scope = scope(partition, generation), .entries = {}};
  message.entries.reserve(entries.size());
  for (const auto& entry : entries) {
    message.entries.push_back({.key = entry.key, .digest = entry.digest, .what = entry.what});
  }
  if (owner != parts_.self) return ask(owner, message, std::move(done), applied_of);
  const auto purged = parts_.copies.purge_apply(message, parts_.clock.wall_now());
  if (!purged) return done(std::unexpected(purged.error()));
  parts_.gate.call(purged->rests.position, [done = std::move(done)]() mutable { done({}); });
}

WallTime PurgePerformer::wall_now() const {
  return parts_.clock.wall_now();
}

bool PurgePerformer::is_alive(NodeId node) const {
  const auto* peer = view_->peer(node);
  return peer != nullptr && peer->liveness == wire::Liveness::alive;
}

}  // namespace coterie
