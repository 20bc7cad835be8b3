#include "bench/wire_between.h"

#include <algorithm>
#include <utility>

namespace coterie::bench {

ConnectionId WireTransport::dial(const Address& to, const wire::Hello& ours) {
  const ConnectionId id{++wires_.last_id_};
  ends_[id];
  wires_.openings_.push_back({.from = this, .connection = id, .port = to.port, .hello = ours});
  return id;
}

bool WireTransport::send(ConnectionId connection, Bytes frame) {
  const auto end = ends_.find(connection);
  if (end == ends_.end()) return false;
  if (end->second.other == nullptr) {
    end->second.unsent += frame;
  } else {
    put_on(end->second, frame);
  }
  return true;
}

void WireTransport::put_on(const End& end, BytesView bytes) {
  End& there = end.other->ends_.at(end.there);
  there.arrived += bytes;
  if (!std::exchange(there.is_waiting, true)) wires_.dirty_.emplace_back(end.other, end.there);
}

void WireTransport::receive(ConnectionId connection) {
  const auto found = ends_.find(connection);
  if (found == ends_.end()) return;
  End& end = found->second;
  end.is_waiting = false;
  Bytes arrived = std::exchange(end.arrived, {});
  for (std::size_t at = 0; at < arrived.size();) {
    const auto space = end.reader.space({wires_.scratch_->data(), wires_.scratch_->size()});
    const std::size_t size = std::min(space.size(), arrived.size() - at);
    std::copy_n(arrived.data() + at, size, space.data());
    at += size;
    end.reader.filled(size);
    for (auto frame = end.reader.next(); frame && frame->has_value(); frame = end.reader.next()) {
      handler_.on_frame(connection, (*frame)->header, (*frame)->body);
    }
    end.reader.settle();
  }
  arrived.clear();
  if (end.arrived.empty()) end.arrived = std::move(arrived);  // keeps its memory
}

bool Wires::deliver() {
  const auto openings = std::exchange(openings_, {});
  for (const auto& opening : openings) {
    WireTransport& to = *doors_.at(opening.port);
    const ConnectionId there{++last_id_};
    WireTransport& from = *opening.from;
    auto& end = from.ends_[opening.connection];
    end.other = &to;
    end.there = there;
    to.ends_[there].other = &from;
    to.ends_[there].there = opening.connection;
    to.handler_.on_open(there, opening.hello);
    from.put_on(end, std::exchange(end.unsent, {}));
    from.handler_.on_open(opening.connection, to.hello_());
  }
  const auto dirty = std::exchange(dirty_, {});
  for (const auto& [to, connection] : dirty) to->receive(connection);
  return !openings.empty() || !dirty.empty();
}

}  // namespace coterie::bench
