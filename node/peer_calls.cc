#include "node/peer_calls.h"

#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "node/coordinator/slab.h"

namespace coterie {
namespace {

/// Ids of a slot that neither the coordinator's operations nor Forwards (the last one) ever reach.
std::uint64_t ask_id(std::uint64_t serial) {
  using Tags = coordinator::Slab<int>;
  const std::uint64_t slot = (1ULL << Tags::slot_bits) - 2;
  return (serial << (Tags::slot_bits + Tags::detail_bits)) | (slot << Tags::detail_bits);
}

}  // namespace

PeerCalls::~PeerCalls() {
  for (auto& [id, pending] : pending_) timers_.cancel(pending.timer);
}

wire::Envelope PeerCalls::envelope(Duration patience) const {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  return {.request_id = ask_id(next_), .deadline_ms = static_cast<std::uint32_t>(ms)};
}

bool PeerCalls::send(NodeId to, PartitionId partition, Bytes frame, Duration patience,
                     Settle settled) {
  if (pending_.size() >= limits::peer_calls_a_shard || frame.size() > limits::frame_bytes) {
    return false;
  }
  const auto question = wire::decode_header(frame);
  const auto asked = links_.shard_of(to, partition);
  if (!asked || !links_.send(*asked, std::move(frame))) return false;
  const std::uint64_t id = ask_id(next_++);
  const TimerId timer = timers_.start(patience, [this, id] {
    settle(id, fail(ErrorCode::unavailable, "it did not answer in time"));
  });
  const auto reply = static_cast<wire::Kind>(static_cast<std::uint16_t>(question->kind) + 1);
  pending_.emplace(
      id, Pending{.asked = *asked, .reply = reply, .timer = timer, .settle = std::move(settled)});
  return true;
}

bool PeerCalls::on_frame(const wire::FrameHeader& header, BytesView body) {
  const auto found = pending_.find(header.request_id);
  if (found == pending_.end()) return false;
  if (header.kind == found->second.reply) {
    settle(header.request_id, body);
  } else if (header.kind != wire::Kind::error) {
    settle(header.request_id, fail(ErrorCode::corrupt, "the node answered something else"));
  } else if (const auto error = wire::decode<wire::ErrorReply>(body); !error) {
    settle(header.request_id, std::unexpected(error.error()));
  } else {
    settle(header.request_id, std::unexpected(Error{.code = error->code,
                                                    .message = std::string(error->message),
                                                    .retry_after_ms = error->retry_after_ms,
                                                    .generation = error->generation,
                                                    .epoch = error->epoch}));
  }
  return true;
}

void PeerCalls::on_peer_lost(const PeerLinks::Target& peer) {
  std::vector<std::uint64_t> lost;
  for (const auto& [id, pending] : pending_) {
    if (pending.asked == peer) lost.push_back(id);
  }
  for (const auto id : lost) {
    settle(id, fail(ErrorCode::unavailable, "the connection to its peer door failed"));
  }
}

void PeerCalls::settle(std::uint64_t id, Answer answer) {
  auto pending = pending_.extract(id);
  if (pending.empty()) return;
  timers_.cancel(pending.mapped().timer);
  pending.mapped().settle(std::move(answer));
}

}  // namespace coterie
