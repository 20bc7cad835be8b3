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
  peers_.clear();
  for (const PeerView& seen : view_->peers) {
    const auto liveness = seen.liveness;
    peers_.push_back(
        {.node = seen.node,
         .is_alive = liveness == wire::Liveness::alive,
         .is_dead = liveness == wire::Liveness::dead || liveness == wire::Liveness::left,
         .has_address = seen.meta.peer.port != 0,
         .shards = seen.meta.shards,
         .links = {}});
  }
  for (const auto& [target, link] : links_) static_cast<void>(this->link(target));
}

const PeerLinks::Peer* PeerLinks::peer(NodeId node) const {
  const auto found = std::ranges::lower_bound(peers_, node, {}, &Peer::node);
  return found == peers_.end() || found->node != node ? nullptr : &*found;
}

PeerLinks::Link& PeerLinks::link(const Target& target) {
  const Peer* known = peer(target.node);
  const std::size_t shard = target.shard.value;
  if (known != nullptr && shard < known->links.size() && known->links[shard] != nullptr) {
    return *known->links[shard];
  }
  Link& made = links_[target];
  if (known != nullptr) {
    auto& links = peers_[static_cast<std::size_t>(known - peers_.data())].links;
    if (links.size() <= shard) links.resize(shard + 1);
    links[shard] = &made;
  }
  return made;
}

bool PeerLinks::send(const Target& to, Bytes frame) {
  Link& link = this->link(to);
  const Peer* known = peer(to.node);
  const bool dead = known == nullptr || known->is_dead;
  const bool has_left = link.leaves_by && clock_.now() >= *link.leaves_by;
  if (has_left || is_silent(link, dead)) {
    give_up(to, link);
    return false;
  }
  if (link.leaves_by) return false;
  if (link.connection.value == 0) {
    if (known == nullptr || !known->has_address || clock_.now() < link.retry_at) return false;
    link.connection = transport_->dial(view_->peer(to.node)->meta.peer, hello_(to.shard));
    targets_[link.connection] = {.target = to, .link = &link};
    link.heard_at = clock_.now();
  }
  // What waits for a dead node to answer the dial would pile up if it does not.
  if (dead && !link.is_open) return false;
  if (!link.unheard_since) link.unheard_since = clock_.now();
  return transport_->send(link.connection, std::move(frame));
}

bool PeerLinks::is_alive(NodeId node) const {
  const Peer* known = peer(node);
  return known != nullptr && known->is_alive;
}

bool PeerLinks::is_reachable(NodeId node) const {
  const Peer* known = peer(node);
  if (known == nullptr || !known->has_address) return false;
  if (known->is_dead) return is_connected(*known);
  return std::ranges::none_of(known->links, [this](const Link* link) {
    if (link == nullptr) return false;
    return link->leaves_by || (link->connection.value == 0 && clock_.now() < link->retry_at);
  });
}

bool PeerLinks::is_connected(const Peer& peer) {
  return std::ranges::any_of(peer.links, [](const Link* link) {
    return link != nullptr && link->is_open && !link->leaves_by;
  });
}

bool PeerLinks::is_connected(NodeId node) const {
  if (const Peer* known = peer(node)) return is_connected(*known);
  const auto first = links_.lower_bound({.node = node, .shard = ShardIndex{0}});
  for (auto at = first; at != links_.end() && at->first.node == node; ++at) {
    if (at->second.is_open && !at->second.leaves_by) return true;
  }
  return false;
}

std::optional<PeerLinks::Target> PeerLinks::shard_of(NodeId node, PartitionId partition) const {
  const Peer* known = peer(node);
  if (known == nullptr || known->shards == 0) return std::nullopt;
  return Target{.node = node,
                .shard = ShardIndex{static_cast<std::uint16_t>(partition.value % known->shards)}};
}

std::optional<PeerLinks::Target> PeerLinks::target_of(ConnectionId connection) const {
  const auto found = targets_.find(connection);
  return found == targets_.end() ? std::nullopt : std::optional(found->second.target);
}

void PeerLinks::on_open(ConnectionId connection, const wire::Hello& theirs) {
  const auto found = targets_.find(connection);
  if (found == targets_.end()) return;
  // Another process has the address now: gossip will bring the right one.
  if (theirs.node != found->second.target.node) {
    transport_->close(connection);
    on_closed(connection);
    return;
  }
  Link& link = *found->second.link;
  link.losses = 0;
  link.is_open = true;
  on_heard(connection);
}

std::optional<NodeId> PeerLinks::on_heard(ConnectionId connection) {
  const auto found = targets_.find(connection);
  if (found == targets_.end()) return std::nullopt;
  Link& link = *found->second.link;
  link.heard_at = clock_.now();
  link.unheard_since.reset();
  return found->second.target.node;
}

void PeerLinks::on_go_away(ConnectionId connection) {
  const auto found = targets_.find(connection);
  if (found == targets_.end()) return;
  found->second.link->leaves_by = clock_.now() + parting;
}

void PeerLinks::on_closed(ConnectionId connection) {
  const auto found = targets_.find(connection);
  if (found == targets_.end()) return;
  const Dialled lost = found->second;
  targets_.erase(found);
  lose(lost.target, *lost.link);
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
