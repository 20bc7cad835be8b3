#include "base/env/uv_transport.h"

#include <utility>

#include "base/check.h"
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
  for (const auto& connection : slots_) {
    if (connection != nullptr) connection->close();
  }
}

std::shared_ptr<Connection> Connections::add() {
  if (free_.empty()) {
    free_.push_back(slots_.size());
    slots_.emplace_back();
  }
  const std::size_t slot = free_.back();
  check(slot >> slot_bits == 0, "far fewer connections are open than a process can have");
  free_.pop_back();
  const ConnectionId id{++last_serial_ << slot_bits | slot};
  return slots_[slot] = std::make_shared<Connection>(*this, id);
}

std::shared_ptr<Connection> Connections::remove(ConnectionId id) {
  if (find(id) == nullptr) return nullptr;
  const std::size_t slot = id.value & ((1U << slot_bits) - 1);
  free_.push_back(slot);
  return std::exchange(slots_[slot], nullptr);
}

ConnectionId Connections::dial(const Address& to, const wire::Hello& ours) {
  ++counters_.dials;
  const auto connection = add();
  connection->dial(to, ours);
  return connection->id();
}

Result<ConnectionId> Connections::adopt(GreetedSocket socket, const wire::Hello& ours) {
  const auto connection = add();
  if (auto adopted = connection->adopt(std::move(socket), ours); !adopted) {
    remove(connection->id());
    return std::unexpected(adopted.error());
  }
  ++counters_.adopted;
  return connection->id();
}

Connection* Connections::find(ConnectionId id) const {
  const std::size_t slot = id.value & ((1U << slot_bits) - 1);
  Connection* found = slot < slots_.size() ? slots_[slot].get() : nullptr;
  return found != nullptr && found->id() == id ? found : nullptr;
}

bool Connections::send(ConnectionId id, Bytes frame) {
  Connection* connection = find(id);
  const bool is_sent = connection != nullptr && connection->send(std::move(frame));
  if (!is_sent) ++counters_.sends_refused;
  return is_sent;
}

void Connections::close(ConnectionId id) {
  if (const auto removed = remove(id)) removed->close();
}

void Connections::flush() {
  std::vector<ConnectionId> dirty;
  dirty.swap(dirty_);
  for (const auto id : dirty) {
    if (Connection* connection = find(id)) connection->flush();
  }
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
  return impl_->size();
}

}  // namespace coterie
