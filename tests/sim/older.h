#pragma once

#include "base/env/transport.h"

namespace coterie::sim {

/// A node of an older build, for rolling upgrades: stands between a shard and its transport, and
/// knows no more of a ReplicaWrite than the protocol's first version did. Fields that came later
/// neither leave nor arrive.
class OlderProtocol final : public Transport, public TransportHandler {
 public:
  explicit OlderProtocol(TransportHandler& handler) : handler_(handler) {}
  /// Once, before anything else.
  void attach(Transport& transport) { transport_ = &transport; }
  /// Until then everything passes as it is.
  void set_older(bool older) { is_older_ = older; }

  ConnectionId dial(const Address& to, const wire::Hello& ours) override {
    return transport_->dial(to, ours);
  }
  [[nodiscard]] bool send(ConnectionId connection, Bytes frame) override;
  void close(ConnectionId connection) override { transport_->close(connection); }
  [[nodiscard]] std::size_t queued_bytes(ConnectionId connection) const override {
    return transport_->queued_bytes(connection);
  }
  void pause_reading(ConnectionId connection, bool paused) override {
    transport_->pause_reading(connection, paused);
  }

  void on_open(ConnectionId connection, const wire::Hello& theirs) override {
    handler_.on_open(connection, theirs);
  }
  void on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body) override;
  void on_closed(ConnectionId connection, const Error& why) override {
    handler_.on_closed(connection, why);
  }

 private:
  TransportHandler& handler_;
  Transport* transport_ = nullptr;
  bool is_older_ = false;
};

}  // namespace coterie::sim
