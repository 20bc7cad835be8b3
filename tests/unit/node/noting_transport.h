#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "base/env/transport.h"

namespace coterie {

/// Notes what is dialled, sent and closed. Sends fail on the connections in `full`.
class NotingTransport final : public Transport {
 public:
  static constexpr std::uint64_t first_dialled = 1000;

  ConnectionId dial(const Address& to, const wire::Hello& ours) override {
    dialled.emplace_back(to, ours.shard);
    return ConnectionId{first_dialled + dialled.size() - 1};
  }
  bool send(ConnectionId connection, Bytes frame) override {
    if (std::ranges::find(full, connection) != full.end()) return false;
    sent.emplace_back(connection, std::move(frame));
    return true;
  }
  void close(ConnectionId connection) override { closed.push_back(connection); }
  std::size_t queued_bytes(ConnectionId /*connection*/) const override { return 0; }
  void pause_reading(ConnectionId /*connection*/, bool /*paused*/) override {}

  /// The connection of the n-th dial, counted from 1.
  static ConnectionId link(std::uint64_t n) { return ConnectionId{first_dialled + n - 1}; }
  [[nodiscard]] std::vector<Bytes> sent_to(ConnectionId connection) const {
    std::vector<Bytes> out;
    for (const auto& [to, frame] : sent) {
      if (to == connection) out.push_back(frame);
    }
    return out;
  }

  std::vector<std::pair<Address, ShardIndex>> dialled;
  std::vector<std::pair<ConnectionId, Bytes>> sent;
  std::vector<ConnectionId> closed;
  std::vector<ConnectionId> full;
};

}  // namespace coterie
