#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace coterie::coordinator {

/// How many requests each peer has not answered yet.
class PeerLoad {
 public:
  void sent(NodeId peer) { ++count(peer); }
  void settled(NodeId peer);
  [[nodiscard]] std::uint32_t outstanding(NodeId peer) const;

 private:
  [[nodiscard]] std::uint32_t& count(NodeId peer);

  std::vector<std::pair<NodeId, std::uint32_t>> peers_;  // sorted; a cluster's nodes are few
};

}  // namespace coterie::coordinator
