#include "tests/sim/env/transport.h"

#include <utility>

#include "base/wire/codec.h"

namespace coterie::sim {

SimTransport::SimTransport(SimNetwork& network, NodeIndex node, TransportHandler& handler,
                           const Options& options)
    : network_(network), life_(network.world().life(node)), handler_(handler), options_(options) {}

SimTransport::~SimTransport() {
  for (const auto& [id, connection] : std::map(connections_)) close(id);
}

SimTransport::ConnectionPtr SimTransport::find(ConnectionId id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second;
}

SimTransport::ConnectionPtr SimTransport::find(WireEnd end) const {
  const auto found = by_wire_[end.side].find(end.wire);
  return found == by_wire_[end.side].end() ? nullptr : find(found->second);
}

SimTransport::ConnectionPtr SimTransport::make(WireEnd end, const wire::Hello& ours,
                                               std::string name) {
  const ConnectionId id{++last_id_};
  auto connection =
      std::make_shared<Connection>(Connection{.id = id,
                                              .end = end,
                                              .reader = FrameReader(options_.frame_bytes),
                                              .waiting = {},
                                              .hello = wire::encode(ours),
                                              .name = std::move(name),
                                              .timer = {}});
  connections_.emplace(id, connection);
  by_wire_[end.side].emplace(end.wire, id);
  return connection;
}

ConnectionId SimTransport::dial(const Address& to, const wire::Hello& ours) {
  ++counters_.dials;
  const auto connection = make(network_.dial(life_, to, *this), ours, to.text());
  connection->was_dialled = true;
  limit(*connection, options_.connect_timeout);
  return connection->id;
}

void SimTransport::limit(Connection& connection, Duration time) {
  network_.world().cancel(connection.timer);
  connection.timer =
      network_.world().schedule(life_, time, "hello timeout", [this, id = connection.id] {
        const auto late = find(id);
        if (late == nullptr) return;
        fail(late, {.code = ErrorCode::closed, .message = late->name + " did not answer in time"});
      });
}

void SimTransport::on_connected(WireEnd end) {
  const auto connection = find(end);
  if (connection == nullptr) return;
  connection->state = State::greeting;
  limit(*connection, options_.hello_timeout);
  write(*connection, std::move(connection->hello));
}

Result<ConnectionId> SimTransport::adopt(SimSocket socket, const wire::Hello& ours) {
  ++counters_.adopted;
  const std::string name = socket.from.text();
  const auto connection = make(socket.release(), ours, name);
  network_.pause(connection->end, true);
  if (!network_.hold(connection->end, this)) {
    forget(*connection);
    return coterie::fail(ErrorCode::io, "cannot serve " + name + ": it has gone");
  }
  connection->state = State::greeting;
  write(*connection, std::move(connection->hello));
  if (!socket.leftover.empty()) connection->reader.feed(socket.leftover);
  network_.world().schedule(life_, Duration::zero(), "adopt",
                            [this, id = connection->id, theirs = socket.theirs] {
                              const auto adopted = find(id);
                              if (adopted == nullptr) return;
                              opened(adopted, theirs.view());
                              hand_out(adopted);
                              if (find(id) != nullptr && !adopted->is_paused)
                                network_.pause(adopted->end, false);
                            });
  return connection->id;
}

void SimTransport::write(Connection& connection, Bytes frame) {
  ++counters_.frames_out;
  ++counters_.writes;
  counters_.bytes_out += frame.size();
  network_.write(connection.end, std::move(frame));
}

void SimTransport::opened(const ConnectionPtr& connection, const wire::Hello& theirs) {
  network_.world().cancel(connection->timer);
  connection->state = State::open;
  ++counters_.frames_in;
  for (Bytes& frame : connection->waiting) write(*connection, std::move(frame));
  connection->waiting.clear();
  connection->waiting_bytes = 0;
  if (connection->is_paused) network_.pause(connection->end, true);
  handler_.on_open(connection->id, theirs);
}

void SimTransport::on_bytes(WireEnd end, Bytes bytes) {
  const auto connection = find(end);
  if (connection == nullptr) return;
  counters_.bytes_in += bytes.size();
  connection->reader.feed(bytes);
  hand_out(connection);
}

void SimTransport::hand_out(const ConnectionPtr& connection) {
  while (find(connection->id) != nullptr &&
         !(connection->state == State::open && connection->is_paused)) {
    const auto frame = connection->reader.next();
    if (!frame) {
      ++counters_.frames_malformed;
      fail(connection,
           {.code = frame.error().code,
            .message = connection->name + " sent what is no frame: " + frame.error().message});
      break;
    }
    if (!frame->has_value()) break;
    take(connection, **frame);
  }
  connection->reader.settle();
}

void SimTransport::take(const ConnectionPtr& connection, const FrameReader::Frame& frame) {
  if (connection->state == State::open) {
    ++counters_.frames_in;
    handler_.on_frame(connection->id, frame.header, frame.body);
    return;
  }
  const auto [theirs, is_refusal] = read_greeting(frame);
  if (theirs) {
    opened(connection, *theirs);
    return;
  }
  if (!is_refusal) ++counters_.frames_malformed;
  Error why = theirs.error();
  why.message = connection->name + (is_refusal ? " refuses: " : ": ") + why.message;
  fail(connection, why);
}

void SimTransport::on_lost(WireEnd end, const Error& why) {
  if (const auto connection = find(end)) fail(connection, why);
}

bool SimTransport::send(ConnectionId id, Bytes frame) {
  const auto connection = find(id);
  if (connection == nullptr || queued_bytes(id) > options_.queue_bytes) {
    ++counters_.sends_refused;
    return false;
  }
  if (connection->state == State::open) {
    write(*connection, std::move(frame));
  } else {
    connection->waiting_bytes += frame.size();
    connection->waiting.push_back(std::move(frame));
  }
  return true;
}

void SimTransport::close(ConnectionId id) {
  const auto connection = find(id);
  if (connection == nullptr) return;
  forget(*connection);
  network_.shut(connection->end);
}

std::size_t SimTransport::queued_bytes(ConnectionId id) const {
  const auto connection = find(id);
  if (connection == nullptr) return 0;
  return connection->waiting_bytes + network_.unread_bytes(connection->end);
}

void SimTransport::pause_reading(ConnectionId id, bool paused) {
  const auto connection = find(id);
  if (connection == nullptr || connection->is_paused == paused) return;
  connection->is_paused = paused;
  if (connection->state != State::open) return;
  network_.pause(connection->end, paused);
  if (paused) return;
  network_.world().schedule(life_, Duration::zero(), "resume", [this, id] {
    if (const auto resumed = find(id)) hand_out(resumed);
  });
}

void SimTransport::forget(Connection& connection) {
  network_.world().cancel(connection.timer);
  by_wire_[connection.end.side].erase(connection.end.wire);
  connections_.erase(connection.id);
}

void SimTransport::fail(const ConnectionPtr& connection, const Error& why) {
  if (connection->was_dialled && connection->state != State::open) ++counters_.dials_failed;
  const ConnectionPtr alive = connection;
  forget(*alive);
  network_.shut(alive->end);
  handler_.on_closed(alive->id, why);
}

}  // namespace coterie::sim
