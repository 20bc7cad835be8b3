#include "tests/unit/gossip/world.h"

#include <utility>

#include "base/hash.h"
#include "base/limits.h"
#include "gossip/packet.h"

namespace coterie::gossip::test {

namespace {

constexpr std::size_t socket_buffer_packets = 256;
constexpr Duration stream_timeout = 5s;
constexpr ClusterTag cluster{.name_hash = 7, .id_hash = 8};

}  // namespace

World::World(std::size_t nodes, std::uint64_t seed, Network network, Settings settings)
    : random_(seed), network_(network), settings_(settings) {
  for (std::size_t i = 0; i < nodes; ++i) add_node();
}

NodeId World::id_of(std::size_t node) {
  // Spread, so that the order of ids is not the order of nodes.
  return {.high = hash64("node", node), .low = node + 1};
}

Address World::address_of(std::size_t node) {
  return {.host = "127.0.0.1", .port = static_cast<std::uint16_t>(1000 + node)};
}

std::size_t World::add_node() {
  nodes_.emplace_back();
  start(nodes_.size() - 1, 1000);
  return nodes_.size() - 1;
}

void World::start(std::size_t index, std::int64_t incarnation_step) {
  Node& node = nodes_[index];
  ++node.run;
  node.incarnation += static_cast<std::uint64_t>(incarnation_step);
  node.running = true;
  node.stalled = false;
  node.backlog.clear();
  node.gossip =
      std::make_unique<Gossip>(now_,
                               Gossip::Options{.id = id_of(index),
                                               .address = address_of(index),
                                               .incarnation = node.incarnation,
                                               .meta = Bytes(200, static_cast<char>(index)),
                                               .cluster = cluster,
                                               .epoch = {},
                                               .settings = settings_},
                               seal_, random_.fork());
  node.gossip->on_timer(now_, out_);
  perform(index);
}

void World::introduce_all() {
  // One table of all, as the answer to an exchange of everybody's, but at once and without seeds.
  std::vector<TableEntry> table;
  for (const Node& node : nodes_) {
    const Member& self = node.gossip->self();
    table.push_back({.member = {.id = self.id,
                                .incarnation = self.incarnation,
                                .address = self.address,
                                .meta = self.meta}});
  }
  const Header stranger{.cluster = cluster};
  EnvelopeWriter writer(EnvelopeKind::exchange_reply, stranger, seal_, limits::gossip_state_bytes);
  writer.add(encode_table(table));
  const Bytes bytes = writer.finish();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].gossip->on_stream_reply(now_, address_of(0), bytes, out_);
    perform(i);
  }
}

void World::join(std::size_t node, const std::vector<std::size_t>& seeds) {
  std::vector<Address> addresses;
  for (const std::size_t seed : seeds) addresses.push_back(address_of(seed));
  nodes_[node].gossip->join(now_, addresses, out_);
  perform(node);
}

void World::crash(std::size_t node) {
  nodes_[node].running = false;
  nodes_[node].stalled = false;
  nodes_[node].backlog.clear();
}

void World::restart(std::size_t node, const std::vector<std::size_t>& seeds,
                    std::int64_t incarnation_step) {
  start(node, incarnation_step);
  join(node, seeds);
}

void World::stall(std::size_t node, Duration duration) {
  nodes_[node].stalled = true;
  push({.at = now_ + duration,
        .order = 0,
        .kind = Kind::resume,
        .to = node,
        .from = node,
        .run = nodes_[node].run,
        .bytes = {}});
}

void World::leave(std::size_t node) {
  nodes_[node].gossip->leave(now_, out_);
  perform(node);
}

void World::set_meta(std::size_t node, Bytes meta) {
  nodes_[node].gossip->set_local_meta(now_, std::move(meta), out_);
  perform(node);
}

void World::inject(std::size_t node, const Address& from, BytesView packet) {
  nodes_[node].gossip->on_packet(now_, WallTime{}, from, packet, out_);
  perform(node);
}

void World::run_for(Duration duration) {
  const Instant end = now_ + duration;
  while (!queue_.empty() && queue_.top().at <= end) {
    Event_ event = std::move(const_cast<Event_&>(queue_.top()));
    queue_.pop();
    handle(std::move(event));
  }
  now_ = end;
}

bool World::run_until(const std::function<bool()>& done, Duration most) {
  const Instant end = now_ + most;
  while (!done()) {
    if (queue_.empty() || queue_.top().at > end) {
      now_ = end;
      return done();
    }
    Event_ event = std::move(const_cast<Event_&>(queue_.top()));
    queue_.pop();
    handle(std::move(event));
  }
  return true;
}

void World::push(Event_ event) {
  event.order = next_order_++;
  queue_.push(std::move(event));
}

void World::handle(Event_ event) {
  now_ = event.at;
  Node& node = nodes_[event.to];
  if (!node.running) {
    // A connection attempt to a dead process is refused, or hangs when its host is gone.
    if (event.kind == Kind::request) {
      push({.at = now_ + delay(),
            .order = 0,
            .kind = Kind::failure,
            .to = event.from,
            .from = event.to,
            .run = nodes_[event.from].run,
            .bytes = {}});
    }
    return;
  }
  if (event.kind == Kind::wake) {
    if (event.run != node.run || event.order != node.wake_order) return;
    node.wake_order = 0;
    if (node.stalled) return;  // resume() makes up for it
    node.gossip->on_timer(now_, out_);
    perform(event.to);
    return;
  }
  if (event.kind == Kind::resume) {
    if (event.run == node.run) resume(event.to);
    return;
  }
  if (node.deaf && event.kind == Kind::packet) return;
  if (node.stalled) {
    if (event.kind != Kind::packet || node.backlog.size() < socket_buffer_packets) {
      node.backlog.push_back(std::move(event));
    }
    return;
  }
  deliver(event);
}

