#include "node/inspections.h"

#include <memory>
#include <utility>

#include "base/limits.h"

namespace coterie {
namespace {

struct Question {
  std::vector<Inspection> answers;
  InspectionsDone done;
  std::size_t awaited = 0;
};

Result<LocalCopies::Inspected> found_in(const Result<wire::ReplicaInspectReply>& reply) {
  if (!reply) return std::unexpected(reply.error());
  return LocalCopies::Inspected{
      .record = Bytes(reply->record),
      .digest = reply->digest,
      .leaf = {.hash = reply->leaf_hash, .records = reply->leaf_records},
      .root = {.hash = reply->root_hash, .records = reply->partition_records},
      .generation = reply->generation};
}

}  // namespace

void inspect(PeerCalls& calls, const wire::ReplicaInspect& message, std::span<const NodeId> others,
             std::vector<Inspection> known, InspectionsDone done) {
  auto question = std::make_shared<Question>();
  question->answers = std::move(known);
  question->done = std::move(done);
  for (const auto node : others) {
    const auto answered = [question, node](const Result<wire::ReplicaInspectReply>& reply) {
      question->answers.push_back({node, found_in(reply)});
      if (--question->awaited == 0) question->done(std::move(question->answers));
    };
    if (calls.ask<wire::ReplicaInspectReply>(node, message, limits::inspection_patience,
                                             answered)) {
      ++question->awaited;
    } else {
      question->answers.push_back(
          {node, fail(ErrorCode::unavailable, "its peer door cannot be reached now")});
    }
  }
  if (question->awaited == 0) question->done(std::move(question->answers));
}

}  // namespace coterie
