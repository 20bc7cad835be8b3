#include "node/handoff_performer.h"

#include <utility>

namespace coterie {
namespace {

/// With so many of the requests that it may have in flight, a shard has clients enough.
constexpr std::size_t busy_part = 16;

}  // namespace

HandoffPerformer::Reach HandoffPerformer::reach(NodeId node) const {
  const auto* peer = view_ == nullptr ? nullptr : view_->peer(node);
  if (peer == nullptr || peer->liveness != wire::Liveness::alive) return Reach::away;
  return parts_.links.is_reachable(node) ? Reach::ready : Reach::unreachable;
}

Result<HandoffPerformer::Current> HandoffPerformer::current(PartitionId partition, BytesView key) {
  const wire::ReplicaScope scope{.partition = partition,
                                 .configuration = view_->epoch->configuration(partition)};
  auto read = parts_.copies.read(wire::ReplicaRead{.scope = scope, .key = key});
  if (!read) return std::unexpected(std::move(read).error());
  Current out{.scope = scope, .record = std::move(read->record)};
  out.scope.generation = read->rests.generation;
  return out;
}

bool HandoffPerformer::send(NodeId to, const wire::ReplicaWrite& message, Duration patience,
                            Done done) {
  return parts_.calls.ask<wire::ReplicaWriteReply>(
      to, message, patience,
      [done = std::move(done)](const Result<wire::ReplicaWriteReply>& reply) mutable {
        done(reply ? Result<void>{} : std::unexpected(reply.error()));
      });
}

bool HandoffPerformer::is_busy() const {
  return parts_.admission.is_under_pressure() ||
         parts_.admission.requests() >= limits::in_flight_requests_a_shard / busy_part;
}

}  // namespace coterie
