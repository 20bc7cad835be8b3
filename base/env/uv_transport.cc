#include "base/env/uv_transport.h"

#include <utility>

#include "base/env/system.h"
#include "base/env/uv_connection.h"

namespace coterie {

namespace uv {

Connections::Connections(UvLoop& loop, TransportHandler& handler,
                         const UvTransport::Options& options)
    : loop_(loop),
      handler_(handler),
      options_(options),
      hook_(loop.at_turn_end(UvLoop::TurnEnd::flush, [this] { flush(); })) {}

Connections::~Connections() {
  const NoBrokenPipes guard;  // what is closed still sends what it can
  loop_.remove_hook(hook_);
  for (const auto& [id, connection] : connections_) connection->close();
}

ConnectionId Connections::dial(const Address& to, const wire::Hello& ours) {
  ++counters_.dials;
  const ConnectionId id{++last_id_};
  const auto connection = std::make_shared<Connection>(*this, id);
  connections_.emplace(id, connection);
  connection->dial(to, ours);
  return id;
}

Result<ConnectionId> Connections::adopt(GreetedSocket socket, const wire::Hello& ours) {
  const ConnectionId id{++last_id_};
  const auto connection = std::make_shared<Connection>(*this, id);
  if (auto adopted = connection->adopt(std::move(socket), ours); !adopted) {
    return std::unexpected(adopted.error());
  }
  ++counters_.adopted;
  connections_.emplace(id, connection);
  return id;
}

Connection* Connections::find(ConnectionId id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

bool Connections::send(ConnectionId id, Bytes frame) {
  Connection* connection = find(id);
  const bool is_sent = connection != nullptr && connection->send(std::move(frame));
  if (!is_sent) ++counters_.sends_refused;
  return is_sent;
}

void Connections::close(ConnectionId id) {
  const auto found = connections_.extract(id);
  if (!found.empty()) found.mapped()->close();
}

void Connections::flush() {
  std::vector<std::shared_ptr<Connection>> dirty;
  dirty.swap(dirty_);
  for (const auto& connection : dirty) connection->flush();
  dirty.clear();
  if (dirty_.empty()) dirty_.swap(dirty);  // keeps its memory
}

}  // namespace uv

UvTransport::UvTransport(UvLoop& loop, TransportHandler& handler, const Options& options)
    : impl_(std::make_unique<uv::Connections>(loop, handler, options)) {}
UvTransport::~UvTransport() = default;

Result<ConnectionId> UvTransport::adopt(GreetedSocket socket, const wire::Hello& ours) {
  return impl_->adopt(std::move(socket), ours);
}
ConnectionId UvTransport::dial(const Address& to, const wire::Hello& ours) {
  return impl_->dial(to, ours);
}
bool UvTransport::send(ConnectionId connection, Bytes frame) {
  return impl_->send(connection, std::move(frame));
}
void UvTransport::close(ConnectionId connection) {
  impl_->close(connection);
}
std::size_t UvTransport::queued_bytes(ConnectionId connection) const {
  const auto* found = impl_->find(connection);
  return found == nullptr ? 0 : found->queued_bytes();
}
void UvTransport::pause_reading(ConnectionId connection, bool paused) {
  if (auto* found = impl_->find(connection)) found->pause(paused);
}
const TransportCounters& UvTransport::counters() const {
  return impl_->counters_;
}
std::size_t UvTransport::connections() const {
  return impl_->connections_.size();
}

}  // namespace coterie
