#include "node/control/calls.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/wire/codec.h"

namespace coterie {
namespace {

constexpr auto idle_time = std::chrono::seconds(60);

Error error_of(const wire::FrameHeader& /*header*/, BytesView body) {
  const auto reply = wire::decode<wire::ErrorReply>(body);
  if (!reply) return reply.error();
  return Error{.code = reply->code,
               .message = std::string(reply->message),
               .retry_after_ms = reply->retry_after_ms};
}

}  // namespace

Calls::~Calls() {
  for (auto& [id, pending] : pending_) timers_.cancel(pending.timer);
  for (auto& [address, link] : links_) timers_.cancel(link.idle);
}

Calls::Link& Calls::link_to(const Address& to) {
  auto found = links_.find(to);
  if (found == links_.end()) {
    found = links_.emplace(to, Link{.connection = transport_->dial(to, hello_())}).first;
  }
  timers_.cancel(found->second.idle);
  return found->second;
}

void Calls::call(const Address& to, const MakeFrame& make, Duration timeout, Done done) {
  Link& link = link_to(to);
  ++link.waiting;
  const std::uint64_t id = next_request_++;
  const bool sent = transport_->send(link.connection, make(id));
  const TimerId timer = timers_.start(sent ? timeout : Duration{0}, [this, id] {
    finish(id, fail(ErrorCode::unavailable, "no answer in time"));
  });
  pending_.emplace(id,
                   Pending{.connection = link.connection, .timer = timer, .done = std::move(done)});
}

void Calls::finish(std::uint64_t request_id, Result<Reply> reply) {
  const auto found = pending_.find(request_id);
  if (found == pending_.end()) return;
  Pending pending = std::move(found->second);
  pending_.erase(found);
  timers_.cancel(pending.timer);
  now_idle(pending.connection);
  pending.done(std::move(reply));
}

void Calls::now_idle(ConnectionId connection) {
  for (auto& [address, link] : links_) {
    if (link.connection != connection || --link.waiting > 0) continue;
    link.idle = timers_.start(idle_time, [this, key = address] {
      const auto found = links_.find(key);
      if (found == links_.end() || found->second.waiting > 0) return;
      transport_->close(found->second.connection);
      links_.erase(found);
    });
  }
}

void Calls::on_open(ConnectionId connection, NodeId theirs) {
  for (auto& [address, link] : links_) {
    if (link.connection == connection) link.node = theirs;
  }
}

bool Calls::on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body) {
  const auto found = pending_.find(header.request_id);
  if (found == pending_.end() || found->second.connection != connection) return false;
  if (header.kind == wire::Kind::error) {
    finish(header.request_id, std::unexpected(error_of(header, body)));
  } else {
    const auto link = std::ranges::find_if(
        links_, [connection](const auto& entry) { return entry.second.connection == connection; });
    const NodeId from = link == links_.end() ? NodeId{} : link->second.node;
    finish(header.request_id, Reply{.header = header, .body = body, .from = from});
  }
  return true;
}

bool Calls::on_closed(ConnectionId connection, const Error& why) {
  const auto link = std::ranges::find_if(
      links_, [connection](const auto& entry) { return entry.second.connection == connection; });
  if (link == links_.end()) return false;
  timers_.cancel(link->second.idle);
  links_.erase(link);
  std::vector<std::uint64_t> lost;
  for (const auto& [id, pending] : pending_) {
    if (pending.connection == connection) lost.push_back(id);
  }
  for (const auto id : lost) finish(id, fail(ErrorCode::unavailable, why.message));
  return true;
}

}  // namespace coterie
