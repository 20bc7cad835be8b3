#pragma once

#include <memory>

#include "base/env/datagrams.h"
#include "tests/sim/env/network.h"

namespace coterie::sim {

/// Packets under the world's LinkFaults; without faults they only arrive out of order.
class SimDatagrams final : public Datagrams, private PacketUser {
 public:
  static constexpr std::size_t packet_bytes = 65507;

  [[nodiscard]] static Result<std::unique_ptr<SimDatagrams>> open(SimNetwork& network,
                                                                  NodeIndex node,
                                                                  const Address& address,
                                                                  DatagramHandler& handler);
  SimDatagrams(const SimDatagrams&) = delete;
  SimDatagrams& operator=(const SimDatagrams&) = delete;
  ~SimDatagrams() override;

  void send(const Address& to, BytesView packet) override;
  [[nodiscard]] const Address& address() const { return address_; }

 private:
  SimDatagrams(SimNetwork& network, NodeIndex node, DatagramHandler& handler)
      : network_(network), life_(network.world().life(node)), handler_(handler) {}
  void on_packet(const Address& from, BytesView packet) override {
    handler_.on_datagram(from, packet);
  }

  SimNetwork& network_;
  Life life_;
  DatagramHandler& handler_;
  Address address_;
};

}  // namespace coterie::sim
