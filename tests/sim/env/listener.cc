#include <utility>

#include "base/wire/codec.h"
#include "tests/sim/env/transport.h"

namespace coterie::sim {

SimSocket::~SimSocket() {
  if (network_ != nullptr) network_->shut(end_);
}

void refuse(SimSocket socket, const Error& why) {
  socket.write(wire::encode(
      wire::ErrorReply{
          .code = why.code, .retry_after_ms = why.retry_after_ms, .message = why.message},
      wire::Envelope{}));
}

SimListener::SimListener(SimNetwork& network, NodeIndex node, OnHello on_hello,
                         const Options& options)
    : network_(network),
      life_(network.world().life(node)),
      on_hello_(std::move(on_hello)),
      options_(options) {}

Result<std::unique_ptr<SimListener>> SimListener::listen(SimNetwork& network, NodeIndex node,
                                                         const Address& address, OnHello on_hello,
                                                         const Options& options) {
  std::unique_ptr<SimListener> listener(
      new SimListener(network, node, std::move(on_hello), options));
  auto bound = network.open_door(listener->life_, address, *listener);
  if (!bound) return std::unexpected(bound.error());
  listener->address_ = *bound;
  return listener;
}

SimListener::~SimListener() {
  network_.close_door(address_, *this);
  while (!half_open_.empty()) drop(half_open_.begin()->first);
}

void SimListener::on_knock(WireEnd end) {
  ++counters_.accepted;
  network_.hold(end, this);
  const EventId timer =
      network_.world().schedule(life_, options_.hello_timeout, "guest timeout", [this, end] {
        ++counters_.silent;
        drop(end.wire);
      });
  half_open_.emplace(
      end.wire, Guest{.end = end, .reader = FrameReader(options_.hello_bytes), .timer = timer});
  if (half_open_.size() > options_.half_open) {
    ++counters_.crowded_out;
    drop(half_open_.begin()->first);
  }
}

void SimListener::on_bytes(WireEnd end, Bytes bytes) {
  FrameReader& reader = half_open_.at(end.wire).reader;
  reader.feed(bytes);
  const auto frame = reader.next();
  if (frame && !frame->has_value()) return;
  if (!frame || (*frame)->header.kind != wire::Kind::hello) {
    ++counters_.malformed;
    drop(end.wire);
    return;
  }
  const auto hello = wire::decode<wire::Hello>((*frame)->body);
  SimSocket socket(network_, end);
  if (hello) socket.theirs = OwnedHello(*hello);
  socket.leftover = Bytes(reader.pending());
  socket.from = network_.peer(end);
  network_.hold(end, nullptr);
  network_.world().cancel(half_open_.at(end.wire).timer);
  half_open_.erase(end.wire);
  if (!hello) {
    ++counters_.malformed;
    refuse(std::move(socket), hello.error());
    return;
  }
  ++counters_.greeted;
  on_hello_(std::move(socket));
}

void SimListener::on_lost(WireEnd end, const Error&) {
  ++counters_.gone;
  drop(end.wire);
}

void SimListener::drop(std::uint64_t wire) {
  const auto guest = half_open_.extract(wire);
  if (guest.empty()) return;
  network_.world().cancel(guest.mapped().timer);
  network_.shut(guest.mapped().end);
}

}  // namespace coterie::sim
