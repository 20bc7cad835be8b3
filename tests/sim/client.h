#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/env/transport.h"
#include "base/wire/codec.h"
#include "tests/sim/env/clocks.h"
#include "tests/sim/env/transport.h"

namespace coterie::sim {

/// A host of clients: asks nodes by frames, each with a deadline, over a connection a door and
/// shard. It knows nothing of rings or retries.
class SimClient final : private TransportHandler {
 public:
  struct Door {
    Address address;
    ShardIndex shard;

    auto operator<=>(const Door&) const = default;
  };
  struct Reply {
    wire::FrameHeader header;
    BytesView body;  // during the callback only
  };
  /// Closed: the connection was lost. Expired: no answer by the deadline and the slack.
  using Done = std::move_only_function<void(Result<Reply>)>;
  using MakeFrame = std::function<Bytes(const wire::Envelope&)>;

  SimClient(SimNetwork& network, NodeIndex index)
      : index_(index), timers_(network.world(), index), transport_(network, index, *this) {}
  SimClient(const SimClient&) = delete;
  SimClient& operator=(const SimClient&) = delete;
  ~SimClient() override = default;

  /// `done` is called once, never from within this call. The connection that the request went over.
  ConnectionId call(const Door& door, const MakeFrame& make, Duration deadline, Duration slack,
                    Done done);
  /// Of the connection to a door that is open or being made; none: 0.
  [[nodiscard]] ConnectionId connection_to(const Door& door) const;

  [[nodiscard]] NodeIndex index() const { return index_; }
  [[nodiscard]] std::uint64_t strays() const { return strays_; }

 private:
  struct Pending {
    ConnectionId connection;
    TimerId timer;
    Done done;
  };

  void finish(std::uint64_t id, Result<Reply> reply);
  void on_open(ConnectionId, const wire::Hello&) override {}
  void on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body) override;
  void on_closed(ConnectionId connection, const Error& why) override;

  NodeIndex index_;
  SimTimers timers_;
  std::map<Door, ConnectionId> connections_;
  std::map<std::uint64_t, Pending> pending_;
  std::uint64_t last_id_ = 0;
  std::uint64_t strays_ = 0;
  SimTransport transport_;
};

}  // namespace coterie::sim
