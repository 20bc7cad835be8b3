#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/wire/codec.h"
#include "node/shard.h"
#include "storage/key.h"

namespace coterie {
namespace {

Bytes error_frame(const Error& error, const wire::Envelope& envelope) {
  return wire::encode(wire::ErrorReply{.code = error.code,
                                       .retry_after_ms = error.retry_after_ms,
                                       .message = error.message,
                                       .generation = error.generation,
                                       .epoch = error.epoch},
                      envelope);
}

}  // namespace

void Shard::serve_replica(ConnectionId connection, const wire::FrameHeader& header,
                          BytesView body) {
  // Whoever asked has given up, or is about to: no answer is waited for.
  const Instant until = env_.turns.began() + std::chrono::milliseconds(header.deadline_ms);
  if (header.deadline_ms != 0 && until <= env_.clock.now()) {
    ++counts_.expired;
    return;
  }
  const wire::Envelope envelope{.request_id = header.request_id};
  Error error{.code = ErrorCode::invalid_argument, .message = "not a request of this door"};
  const auto asker = connections_.find(connection);
  if (asker == connections_.end() || asker->second.role != wire::Role::peer) {
    error = {.code = ErrorCode::refused, .message = "only nodes may ask this, at the peer door"};
  } else if (is_purge(header.kind)) {
    const auto served = serve_purge(connection, header, body);
    if (served) return;
    error = served.error();
  } else if (header.kind == wire::Kind::replica_write) {
    const auto message = wire::decode<wire::ReplicaWrite>(body);
    const auto wrote =
        message ? take(*message) : Result<LocalCopies::Rests>(std::unexpected(message.error()));
    if (wrote) {
      const wire::ReplicaWriteReply reply{.run = options_.run,
                                          .synced = env_.store.synced().value,
                                          .generation = wrote->generation};
      return answer_replica(*wrote, connection, wire::encode(reply, envelope), envelope);
    }
    if (message && wait_for_epoch(connection, header, body, message->scope)) return;
    error = wrote.error();
  } else if (header.kind == wire::Kind::replica_read) {
    const auto message = wire::decode<wire::ReplicaRead>(body);
    const bool is_fallback = message && message->stands_in;
    const auto read = is_fallback ? fallback_copies_.read(*message)
                      : message   ? copies_.read(*message)
                                  : Result<LocalCopies::Read>(std::unexpected(message.error()));
    if (read) {
      const wire::ReplicaReadReply reply{.digest = read->digest,
                                         .record = read->record,
                                         .generation = read->rests.generation,
                                         .purged = read->rests.purged};
      return answer_replica(read->rests, connection, wire::encode(reply, envelope), envelope);
    }
    if (message && wait_for_epoch(connection, header, body, message->scope)) return;
    error = read.error();
  } else if (header.kind == wire::Kind::replica_scan) {
    const auto message = wire::decode<wire::ReplicaScan>(body);
    const bool is_fallback = message && message->stands_in;
    const auto page = is_fallback ? fallback_copies_.scan(*message)
                      : message   ? copies_.scan(*message)
                                  : Result<LocalCopies::Page>(std::unexpected(message.error()));
    if (page) {
      wire::ReplicaScanReply reply{.truncated = page->is_truncated,
                                   .generation = page->rests.generation,
                                   .purged = page->rests.purged};
      for (const auto& entry : page->entries) reply.entries.push_back({entry.key, entry.record});
      return answer_replica(page->rests, connection, wire::encode(reply, envelope), envelope);
    }
    if (message && wait_for_epoch(connection, header, body, message->scope)) return;
    error = page.error();
  } else if (header.kind == wire::Kind::replica_inspect) {
    return answer_inspection(connection, header, body);
  } else if (transfer::ComparisonAnswers::takes(header.kind) ||
             transfer::StreamSource::takes(header.kind)) {
    return answer_transfer(connection, header, body);
  }
  if (error.code == ErrorCode::stale_configuration && error.generation == 0) {
    error.epoch = view_->epoch->number();
  }
  send_here(connection, error_frame(error, envelope));
}

/// An owner merges it, a fallback keeps it for the owner that it is meant for.
Result<LocalCopies::Rests> Shard::take(const wire::ReplicaWrite& message) {
  if (message.intended.is_zero()) return copies_.write(message);
  return fallback_copies_.write(message, env_.clock.wall_now());
}

void Shard::answer_inspection(ConnectionId connection, const wire::FrameHeader& header,
                              BytesView body) {
  const wire::Envelope envelope{.request_id = header.request_id};
  const auto message = wire::decode<wire::ReplicaInspect>(body);
  const auto found = message ? copies_.inspect(*message)
                             : Result<LocalCopies::Inspected>(std::unexpected(message.error()));
  if (!found) return send_here(connection, error_frame(found.error(), envelope));
  const wire::ReplicaInspectReply reply{.record = found->record,
                                        .digest = found->digest,
                                        .leaf_hash = found->leaf.hash,
                                        .leaf_records = found->leaf.records,
                                        .root_hash = found->root.hash,
                                        .partition_records = found->root.records,
                                        .generation = found->generation};
  answer_replica({}, connection, wire::encode(reply, envelope), envelope);
}

void Shard::answer_transfer(ConnectionId connection, const wire::FrameHeader& header,
                            BytesView body) {
  const wire::Envelope envelope{.request_id = header.request_id};
  auto answer = transfer::StreamSource::takes(header.kind)
                    ? streams_.source().answer(header.kind, body, envelope)
                    : repair_.answers().answer(header.kind, body, envelope);
  if (!answer) return send_here(connection, error_frame(answer.error(), envelope));
  answer_replica({.position = env_.store.last()}, connection, *std::move(answer), envelope);
}

void Shard::answer_replica(const LocalCopies::Rests& rests, ConnectionId connection, Bytes frame,
                           const wire::Envelope& envelope) {
  if (frame.size() > limits::frame_bytes) {
    frame = error_frame({.code = ErrorCode::too_large,
                         .message = "the record, or the first of the page, is too large to send"},
                        envelope);
  }
  gate_.answer(rests.position, rests.durability, connection, std::move(frame));
}

void Shard::inspect(BytesView key, InspectionsDone done) {
  const auto parts = decode_key(key);
  if (!parts) return done({});
  const auto& epoch = *view_->epoch;
  const PartitionId partition = epoch.partition(parts->token);
  const wire::ReplicaInspect message{
      .scope = {.partition = partition, .configuration = epoch.configuration(partition)},
      .key = key};
  const auto owners = epoch.holders(partition);
  std::vector<NodeId> others;
  std::vector<Inspection> known;
  for (const auto node : owners) {
    if (node != options_.node) {
      others.push_back(node);
    } else {
      known.push_back({node, copies_.inspect(message)});
    }
  }
  const std::vector<NodeId> order(owners.begin(), owners.end());
  coterie::inspect(calls_, message, others, std::move(known),
                   [order, done = std::move(done)](auto answers) mutable {
                     std::ranges::sort(answers, {}, [&order](const Inspection& answer) {
                       return std::ranges::find(order, answer.node) - order.begin();
                     });
                     done(std::move(answers));
                   });
}

void Shard::on_peer_reply(NodeId from, const wire::FrameHeader& header, BytesView body) {
  if (forwards_.on_frame(header, body) || calls_.on_frame(header, body)) return;
  const ClampedClock::Hold hold(clock_);
  const coordinator::Tag tag{header.request_id};
  const auto hand_over = [&](const auto& message) {
    if (message) {
      coordinator_.on_reply(tag, from, *message, now());
    } else {
      ++counts_.frames_undecodable;
      coordinator_.on_error(tag, from, message.error(), now());
    }
  };
  switch (header.kind) {
    case wire::Kind::replica_write_reply:
      return hand_over(wire::decode<wire::ReplicaWriteReply>(body));
    case wire::Kind::replica_read_reply:
      return hand_over(wire::decode<wire::ReplicaReadReply>(body));
    case wire::Kind::replica_scan_reply:
      return hand_over(wire::decode<wire::ReplicaScanReply>(body));
    case wire::Kind::error: {
      const auto message = wire::decode<wire::ErrorReply>(body);
      const Error error = message ? Error{.code = message->code,
                                          .message = std::string(message->message),
                                          .retry_after_ms = message->retry_after_ms,
                                          .generation = message->generation,
                                          .epoch = message->epoch}
                                  : message.error();
      if (error.code == ErrorCode::hints_full) {
        hints_full_until_[from] = env_.clock.now() + limits::hints_full_pause;
      }
      return coordinator_.on_error(tag, from, error, now());
    }
    default:
      ++counts_.frames_undecodable;
  }
}

}  // namespace coterie
