#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/env/frame_reader.h"
#include "base/env/transport.h"
#include "base/limits.h"

namespace coterie::bench {

class Wires;

/// One side's connections within this process: frames travel as bytes, and are cut out of them
/// again as on a socket. For measuring; nothing is ever lost.
class WireTransport final : public Transport {
 public:
  using MakeHello = std::function<wire::Hello()>;
  WireTransport(Wires& wires, TransportHandler& handler, MakeHello hello)
      : wires_(wires), handler_(handler), hello_(std::move(hello)) {}

  ConnectionId dial(const Address& to, const wire::Hello& ours) override;
  bool send(ConnectionId connection, Bytes frame) override;
  void close(ConnectionId connection) override { ends_.erase(connection); }
  [[nodiscard]] std::size_t queued_bytes(ConnectionId /*connection*/) const override { return 0; }
  void pause_reading(ConnectionId /*connection*/, bool /*paused*/) override {}

 private:
  friend class Wires;
  struct End {
    WireTransport* other = nullptr;
    ConnectionId there;
    Bytes arrived;  // not read yet
    Bytes unsent;   // before the other side answered
    bool is_waiting = false;
    FrameReader reader{limits::frame_bytes};
  };

  void receive(ConnectionId connection);
  void put_on(const End& end, BytesView bytes);

  Wires& wires_;
  TransportHandler& handler_;
  MakeHello hello_;
  std::unordered_map<ConnectionId, End> ends_;
};

/// All of them, and what is on its way.
class Wires {
 public:
  void listen(std::uint16_t port, WireTransport& transport) { doors_[port] = &transport; }
  /// Delivers what was sent up to now; false: there was nothing.
  bool deliver();

 private:
  friend class WireTransport;
  struct Opening {
    WireTransport* from;
    ConnectionId connection;
    std::uint16_t port;
    wire::Hello hello;
  };

  struct alignas(8) Scratch : std::array<char, std::size_t{256} << 10> {};

  std::unordered_map<std::uint16_t, WireTransport*> doors_;
  std::vector<Opening> openings_;
  std::vector<std::pair<WireTransport*, ConnectionId>> dirty_;
  std::uint64_t last_id_ = 0;
  std::unique_ptr<Scratch> scratch_ = std::make_unique_for_overwrite<Scratch>();
};

}  // namespace coterie::bench
