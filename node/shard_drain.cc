#include <algorithm>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/wire/codec.h"
#include "node/shard.h"

namespace coterie {
namespace {

constexpr auto look_again = std::chrono::milliseconds(10);
/// When whoever was told to go may come back: a restart takes about so long.
constexpr std::uint32_t come_back_ms = 1000;

}  // namespace

void Shard::drain(std::move_only_function<void()> done) {
  drain_.emplace(Drain{.since = env_.clock.now(), .timer = {}, .done = std::move(done)});
  std::vector<ConnectionId> told;
  for (const auto& [connection, of] : connections_) told.push_back(connection);
  std::ranges::sort(told);
  for (const auto connection : told) say_goodbye(connection);
  look_at_drain();
}

void Shard::say_goodbye(ConnectionId connection) {
  send_here(connection, wire::encode(wire::GoAway{.retry_after_ms = come_back_ms}));
}

bool Shard::is_drained() const {
  const Duration passed = env_.clock.now() - drain_->since;
  if (passed >= limits::drain_most) return true;
  // Clients hang up when they have heard it and all their answers. Nodes do not: for what they had
  // sent before they heard it there is the least time.
  const bool has_clients = std::ranges::any_of(
      connections_, [](const auto& entry) { return entry.second.role == wire::Role::client; });
  return passed >= limits::drain_least && !has_clients && clients_.size() == 0 &&
         gate_.waiting() == 0;
}

void Shard::look_at_drain() {
  if (!is_drained()) {
    drain_->timer = env_.timers.start(look_again, [this] { look_at_drain(); });
    return;
  }
  std::exchange(drain_->done, nullptr)();
}

}  // namespace coterie
