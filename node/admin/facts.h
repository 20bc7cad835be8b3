#pragma once

#include <map>

#include "node/admin/verdict.h"
#include "node/node.h"

namespace coterie::admin {

/// What a node's status says about the health of the cluster.
[[nodiscard]] Facts facts_of(const NodeStatus& status);
[[nodiscard]] Sight sight_of(const PeerView& peer);

/// The figures of all shards of a node together.
struct Totals {
  std::uint64_t records = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t map_bytes = 0;
  std::uint64_t overlay_bytes = 0;
  std::size_t connections = 0;
  std::size_t operations = 0;
  std::size_t waiting_for_log = 0;
  std::uint64_t gets = 0;
  std::uint64_t puts = 0;
  std::uint64_t scans = 0;
  std::uint64_t failed = 0;
  std::uint64_t refused = 0;
  std::uint64_t hints_left = 0;     // since the start
  std::uint64_t hints_waiting = 0;  // of these: not replayed yet
  std::uint64_t repairs = 0;
  std::uint64_t damaged_records = 0;
  std::size_t unsure_copies = 0;
  std::size_t copies_in_doubt = 0;
  /// Tombstones and expired values, by the owner for which they wait to be purged.
  std::map<NodeId, transfer::PurgeStatus::Waiting> tombstones;
  std::uint64_t tombstones_differing = 0;
  Histogram get_latency;
  Histogram put_latency;
};
[[nodiscard]] Totals totals_of(const std::vector<ShardStatus>& shards);

}  // namespace coterie::admin
