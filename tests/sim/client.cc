#include "tests/sim/client.h"

#include <utility>
#include <vector>

namespace coterie::sim {

ConnectionId SimClient::call(const Door& door, const MakeFrame& make, Duration deadline,
                             Duration slack, Done done) {
  auto& connection = connections_[door];
  if (connection.value == 0) {
    connection = transport_.dial(door.address, {.role = wire::Role::client, .shard = door.shard});
  }
  const std::uint64_t id = ++last_id_;
  const auto deadline_ms = std::chrono::duration_cast<std::chrono::milliseconds>(deadline).count();
  Bytes frame = make({.request_id = id, .deadline_ms = static_cast<std::uint32_t>(deadline_ms)});
  const bool sent = transport_.send(connection, std::move(frame));
  const auto error = sent ? ErrorCode::expired : ErrorCode::closed;
  const TimerId timer = timers_.start(sent ? deadline + slack : Duration{0},
                                      [this, id, error] { finish(id, fail(error, "no answer")); });
  pending_.emplace(id, Pending{.connection = connection, .timer = timer, .done = std::move(done)});
  return connection;
}

ConnectionId SimClient::connection_to(const Door& door) const {
  const auto found = connections_.find(door);
  return found == connections_.end() ? ConnectionId{} : found->second;
}

void SimClient::finish(std::uint64_t id, Result<Reply> reply) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) {
    ++strays_;
    return;
  }
  timers_.cancel(found->second.timer);
  auto done = std::move(found->second.done);
  pending_.erase(found);
  done(std::move(reply));
}

void SimClient::on_frame(ConnectionId /*connection*/, const wire::FrameHeader& header,
                         BytesView body) {
  // It is asked on until it closes.
  if (header.kind == wire::Kind::go_away) return;
  finish(header.request_id, Reply{.header = header, .body = body});
}

void SimClient::on_closed(ConnectionId connection, const Error& why) {
  std::erase_if(connections_, [&](const auto& entry) { return entry.second == connection; });
  std::vector<std::uint64_t> lost;
  for (const auto& [id, pending] : pending_) {
    if (pending.connection == connection) lost.push_back(id);
  }
  for (const auto id : lost) finish(id, fail(ErrorCode::closed, why.message));
}

}  // namespace coterie::sim
