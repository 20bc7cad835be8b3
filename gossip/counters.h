#pragma once

#include <cstdint>

namespace coterie::gossip {

/// Totals since the start, for /metrics.
struct Counters {
  std::uint64_t packets_in = 0;
  std::uint64_t packets_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t exchanges_in = 0;
  std::uint64_t exchanges_out = 0;
  std::uint64_t exchanges_failed = 0;

  // Packets and stream messages that were dropped, by reason.
  std::uint64_t dropped_malformed = 0;  // truncated, oversized, or not a packet at all
  std::uint64_t dropped_newer_version = 0;
  std::uint64_t dropped_other_cluster = 0;
  std::uint64_t dropped_unverified = 0;   // unknown key, or a tag that does not hold
  std::uint64_t dropped_own = 0;          // our own, come back
  std::uint64_t dropped_misdirected = 0;  // a ping for another node id at our address
  std::uint64_t dropped_table_full = 0;   // members beyond limits::gossip_members

  std::uint64_t probes = 0;
  std::uint64_t probes_indirect = 0;  // not answered directly in time
  std::uint64_t probes_failed = 0;
  std::uint64_t suspicions = 0;       // begun here or heard of
  std::uint64_t deaths_declared = 0;  // given up by this node, not heard of
  std::uint64_t refutations = 0;      // of accusations against this node
  std::uint64_t stalls = 0;           // of this process, noticed by late timers
};

}  // namespace coterie::gossip
