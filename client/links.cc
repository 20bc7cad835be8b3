#include "client/links.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/limits.h"
#include "client/backoff.h"

namespace coterie::client {
namespace {

using namespace std::chrono_literals;

constexpr Backoff dial_backoff{.least = 50ms, .most = 2s};

}  // namespace

Links::Links(const Environment& environment, Random random) : env_(environment), random_(random) {}

Links::~Links() {
  stop();
}

void Links::stop() {
  for (auto& [target, link] : links_) {
    env_.timers.cancel(link->timer);
    if (link->connection.value != 0) transport_->close(link->connection);
  }
  links_.clear();
  by_connection_.clear();
  touched_.clear();
}

Links::Link& Links::link(const Target& target) {
  auto& made = links_[target];
  if (made == nullptr) {
    made = std::make_unique<Link>();
    made->target = target;
  }
  return *made;
}

const Links::Link* Links::find(const Target& target) const {
  const auto found = links_.find(target);
  return found == links_.end() ? nullptr : found->second.get();
}

void Links::touch(Link& link) {
  if (std::exchange(link.is_touched, true)) return;
  touched_.push_back(&link);
}

void Links::set_ring(const Ring& ring) {
  const Ring before = std::exchange(ring_, ring);
  for (auto& [target, link] : links_) {
    const auto* was = before.node(target.node);
    const auto* is = ring_.node(target.node);
    const bool is_alive = is != nullptr && is->liveness == wire::Liveness::alive;
    const bool was_alive = was != nullptr && was->liveness == wire::Liveness::alive;
    if (is_alive && (!was_alive || was->address != is->address)) {
      link->retry_at = env_.clock.now();
      link->losses = 0;
      touch(*link);
    }
    const bool is_gone = is == nullptr || is->liveness == wire::Liveness::dead ||
                         is->liveness == wire::Liveness::left;
    if (is_gone && !link->is_open) {
      hand_back(*link, {.code = ErrorCode::unavailable, .message = "the node is dead or has left"});
    }
  }
}

void Links::enqueue(const Target& target, CallId call) {
  Link& to = link(target);
  to.waiting.push_back(call);
  touch(to);
}

void Links::withdraw(const Target& target, CallId call) {
  const auto found = links_.find(target);
  if (found == links_.end()) return;
  auto& waiting = found->second->waiting;
  const auto place = std::ranges::find(waiting, call);
  if (place != waiting.end()) waiting.erase(place);
}

void Links::pump() {
  while (!touched_.empty()) {
    std::vector<Link*> touched;
    touched.swap(touched_);
    for (Link* link : touched) {
      link->is_touched = false;
      pump(*link);
    }
  }
}

void Links::pump(Link& link) {
  if (link.waiting.empty()) return;
  if (link.connection.value == 0) return dial(link);
  while (link.is_open && !link.is_leaving && !link.waiting.empty() &&
         link.unanswered.size() < link.window.size() &&
         (link.unanswered.empty() || link.unanswered.bytes() < limits::client_bytes_a_connection)) {
    const CallId call = link.waiting.front();
    link.waiting.pop_front();
    const TryId id{++last_try_};
    auto frame = env_.user.next_frame(call, id, link.run);
    if (!frame) continue;
    link.unanswered.add({.id = id, .call = call, .bytes = frame->size()});
    // If the connection has just broken, on_closed follows and tells of this one too.
    (void)transport_->send(link.connection, std::move(*frame));
  }
}

void Links::dial(Link& link) {
  const auto* node = ring_.node(link.target.node);
  if (node == nullptr || !node->address) {
    hand_back(link, {.code = ErrorCode::unavailable, .message = "the node's address is unknown"});
    return;
  }
  const Instant now = env_.clock.now();
  if (now < link.retry_at) {
    env_.timers.cancel(link.timer);
    link.timer = env_.timers.start(link.retry_at - now, [this, &link] {
      touch(link);
      pump();
    });
    return;
  }
  ++env_.counters.dials;
  link.is_leaving = false;
  link.connection = transport_->dial(
      *node->address,
      {.role = wire::Role::client, .cluster = ring_.epoch->cluster(), .shard = link.target.shard});
  by_connection_[link.connection] = &link;
}

void Links::hand_back(Link& link, const Error& why) {
  std::deque<CallId> waiting;
  waiting.swap(link.waiting);
  for (const auto call : waiting) env_.user.on_not_sent(call, why);
}

Links::Prospect Links::prospect(const Target& target, Instant now) const {
  const Link* link = find(target);
  if (link == nullptr) return {};
  const bool is_dialled = link->connection.value != 0;
  const bool is_usable = is_dialled ? link->is_open || link->losses == 0 : now >= link->retry_at;
  return {.is_usable = is_usable && !link->is_leaving,
          .load = link->waiting.size() + link->unanswered.size()};
}

void Links::on_open(ConnectionId connection, const wire::Hello& theirs) {
  Link& link = *by_connection_.at(connection);
  const bool is_right = theirs.node == link.target.node && theirs.cluster == ring_.epoch->cluster();
  if (!is_right) {
    transport_->close(connection);
    on_closed(connection, {.code = ErrorCode::refused,
                           .message = "another node answers at the address of this one"});
    return;
  }
  link.is_open = true;
  link.losses = 0;
  link.run = theirs.run;
  touch(link);
}

void Links::on_closed(ConnectionId connection, const Error& why) {
  const auto found = by_connection_.find(connection);
  if (found == by_connection_.end()) return;
  Link& link = *found->second;
  if (link.is_open) {
    ++env_.counters.connections_lost;
  } else {
    ++env_.counters.dials_failed;
  }
  ++link.losses;
  lose(link, why, dial_backoff.pause(link.losses, random_));
}

void Links::lose(Link& link, const Error& why, Duration pause) {
  by_connection_.erase(link.connection);
  link.connection = {};
  link.is_open = false;
  link.is_leaving = false;
  link.retry_at = std::max(link.retry_at, env_.clock.now() + pause);
  const auto unanswered = link.unanswered.take_all();
  hand_back(link, why);
  for (const auto& lost : unanswered) env_.user.on_lost(lost.call, lost.id, why);
}

void Links::on_go_away(ConnectionId connection, std::uint32_t retry_after_ms) {
  Link& link = *by_connection_.at(connection);
  link.is_leaving = true;
  link.retry_at = env_.clock.now() + std::chrono::milliseconds(retry_after_ms);
  const Error why{.code = ErrorCode::closed, .message = "the node is stopping"};
  hand_back(link, why);
  part(link);
}

/// A node that stops waits for its clients to hang up, which they do once all is answered.
void Links::part(Link& link) {
  if (!link.is_leaving || !link.unanswered.empty()) return;
  transport_->close(link.connection);
  lose(link, {.code = ErrorCode::closed, .message = "the node is stopping"}, Duration::zero());
}

std::optional<Links::Sent> Links::on_reply(ConnectionId connection, std::uint64_t request_id) {
  Link& link = *by_connection_.at(connection);
  const auto answered = link.unanswered.take(TryId{request_id});
  if (!answered) return std::nullopt;
  const Sent sent{.call = answered->call, .id = answered->id, .target = link.target};
  touch(link);
  part(link);
  return sent;
}

void Links::on_done(const Target& target) {
  link(target).window.on_answer();
}

void Links::on_refusal(const Target& target, Duration retry_after) {
  ++env_.counters.refused;
  Link& from = link(target);
  from.window.on_refusal(from.unanswered.size() + 1, env_.clock.now(), retry_after);
}

}  // namespace coterie::client
