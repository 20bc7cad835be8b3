#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/env/frame_reader.h"
#include "base/env/hello.h"
#include "base/env/transport.h"
#include "base/env/uv_listener.h"
#include "base/env/uv_transport.h"
#include "tests/sim/env/network.h"

namespace coterie::sim {

/// GreetedSocket's simulated twin. Closes what nobody adopted.
class SimSocket {
 public:
  SimSocket(SimNetwork& network, WireEnd end) : network_(&network), end_(end) {}
  SimSocket(SimSocket&& other) noexcept
      : theirs(std::move(other.theirs)),
        leftover(std::move(other.leftover)),
        from(std::move(other.from)),
        network_(std::exchange(other.network_, nullptr)),
        end_(other.end_) {}
  SimSocket& operator=(SimSocket&&) = delete;
  ~SimSocket();

  [[nodiscard]] WireEnd release() {
    network_ = nullptr;
    return end_;
  }
  void write(Bytes bytes) { network_->write(end_, std::move(bytes)); }

  OwnedHello theirs;
  Bytes leftover;
  Address from;

 private:
  SimNetwork* network_;
  WireEnd end_;
};

/// As coterie::refuse.
void refuse(SimSocket socket, const Error& why);

/// UvListener's simulated twin: the real bytes, the same checks.
class SimListener final : private DoorUser, private WireUser {
 public:
  using Options = UvListener::Options;
  using OnHello = std::move_only_function<void(SimSocket)>;

  [[nodiscard]] static Result<std::unique_ptr<SimListener>> listen(SimNetwork& network,
                                                                   NodeIndex node,
                                                                   const Address& address,
                                                                   OnHello on_hello,
                                                                   const Options& options = {});
  SimListener(const SimListener&) = delete;
  SimListener& operator=(const SimListener&) = delete;
  ~SimListener() override;

  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] const ListenerCounters& counters() const { return counters_; }

 private:
  struct Guest {
    WireEnd end;
    FrameReader reader;
    EventId timer;
  };

  SimListener(SimNetwork& network, NodeIndex node, OnHello on_hello, const Options& options);
  void on_knock(WireEnd end) override;
  void on_connected(WireEnd) override {}
  void on_bytes(WireEnd end, Bytes bytes) override;
  void on_lost(WireEnd end, const Error& why) override;
  void drop(std::uint64_t wire);

  SimNetwork& network_;
  Life life_;
  OnHello on_hello_;
  Options options_;
  Address address_;
  ListenerCounters counters_;
  std::map<std::uint64_t, Guest> half_open_;  // by wire, so oldest first
};

/// UvTransport's simulated twin: frames are the real encoded bytes, and are read by the same code.
class SimTransport final : public Transport, private WireUser {
 public:
  using Options = UvTransport::Options;

  SimTransport(SimNetwork& network, NodeIndex node, TransportHandler& handler,
               const Options& options = {});
  SimTransport(const SimTransport&) = delete;
  SimTransport& operator=(const SimTransport&) = delete;
  ~SimTransport() override;

  [[nodiscard]] Result<ConnectionId> adopt(SimSocket socket, const wire::Hello& ours);

  ConnectionId dial(const Address& to, const wire::Hello& ours) override;
  [[nodiscard]] bool send(ConnectionId connection, Bytes frame) override;
  void close(ConnectionId connection) override;
  [[nodiscard]] std::size_t queued_bytes(ConnectionId connection) const override;
  void pause_reading(ConnectionId connection, bool paused) override;

  [[nodiscard]] const TransportCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  enum class State : std::uint8_t { connecting, greeting, open };
  struct Connection {
    ConnectionId id;
    WireEnd end;
    State state = State::connecting;
    bool was_dialled = false;
    bool is_paused = false;
    FrameReader reader;
    std::vector<Bytes> waiting;  // until it is open
    std::size_t waiting_bytes = 0;
    Bytes hello;
    std::string name;
    EventId timer;
  };
  using ConnectionPtr = std::shared_ptr<Connection>;

  void on_connected(WireEnd end) override;
  void on_bytes(WireEnd end, Bytes bytes) override;
  void on_lost(WireEnd end, const Error& why) override;

  [[nodiscard]] ConnectionPtr find(ConnectionId id) const;
  [[nodiscard]] ConnectionPtr find(WireEnd end) const;
  ConnectionPtr make(WireEnd end, const wire::Hello& ours, std::string name);
  void limit(Connection& connection, Duration time);
  void write(Connection& connection, Bytes frame);
  void opened(const ConnectionPtr& connection, const wire::Hello& theirs);
  void hand_out(const ConnectionPtr& connection);
  void take(const ConnectionPtr& connection, const FrameReader::Frame& frame);
  void forget(Connection& connection);
  void fail(const ConnectionPtr& connection, const Error& why);

  SimNetwork& network_;
  Life life_;
  TransportHandler& handler_;
  Options options_;
  TransportCounters counters_;
  std::map<ConnectionId, ConnectionPtr> connections_;
  std::map<std::uint64_t, ConnectionId> by_wire_[2];  // by side
  std::uint64_t last_id_ = 0;
};

}  // namespace coterie::sim
