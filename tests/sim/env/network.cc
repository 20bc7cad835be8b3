#include "tests/sim/env/network.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace coterie::sim {

namespace {

/// A blocked connection tries again so often, and breaks after so long.
constexpr Duration retry_least = 100ms;
constexpr Duration retry_most = 400ms;
constexpr Duration give_up = 15s;
/// Until a side notices that its connection broke.
constexpr Duration notice_most = 2s;

Error lost(std::string why) {
  return Error{.code = ErrorCode::closed, .message = std::move(why)};
}

}  // namespace

SimNetwork::SimNetwork(SimWorld& world)
    : world_(world),
      random_(world.fork_random()),
      observer_(world.at_crash([this](NodeIndex node, Crash) { crash(node); })) {}

SimNetwork::~SimNetwork() {
  world_.remove_at_crash(observer_);
}

std::string SimNetwork::host(NodeIndex node) {
  return "10.0." + std::to_string(node.value / 256) + "." + std::to_string(node.value % 256);
}

NodeIndex SimNetwork::node_at(const Address& address) const {
  const auto found = doors_.find(address);
  return found == doors_.end() ? NodeIndex{} : found->second.life.node;
}

Result<Address> SimNetwork::open_door(Life life, Address address, DoorUser& user) {
  if (address.port == 0) address.port = ++last_port_;
  if (!doors_.try_emplace(address, Door{.life = life, .user = &user}).second) {
    return fail(ErrorCode::io, "cannot listen on " + address.text() + ": address already in use");
  }
  return address;
}

void SimNetwork::close_door(const Address& address, const DoorUser& user) {
  const auto found = doors_.find(address);
  if (found != doors_.end() && found->second.user == &user) doors_.erase(found);
}

Result<Address> SimNetwork::open_packets(Life life, Address address, PacketUser& user) {
  if (address.port == 0) address.port = ++last_port_;
  if (!packets_.try_emplace(address, PacketSocket{.life = life, .user = &user}).second) {
    return fail(ErrorCode::io, "cannot bind UDP to " + address.text() + ": address already in use");
  }
  return address;
}

void SimNetwork::close_packets(const Address& address, const PacketUser& user) {
  const auto found = packets_.find(address);
  if (found != packets_.end() && found->second.user == &user) packets_.erase(found);
}

void SimNetwork::send_packet(const Address& from, const Address& to, Life life, BytesView packet) {
  const auto found = packets_.find(to);
  if (found == packets_.end() || world_.is_over(life)) return;
  const Life receiver = found->second.life;
  const LinkFaults& link = world_.link_of(life.node, receiver.node);
  if (link.is_blocked || random_.chance(link.loss)) return;
  const int copies = random_.chance(link.doubled) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Duration after = delay(link);
    if (random_.chance(link.late)) after += draw(random_, Duration::zero(), link.late_most);
    world_.schedule(receiver, after, "packet", [this, from, to, bytes = Bytes(packet)] {
      const auto socket = packets_.find(to);
      if (socket == packets_.end()) return;
      world_.note(socket->second.life.node, "packet from " + from.text(), bytes);
      socket->second.user->on_packet(from, bytes);
    });
  }
}

SimNetwork::Wire* SimNetwork::find(std::uint64_t wire) {
  const auto found = wires_.find(wire);
  return found == wires_.end() ? nullptr : &found->second;
}

const LinkFaults& SimNetwork::link_from(const Wire& wire, unsigned side) const {
  return world_.link_of(wire.ends[side].life.node, wire.ends[1 - side].life.node);
}

Duration SimNetwork::delay(const LinkFaults& link) {
  return draw(random_, link.delay_least, link.delay_most);
}

WireEnd SimNetwork::dial(Life life, const Address& to, WireUser& user) {
  const WireEnd end{.wire = ++last_wire_, .side = 0};
  Wire& wire = wires_[end.wire];
  const auto port = static_cast<std::uint16_t>(40000 + end.wire % 20000);
  wire.ends[0] = {.life = life, .address = {host(life.node), port}, .user = &user, .arrived = {}};
  wire.ends[1].address = to;
  wire.ends[1].life.node = node_at(to);
  wire.ends[1].is_open = false;
  world_.schedule(life, delay(link_from(wire, 0)), "dial",
                  [this, end, to, since = world_.now()] { knock(end, to, since); });
  return end;
}

