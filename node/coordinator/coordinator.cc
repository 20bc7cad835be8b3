#include "node/coordinator/coordinator.h"

#include <array>
#include <vector>

namespace coterie::coordinator {

Coordinator::Coordinator(NodeId self, LocalReplica& local, Outbox& outbox, const Options& options)
    : parts_{.self = self, .local = local, .outbox = outbox, .options = options},
      puts_(parts_),
      gets_(parts_),
      scans_(parts_) {}

void Coordinator::put(const Request& request, BytesView key, const wire::Put& put, const Now& now) {
  puts_.start({.client = request.client,
               .deadline = request.deadline,
               .bucket = request.bucket,
               .placement = request.placement,
               .key = key,
               .put = put},
              now);
}

bool Coordinator::remembers(RequestId id, const Now& now) {
  return !id.is_zero() && puts_.remembers(id, now.time);
}

void Coordinator::get(const Request& request, BytesView key, const wire::Get& get, const Now& now) {
  gets_.start({.client = request.client,
               .deadline = request.deadline,
               .bucket = request.bucket,
               .placement = request.placement,
               .key = key,
               .get = get},
              now);
}

void Coordinator::scan(const Request& request, const KeyRange& range, const wire::Scan& scan,
                       const Now& now) {
  scans_.start({.client = request.client,
                .deadline = request.deadline,
                .bucket = request.bucket,
                .placement = request.placement,
                .range = range,
                .scan = scan},
               now);
}

void Coordinator::on_local_durable(Tag tag, const Now& now) {
  const TagParts parts = split(tag);
  switch (parts.kind) {
    case Kind::put:
      return puts_.on_vote(parts, parts_.self);
    case Kind::get:
      return gets_.on_local_durable(parts, now);
    case Kind::scan:
      return scans_.on_local_durable(parts, now);
  }
}

void Coordinator::on_reply(Tag tag, NodeId from, const wire::ReplicaWriteReply&, const Now& now) {
  const TagParts parts = split(tag);
  // a peer cannot speak for this node's own log
  if (from == parts_.self) return;
  if (parts.kind == Kind::put) return puts_.on_vote(parts, from);
  if (parts.kind == Kind::get && parts.purpose == Purpose::repair) {
    gets_.on_repaired(parts, from, now);
  }
}

void Coordinator::on_reply(Tag tag, NodeId from, const wire::ReplicaReadReply& reply,
                           const Now& now) {
  const TagParts parts = split(tag);
  if (parts.kind != Kind::get || parts.purpose == Purpose::repair) return;
  gets_.on_answer(parts, from, reply, now);
}

void Coordinator::on_reply(Tag tag, NodeId from, const wire::ReplicaScanReply& reply,
                           const Now& now) {
  const TagParts parts = split(tag);
  if (parts.kind == Kind::scan) scans_.on_answer(parts, from, reply, now);
}

void Coordinator::on_error(Tag tag, NodeId from, const Error& error, const Now& now) {
  const TagParts parts = split(tag);
  if (from == parts_.self) return;
  switch (parts.kind) {
    case Kind::put:
      return puts_.on_refusal(parts, from, error, now);
    case Kind::get:
      return gets_.on_error(parts, from, error, now);
    case Kind::scan:
      return scans_.on_error(parts, from, error, now);
  }
}

void Coordinator::on_peer_lost(NodeId peer, const Now& now) {
  puts_.on_peer_lost(peer, now);
  gets_.on_peer_lost(peer, now);
  scans_.on_peer_lost(peer, now);
}

void Coordinator::on_ring(const Now& now) {
  puts_.on_ring(now);
  gets_.on_ring(now);
  scans_.on_ring(now);
}

std::optional<Instant> Coordinator::next_wakeup() const {
  return parts_.timers.next();
}

void Coordinator::on_time(const Now& now) {
  std::vector<Tag> due;
  parts_.timers.advance(now.time, due);
  for (const Tag tag : due) {
    const TagParts parts = split(tag);
    const bool is_hedge = parts.purpose == Purpose::hedge;
    switch (parts.kind) {
      case Kind::put:
        is_hedge ? puts_.on_late(parts.operation, now) : puts_.on_deadline(parts.operation, now);
        break;
      case Kind::get:
        is_hedge ? gets_.on_hedge(parts.operation, now) : gets_.on_deadline(parts.operation);
        break;
      case Kind::scan:
        is_hedge ? scans_.on_hedge(parts.operation, now) : scans_.on_deadline(parts.operation);
        break;
    }
  }
}

std::size_t Coordinator::operations() const {
  return puts_.size() + gets_.size() + scans_.size();
}

}  // namespace coterie::coordinator