void World::deliver(Event_& event) {
  Node& node = nodes_[event.to];
  switch (event.kind) {
    case Kind::wake:
    case Kind::resume:
      return;
    case Kind::packet:
      ++packets_;
      mix(event.bytes, event.to);
      node.gossip->on_packet(now_, WallTime{}, address_of(event.from), event.bytes, out_);
      break;
    case Kind::request: {
      auto reply = node.gossip->on_stream_request(now_, event.bytes, out_);
      push({.at = now_ + stream_delay(),
            .order = 0,
            .kind = reply && connected(event.to, event.from) ? Kind::reply : Kind::failure,
            .to = event.from,
            .from = event.to,
            .run = nodes_[event.from].run,
            .bytes = reply ? std::move(*reply) : Bytes{}});
      break;
    }
    case Kind::reply:
      if (event.run == node.run) {
        node.gossip->on_stream_reply(now_, address_of(event.from), event.bytes, out_);
      }
      break;
    case Kind::failure:
      if (event.run == node.run) {
        node.gossip->on_stream_failed(now_, address_of(event.from), out_);
      }
      break;
  }
  perform(event.to);
}

void World::resume(std::size_t index) {
  Node& node = nodes_[index];
  if (!node.stalled) return;
  node.stalled = false;
  node.wake_order = 0;
  if (node.wake <= now_) {
    node.gossip->on_timer(now_, out_);
    perform(index);
  } else {
    push({.at = node.wake,
          .order = 0,
          .kind = Kind::wake,
          .to = index,
          .from = index,
          .run = node.run,
          .bytes = {}});
    node.wake_order = next_order_ - 1;
  }
  std::vector<Event_> backlog = std::exchange(node.backlog, {});
  for (Event_& event : backlog) deliver(event);
}

void World::perform(std::size_t index) {
  Node& node = nodes_[index];
  for (OutPacket& packet : out_.packets) {
    const std::size_t to = packet.to.port - 1000U;
    if (!connected(index, to) || random_.chance(network_.loss)) continue;
    push({.at = now_ + delay(),
          .order = 0,
          .kind = Kind::packet,
          .to = to,
          .from = index,
          .run = 0,
          .bytes = std::move(packet.bytes)});
  }
  for (OutExchange& exchange : out_.exchanges) {
    const std::size_t to = exchange.to.port - 1000U;
    if (connected(index, to)) {
      push({.at = now_ + 2 * stream_delay(),
            .order = 0,
            .kind = Kind::request,
            .to = to,
            .from = index,
            .run = 0,
            .bytes = std::move(exchange.request)});
    } else {
      push({.at = now_ + stream_timeout,
            .order = 0,
            .kind = Kind::failure,
            .to = index,
            .from = to,
            .run = node.run,
            .bytes = {}});
    }
  }
  for (Event& event : out_.events) {
    mix({}, index * 16 + static_cast<std::uint64_t>(event.kind));
    seen_.push_back({.at = now_, .observer = index, .event = std::move(event)});
  }
  if (out_.wake != node.wake || node.wake_order == 0) {
    node.wake = out_.wake;
    push({.at = std::max(node.wake, now_),
          .order = 0,
          .kind = Kind::wake,
          .to = index,
          .from = index,
          .run = node.run,
          .bytes = {}});
    node.wake_order = next_order_ - 1;
  }
  out_.clear();
}

void World::mix(BytesView bytes, std::uint64_t extra) {
  digest_ = hash64(bytes, digest_ ^ (extra * 0x9e3779b97f4a7c15ULL) ^
                              static_cast<std::uint64_t>(now_.time_since_epoch().count()));
}

Duration World::delay() {
  const auto spread =
      static_cast<std::uint64_t>((network_.delay_most - network_.delay_least).count());
  return network_.delay_least + Duration(random_.below(spread + 1));
}

Duration World::stream_delay() {
  Duration total = delay();
  // What is lost is sent again.
  while (random_.chance(network_.loss)) total += 200ms;
  return total;
}

bool World::connected(std::size_t a, std::size_t b) const {
  return b < nodes_.size() && nodes_[a].side == nodes_[b].side &&
         !cuts_.contains(std::minmax(a, b));
}

MemberState World::state_at(std::size_t observer, std::size_t other) const {
  const Member* member = nodes_[observer].gossip->find(id_of(other));
  return member == nullptr ? MemberState::left : member->state;
}

bool World::all_alive() const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].running) continue;
    for (std::size_t j = 0; j < nodes_.size(); ++j) {
      if (nodes_[j].running && state_at(i, j) != MemberState::alive) return false;
    }
  }
  return true;
}

std::size_t World::count(EventKind kind, std::size_t subject) const {
  return static_cast<std::size_t>(std::count_if(seen_.begin(), seen_.end(), [&](const Seen& seen) {
    return seen.event.kind == kind && seen.event.member.id == id_of(subject);
  }));
}

}  // namespace coterie::gossip::test