void SimNetwork::knock(WireEnd dialler, const Address& to, Instant since) {
  Wire* wire = find(dialler.wire);
  if (wire == nullptr) return;
  const auto door = doors_.find(to);
  if (door == doors_.end()) {
    Error why{.code = ErrorCode::io, .message = "cannot connect to " + to.text() + ": refused"};
    lose_later(dialler, delay(link_from(*wire, 0)), std::move(why));
    return;
  }
  wire->ends[1].life = door->second.life;
  if (link_from(*wire, 0).is_blocked || link_from(*wire, 1).is_blocked) {
    if (world_.now() - since > give_up) return lose(dialler, lost("no way to " + to.text()));
    world_.schedule(wire->ends[0].life, draw(random_, retry_least, retry_most), "dial again",
                    [this, dialler, to, since] { knock(dialler, to, since); });
    return;
  }
  wire->ends[1].is_open = true;
  door->second.user->on_knock(dialler.other());
  wire = find(dialler.wire);
  if (wire == nullptr) return;
  if (wire->ends[1].user == nullptr) return break_wire(dialler.wire, "refused");
  world_.schedule(wire->ends[0].life, delay(link_from(*wire, 1)), "connected", [this, dialler] {
    Wire* made = find(dialler.wire);
    if (made != nullptr && made->ends[0].user != nullptr) {
      made->ends[0].user->on_connected(dialler);
    }
  });
}

bool SimNetwork::hold(WireEnd end, WireUser* user) {
  Wire* wire = find(end.wire);
  if (wire == nullptr || !wire->ends[end.side].is_open) return false;
  wire->ends[end.side].user = user;
  return true;
}

void SimNetwork::write(WireEnd end, Bytes bytes) {
  Wire* wire = find(end.wire);
  if (wire == nullptr || wire->is_broken || !wire->ends[end.side].is_open) return;
  if (world_.is_over(wire->ends[end.side].life)) return;
  check(!bytes.empty(), "a write has bytes");
  const LinkFaults& link = link_from(*wire, end.side);
  if (random_.chance(link.break_chance)) {
    break_wire(end.wire, "a frame was lost");
    return;
  }
  Pipe& pipe = wire->pipes[end.side];
  if (link.is_unordered && pipe.has_delivered && pipe.items.empty()) {
    carry_loose(end, std::move(bytes));
    return;
  }
  pipe.unread_bytes += bytes.size();
  pipe.items.push_back({.due = world_.now() + delay(link), .bytes = std::move(bytes)});
  move(end);
}

/// Schedules the arrival of the pipe's first item.
void SimNetwork::move(WireEnd from) {
  Wire& wire = *find(from.wire);
  Pipe& pipe = wire.pipes[from.side];
  if (pipe.is_moving || pipe.items.empty()) return;
  pipe.is_moving = true;
  world_.schedule(wire.ends[1 - from.side].life, pipe.items.front().due - world_.now(), "frame",
                  [this, from] { carry(from); });
}

void SimNetwork::carry(WireEnd from) {
  Wire* wire = find(from.wire);
  if (wire == nullptr || wire->is_broken) return;
  Pipe& pipe = wire->pipes[from.side];
  pipe.is_moving = false;
  if (link_from(*wire, from.side).is_blocked) {
    pipe.blocked_since = std::min(pipe.blocked_since, world_.now());
    if (world_.now() - pipe.blocked_since > give_up) {
      break_wire(from.wire, "the network took nothing for long");
      return;
    }
    pipe.items.front().due = world_.now() + draw(random_, retry_least, retry_most);
    move(from);
    return;
  }
  pipe.blocked_since = Instant::max();
  pipe.has_delivered = true;
  Bytes bytes = std::move(pipe.items.front().bytes);
  pipe.items.pop_front();
  move(from);
  arrive(from.other(), std::move(bytes));
}

void SimNetwork::carry_loose(WireEnd from, Bytes bytes) {
  Wire& wire = *find(from.wire);
  const LinkFaults& link = link_from(wire, from.side);
  if (link.is_blocked || random_.chance(link.loss)) return;
  const int copies = random_.chance(link.doubled) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Duration after = delay(link);
    if (random_.chance(link.late)) after += draw(random_, Duration::zero(), link.late_most);
    wire.pipes[from.side].unread_bytes += bytes.size();
    world_.schedule(wire.ends[1 - from.side].life, after, "loose frame", [this, from, bytes] {
      const Wire* there = find(from.wire);
      if (there != nullptr && !there->is_broken) arrive(from.other(), bytes);
    });
  }
}

