#include "node/peer_links.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace coterie {
namespace {

constexpr auto back_off_least = std::chrono::milliseconds(50);
constexpr auto back_off_most = std::chrono::seconds(2);
/// A dead node's link is given up once it was silent for so long, anybody's once it has not
/// answered for so long: a slow disk must not look like a lost link.
constexpr auto silence_of_dead = std::chrono::seconds(1);
constexpr auto silence_of_asked = std::chrono::seconds(3);
/// A node that said go away closes the link itself, sooner than this.
constexpr Duration parting = 2 * Duration(limits::drain_most);

}  // namespace

void PeerLinks::set_view(std::shared_ptr<const RingView> view) {
  for (auto& [target, link] : links_) {
    const auto* before = view_ == nullptr ? nullptr : view_->peer(target.node);
    const auto* after = view->peer(target.node);
    if (after == nullptr || after->liveness != wire::Liveness::alive) continue;
    if (before == nullptr || before->liveness != wire::Liveness::alive || *before != *after) {
      const bool was_dead = before == nullptr || before->liveness == wire::Liveness::dead;
      if (was_dead && is_silent(link, true)) give_up(target, link);
      link.retry_at = clock_.now();
      link.losses = 0;
    }
  }
  view_ = std::move(view);
}

bool PeerLinks::is_dead(NodeId node) const {
  const auto* peer = view_ == nullptr ? nullptr : view_->peer(node);
  return peer == nullptr || peer->liveness == wire::Liveness::dead ||
         peer->liveness == wire::Liveness::left;
}

bool PeerLinks::send(const Target& to, Bytes frame) {
  Link& link = links_[to];
  const bool dead = is_dead(to.node);
  const bool has_left = link.leaves_by && clock_.now() >= *link.leaves_by;
  if (has_left || is_silent(link, dead)) {
    give_up(to, link);
    return false;
  }
  if (link.leaves_by) return false;
  if (link.connection.value == 0) {
    const auto* peer = view_ == nullptr ? nullptr : view_->peer(to.node);
    if (peer == nullptr || peer->meta.peer.port == 0 || clock_.now() < link.retry_at) return false;
    link.connection = transport_->dial(peer->meta.peer, hello_(to.shard));
    targets_[link.connection] = to;
    link.heard_at = clock_.now();
  }
  // What waits for a dead node to answer the dial would pile up if it does not.
  if (dead && !link.is_open) return false;
  if (!link.unheard_since) link.unheard_since = clock_.now();
  return transport_->send(link.connection, std::move(frame));
}

bool PeerLinks::is_reachable(NodeId node) const {
  const auto* peer = view_ == nullptr ? nullptr : view_->peer(node);
  if (peer == nullptr || peer->meta.peer.port == 0) return false;
  if (is_dead(node)) return is_connected(node);
  const auto first = links_.lower_bound({.node = node, .shard = ShardIndex{0}});
  for (auto at = first; at != links_.end() && at->first.node == node; ++at) {
    if (at->second.leaves_by) return false;
    if (at->second.connection.value == 0 && clock_.now() < at->second.retry_at) return false;
  }
  return true;
}

bool PeerLinks::is_connected(NodeId node) const {
  const auto first = links_.lower_bound({.node = node, .shard = ShardIndex{0}});
  for (auto at = first; at != links_.end() && at->first.node == node; ++at) {
    if (at->second.is_open && !at->second.leaves_by) return true;
  }
  return false;
}

std::optional<PeerLinks::Target> PeerLinks::shard_of(NodeId node, PartitionId partition) const {
  const auto* peer = view_ == nullptr ? nullptr : view_->peer(node);
  if (peer == nullptr || peer->meta.shards == 0) return std::nullopt;
  return Target{
      .node = node,
      .shard = ShardIndex{static_cast<std::uint16_t>(partition.value % peer->meta.shards)}};
}

std::optional<PeerLinks::Target> PeerLinks::target_of(ConnectionId connection) const {
  const auto found = targets_.find(connection);
  return found == targets_.end() ? std::nullopt : std::optional(found->second);
}

void PeerLinks::on_open(ConnectionId connection, const wire::Hello& theirs) {
  const auto found = targets_.find(connection);
  if (found == targets_.end()) return;
  // Another process has the address now: gossip will bring the right one.
  if (theirs.node != found->second.node) {
    transport_->close(connection);
    on_closed(connection);
    return;
  }
  Link& link = links_[found->second];
  link.losses = 0;
  link.is_open = true;
  on_heard(connection);
}

void PeerLinks::on_heard(ConnectionId connection) {
  const auto found = targets_.find(connection);
  if (found == targets_.end()) return;
  Link& link = links_[found->second];
  link.heard_at = clock_.now();
  link.unheard_since.reset();
}

void PeerLinks::on_go_away(ConnectionId connection) {
  const auto found = targets_.find(connection);
  if (found == targets_.end()) return;
  links_[found->second].leaves_by = clock_.now() + parting;
}

void PeerLinks::on_closed(ConnectionId connection) {
  const auto found = targets_.find(connection);
  if (found == targets_.end()) return;
  const Target target = found->second;
  targets_.erase(found);
  lose(target, links_[target]);
}

bool PeerLinks::is_silent(const Link& link, bool dead) const {
  if (link.connection.value == 0) return false;
  const Instant now = clock_.now();
  if (dead && now - link.heard_at > silence_of_dead) return true;
  return link.unheard_since && now - *link.unheard_since > silence_of_asked;
}

void PeerLinks::give_up(const Target& target, Link& link) {
  transport_->close(link.connection);
  targets_.erase(link.connection);
  lose(target, link);
}

void PeerLinks::lose(const Target& target, Link& link) {
  link.connection = {};
  link.is_open = false;
  link.leaves_by.reset();
  link.unheard_since.reset();
  const auto doubled = back_off_least * (1U << std::min(link.losses, 6U));
  const Duration most = std::min<Duration>(doubled, back_off_most);
  ++link.losses;
  link.retry_at = clock_.now() + most / 2 +
                  Duration{static_cast<std::int64_t>(
                      random_.below(static_cast<std::uint64_t>(most.count() / 2)))};
  lost_.push_back(target);
}

}  // namespace coterie
