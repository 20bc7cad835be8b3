#include "node/inspections.h"

#include <utility>

#include "base/limits.h"
#include "node/coordinator/slab.h"

namespace coterie {
namespace {

/// Ids of a slot that neither the coordinator's operations nor Forwards (the last one) ever reach.
std::uint64_t id_of(std::uint64_t serial) {
  using Tags = coordinator::Slab<int>;
  const std::uint64_t slot = (1ULL << Tags::slot_bits) - 2;
  return (serial << (Tags::slot_bits + Tags::detail_bits)) | (slot << Tags::detail_bits);
}

Result<LocalCopies::Inspected> found_in(const wire::FrameHeader& header, BytesView body) {
  if (header.kind == wire::Kind::error) {
    const auto error = wire::decode<wire::ErrorReply>(body);
    if (!error) return std::unexpected(error.error());
    return fail(error->code, std::string(error->message));
  }
  if (header.kind != wire::Kind::replica_inspect_reply) {
    return fail(ErrorCode::corrupt, "the owner answered something else");
  }
  const auto reply = wire::decode<wire::ReplicaInspectReply>(body);
  if (!reply) return std::unexpected(reply.error());
  return LocalCopies::Inspected{
      .record = Bytes(reply->record),
      .digest = reply->digest,
      .leaf = {.hash = reply->leaf_hash, .records = reply->leaf_records},
      .root = {.hash = reply->root_hash, .records = reply->partition_records},
      .generation = reply->generation};
}

}  // namespace

Inspections::~Inspections() {
  for (auto& [id, pending] : pending_) timers_.cancel(pending.timer);
}

void Inspections::ask(const wire::ReplicaInspect& message, std::span<const NodeId> others,
                      std::vector<Inspection> known, Done done) {
  auto question = std::make_shared<Question>();
  question->answers = std::move(known);
  question->done = std::move(done);
  for (const auto node : others) {
    if (pending_.size() >= limits::inspections_a_shard) {
      question->answers.push_back(
          {node, fail(ErrorCode::overloaded, "too many inspections in progress; ask again")});
      continue;
    }
    const std::uint64_t id = id_of(next_++);
    const auto owner = links_.shard_of(node, message.scope.partition);
    if (!owner || !links_.send(*owner, wire::encode(message, {.request_id = id}))) {
      question->answers.push_back(
          {node, fail(ErrorCode::unavailable, "its peer door cannot be reached")});
      continue;
    }
    const TimerId timer = timers_.start(limits::inspection_patience, [this, id] {
      settle(id, fail(ErrorCode::unavailable, "it did not answer in time"));
    });
    pending_.emplace(id, Pending{.question = question, .owner = *owner, .timer = timer});
    ++question->awaited;
  }
  if (question->awaited == 0) question->done(std::move(question->answers));
}

bool Inspections::on_frame(const wire::FrameHeader& header, BytesView body) {
  if (!pending_.contains(header.request_id)) return false;
  settle(header.request_id, found_in(header, body));
  return true;
}

void Inspections::on_peer_lost(const PeerLinks::Target& peer) {
  std::vector<std::uint64_t> lost;
  for (const auto& [id, pending] : pending_) {
    if (pending.owner == peer) lost.push_back(id);
  }
  for (const auto id : lost) {
    settle(id, fail(ErrorCode::unavailable, "the connection to its peer door failed"));
  }
}

void Inspections::settle(std::uint64_t id, Result<LocalCopies::Inspected> found) {
  const auto at = pending_.find(id);
  if (at == pending_.end()) return;
  const Pending pending = std::move(at->second);
  timers_.cancel(pending.timer);
  pending_.erase(at);
  auto& question = *pending.question;
  question.answers.push_back({pending.owner.node, std::move(found)});
  if (--question.awaited == 0) question.done(std::move(question.answers));
}

}  // namespace coterie