void SimNetwork::arrive(WireEnd at, Bytes bytes) {
  Wire& wire = *find(at.wire);
  End& end = wire.ends[at.side];
  if (!end.is_open) {
    // Data for a closed socket: the other side is told so.
    if (!bytes.empty()) lose_later(at.other(), delay(link_from(wire, at.side)), lost("reset"));
    return;
  }
  world_.note(end.life.node, "bytes from " + wire.ends[1 - at.side].address.text(), bytes);
  end.arrived.push_back(std::move(bytes));
  take(at);
}

/// Hands out what has arrived, as long as it is wanted.
void SimNetwork::take(WireEnd at) {
  while (true) {
    Wire* wire = find(at.wire);
    if (wire == nullptr) return;
    End& end = wire->ends[at.side];
    if (!end.is_open || end.user == nullptr || end.is_paused || end.arrived.empty()) return;
    Bytes bytes = std::move(end.arrived.front());
    end.arrived.pop_front();
    if (bytes.empty()) return lose(at, lost("the other side closed"));
    wire->pipes[1 - at.side].unread_bytes -= bytes.size();
    end.user->on_bytes(at, std::move(bytes));
  }
}

void SimNetwork::pause(WireEnd end, bool paused) {
  Wire* wire = find(end.wire);
  if (wire == nullptr) return;
  wire->ends[end.side].is_paused = paused;
  if (paused) return;
  world_.schedule(wire->ends[end.side].life, Duration::zero(), "resume",
                  [this, end] { take(end); });
}

std::size_t SimNetwork::unread_bytes(WireEnd end) const {
  const auto found = wires_.find(end.wire);
  return found == wires_.end() ? 0 : found->second.pipes[end.side].unread_bytes;
}

Address SimNetwork::peer(WireEnd end) const {
  const auto found = wires_.find(end.wire);
  return found == wires_.end() ? Address{} : found->second.ends[1 - end.side].address;
}

void SimNetwork::shut(WireEnd end) {
  Wire* wire = find(end.wire);
  if (wire == nullptr) return;
  End& mine = wire->ends[end.side];
  if (!mine.is_open) return;
  mine.is_open = false;
  mine.user = nullptr;
  mine.arrived.clear();
  if (!wire->is_broken && wire->ends[1 - end.side].is_open) {
    const Duration after = delay(link_from(*wire, end.side));
    wire->pipes[end.side].items.push_back({.due = world_.now() + after, .bytes = {}});
    move(end);
  }
  forget_if_over(end.wire);
}

void SimNetwork::break_wire(std::uint64_t number, const std::string& why) {
  Wire& wire = *find(number);
  if (std::exchange(wire.is_broken, true)) return;
  for (const unsigned side : {0U, 1U}) {
    if (!wire.ends[side].is_open) continue;
    lose_later({number, side}, draw(random_, Duration::zero(), notice_most), lost(why));
  }
  forget_if_over(number);
}

void SimNetwork::lose_later(WireEnd end, Duration after, Error why) {
  const Life life = find(end.wire)->ends[end.side].life;
  world_.schedule(life, after, "lost", [this, end, why = std::move(why)] { lose(end, why); });
}

void SimNetwork::lose(WireEnd at, const Error& why) {
  Wire* wire = find(at.wire);
  if (wire == nullptr || !wire->ends[at.side].is_open) return;
  End& end = wire->ends[at.side];
  WireUser* user = std::exchange(end.user, nullptr);
  end.is_open = false;
  end.arrived.clear();
  forget_if_over(at.wire);
  if (user != nullptr) user->on_lost(at, why);
}

void SimNetwork::forget_if_over(std::uint64_t number) {
  const Wire& wire = *find(number);
  if (!wire.ends[0].is_open && !wire.ends[1].is_open) wires_.erase(number);
}

void SimNetwork::crash(NodeIndex node) {
  std::erase_if(doors_, [node](const auto& entry) { return entry.second.life.node == node; });
  std::erase_if(packets_, [node](const auto& entry) { return entry.second.life.node == node; });
  for (auto next = wires_.begin(); next != wires_.end();) {
    const auto current = next++;
    auto& [number, wire] = *current;
    bool is_concerned = false;
    for (End& end : wire.ends) {
      if (end.life.node != node || !end.is_open) continue;
      is_concerned = true;
      end.is_open = false;
      end.user = nullptr;
    }
    if (!is_concerned) continue;
    wire.is_broken = false;
    break_wire(number, "the other side crashed");
  }
}

}  // namespace coterie::sim
