#include "node/coordinator/peer_load.h"

#include <algorithm>

#include "base/check.h"

namespace coterie::coordinator {

namespace {
constexpr auto node_of = [](const std::pair<NodeId, std::uint32_t>& peer) { return peer.first; };
}

std::uint32_t& PeerLoad::count(NodeId peer) {
  auto found = std::ranges::lower_bound(peers_, peer, {}, node_of);
  if (found == peers_.end() || found->first != peer) found = peers_.insert(found, {peer, 0});
  return found->second;
}

void PeerLoad::settled(NodeId peer) {
  std::uint32_t& outstanding = count(peer);
  check(outstanding > 0, "what is settled was sent");
  --outstanding;
}

std::uint32_t PeerLoad::outstanding(NodeId peer) const {
  const auto found = std::ranges::lower_bound(peers_, peer, {}, node_of);
  return found != peers_.end() && found->first == peer ? found->second : 0;
}

}  // namespace coterie::coordinator
