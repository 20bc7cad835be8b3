#include "node/forwards.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "node/coordinator/slab.h"

namespace coterie {
namespace {

/// Ids of a slot that the coordinator's operations never reach, so that replies to both travel on
/// one connection.
std::uint64_t forward_id(std::uint64_t serial) {
  using Tags = coordinator::Slab<int>;
  const std::uint64_t last_slot = (1ULL << Tags::slot_bits) - 1;
  return (serial << (Tags::slot_bits + Tags::detail_bits)) | (last_slot << Tags::detail_bits);
}

/// A client tries again until its deadline, of which it says a little less.
constexpr Duration tries_end_after = std::chrono::seconds(1);

/// Whether the refusal is that owner's own; what is overloaded would only be more so.
bool may_another_take_it(ErrorCode refusal) {
  return refusal == ErrorCode::unavailable || refusal == ErrorCode::not_owner ||
         refusal == ErrorCode::unsure || refusal == ErrorCode::read_only;
}

}  // namespace

Forwards::~Forwards() {
  for (auto& [id, pending] : pending_) timers_.cancel(pending.timer);
}

void Forwards::pass_on(coordinator::ClientHandle client, Message message,
                       std::span<const PeerLinks::Target> owners, Instant deadline) {
  const std::uint64_t id = forward_id(next_++);
  const Duration left = deadline - clock_.now();
  const auto left_ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
  if (left_ms <= 0) {
    failed_(client, Error{.code = ErrorCode::expired, .message = "the deadline has passed"});
    return;
  }
  forget_old();
  const auto* put = std::get_if<wire::Put>(&message);
  const RequestId request = put == nullptr ? RequestId{} : put->id;
  const auto asked = puts_.find(request);
  if (asked != puts_.end()) {
    if (asked->second.is_lost) {
      failed_(client, Error{.code = ErrorCode::unknown_outcome,
                            .message = "the connection to the owner was lost"});
      return;
    }
    owners = {&asked->second.owner, 1};
  } else if (puts_.size() >= limits::request_ids_a_shard) {
    failed_(client, Error{.code = ErrorCode::overloaded,
                          .message = "too many writes are passed on; nothing was executed",
                          .retry_after_ms = 100});
    return;
  }
  const wire::Envelope envelope{.request_id = id,
                                .deadline_ms = static_cast<std::uint32_t>(left_ms)};
  const Bytes frame = std::visit(
      [&envelope](auto& typed) {
        typed.forwarded = true;
        return wire::encode(typed, envelope);
      },
      message);
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const auto owner = owners[i];
    if (!links_.send(owner, frame)) continue;
    const TimerId timer =
        timers_.start(left, [this, id] { fail(id, "the owner did not answer in time"); });
    Pending pending{.client = client, .owner = owner, .is_put = put != nullptr, .timer = timer};
    if (put != nullptr) {
      pending.request = request;
      pending.deadline = deadline;
      pending.frame = frame;
      pending.others.assign(owners.rbegin(), owners.rend() - static_cast<std::ptrdiff_t>(i) - 1);
    }
    pending_.emplace(id, std::move(pending));
    ++passed_on_;
    if (!request.is_zero()) {
      const Instant until = deadline + tries_end_after;
      const unsigned tries = asked == puts_.end() ? 1 : asked->second.tries + 1;
      puts_[request] = {.owner = owner, .until = until, .tries = tries};
      puts_by_end_.emplace_back(until, request);
    }
    return;
  }
  if (asked != puts_.end()) {
    failed_(client, Error{.code = ErrorCode::unknown_outcome,
                          .message = "the owner that was asked cannot be reached any more"});
    return;
  }
  failed_(client,
          Error{.code = ErrorCode::unavailable,
                .message = "this node does not own the key and reaches none of its owners; retry",
                .retry_after_ms = 100});
}

bool Forwards::on_frame(const wire::FrameHeader& header, BytesView body) {
  const auto found = pending_.find(header.request_id);
  if (found == pending_.end()) return false;
  if (found->second.is_put && header.kind == wire::Kind::error) {
    const auto error = wire::decode<wire::ErrorReply>(body);
    if (error && ask_another(found->first, found->second, error->code)) return true;
  }
  const auto client = found->second.client;
  timers_.cancel(found->second.timer);
  pending_.erase(found);
  Bytes frame(wire::header_bytes, '\0');
  wire::encode_header(header, frame.data());
  frame.append(body);
  answer_(client, std::move(frame));
  return true;
}

bool Forwards::ask_another(std::uint64_t id, Pending& pending, ErrorCode refusal) {
  if (executed(refusal) != Executed::no) return false;
  const auto asked = puts_.find(pending.request);
  // Of an earlier try the refusal of this one says nothing.
  if (asked != puts_.end() && asked->second.tries > 1) return false;
  const Duration left = pending.deadline - clock_.now();
  const auto left_ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
  while (may_another_take_it(refusal) && left_ms > 0 && !pending.others.empty()) {
    const auto owner = pending.others.back();
    pending.others.pop_back();
    wire::FrameHeader header = *wire::decode_header(pending.frame);
    header.request_id = id;
    header.deadline_ms = static_cast<std::uint32_t>(left_ms);
    wire::encode_header(header, pending.frame.data());
    if (!links_.send(owner, pending.frame)) continue;
    pending.owner = owner;
    if (asked != puts_.end()) asked->second.owner = owner;
    return true;
  }
  // Nobody has executed it: whoever tries it again may ask anybody.
  if (asked != puts_.end()) puts_.erase(asked);
  return false;
}

void Forwards::on_peer_lost(const PeerLinks::Target& peer) {
  std::vector<std::uint64_t> lost;
  for (const auto& [id, pending] : pending_) {
    if (pending.owner == peer) lost.push_back(id);
  }
  for (const auto id : lost) fail(id, "the connection to the owner was lost");
  for (auto& [request, asked] : puts_) {
    if (asked.owner == peer) asked.is_lost = true;
  }
}

void Forwards::forget_old() {
  const Instant now = clock_.now();
  while (!puts_by_end_.empty() && puts_by_end_.front().first <= now) {
    const auto found = puts_.find(puts_by_end_.front().second);
    // Tried once more, it stands further behind, too.
    if (found != puts_.end() && found->second.until <= now) puts_.erase(found);
    puts_by_end_.pop_front();
  }
}

void Forwards::fail(std::uint64_t id, const char* why) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  const Pending pending = found->second;
  timers_.cancel(pending.timer);
  pending_.erase(found);
  failed_(pending.client,
          Error{.code = pending.is_put ? ErrorCode::unknown_outcome : ErrorCode::unavailable,
                .message = why});
}

}  // namespace coterie
