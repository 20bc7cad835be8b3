#include "tests/sim/env/datagrams.h"

namespace coterie::sim {

Result<std::unique_ptr<SimDatagrams>> SimDatagrams::open(SimNetwork& network, NodeIndex node,
                                                         const Address& address,
                                                         DatagramHandler& handler) {
  std::unique_ptr<SimDatagrams> datagrams(new SimDatagrams(network, node, handler));
  auto bound = network.open_packets(datagrams->life_, address, *datagrams);
  if (!bound) return std::unexpected(bound.error());
  datagrams->address_ = *bound;
  return datagrams;
}

SimDatagrams::~SimDatagrams() {
  network_.close_packets(address_, *this);
}

void SimDatagrams::send(const Address& to, BytesView packet) {
  if (packet.size() <= packet_bytes) network_.send_packet(address_, to, life_, packet);
}

}  // namespace coterie::sim
