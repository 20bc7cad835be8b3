#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/random.h"
#include "gossip/cluster_tag.h"
#include "gossip/counters.h"
#include "gossip/local_health.h"
#include "gossip/member.h"
#include "gossip/member_table.h"
#include "gossip/outbox.h"
#include "gossip/peer_clocks.h"
#include "gossip/probe_round.h"
#include "gossip/rumour_queue.h"
#include "gossip/seal.h"
#include "gossip/settings.h"
#include "gossip/suspicion.h"

namespace coterie::gossip {

/// What the parts of the room share. One to a Gossip.
struct Core {
  Settings settings;
  const PacketSeal& seal;
  Random random;
  NodeId self_id;
  std::uint64_t instance = 0;
  ClusterTag cluster;
  EpochMark epoch;
  bool leaving = false;

  MemberTable table;
  RumourQueue rumours;
  Suspicions suspicions;
  ProbeRound round;
  LocalHealth health;
  PeerClocks clocks;
  /// Came alive since the last call; asked for their clocks before it ends.
  std::vector<NodeId> newcomers;
  Counters counters;

  [[nodiscard]] Member& self() { return *table.find(self_id); }
  [[nodiscard]] std::uint32_t rumour_limit() const {
    return retransmit_limit(settings.retransmit_factor, table.living());
  }
};

inline void report(Outbox& out, EventKind kind, const Member& member) {
  out.events.push_back({.kind = kind, .member = member});
}

}  // namespace coterie::gossip
