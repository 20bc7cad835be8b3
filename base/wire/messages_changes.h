#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/wire/messages.h"

/// How a change of owners goes on: streams, at the peer door, and what the next stage waits for, at
/// the gossip door; as messages.h says.
namespace coterie::wire {

/// To an owner of the partition from before the change: "I shall be an owner; let me have all that
/// you hold, from this key on". The scope's configuration is the one that opened the change.
struct StreamOpen {
  ReplicaScope scope;
  NodeId receiver;            // not zero
  std::uint64_t session = 0;  // drawn by the receiver, not 0; ends an older one of it
  BytesView from;             // as on disk; empty: the partition's first
};

struct StreamOpenReply {
  Generation generation;  // of the copy
  Generation purged;      // as in ReplicaReadReply
  std::uint64_t records = 0;
};

/// The next records of an open session, from a key on.
struct StreamBatch {
  ReplicaScope scope;
  NodeId receiver;
  std::uint64_t session = 0;
  BytesView from;
};

struct StreamBatchReply {
  std::vector<ReplicaScanEntry> entries;  // keys ascend
  /// All records below it, from the first asked for, are among these; empty: there are no more.
  BytesView reach;
  Generation generation;  // under which they were read
  Generation purged;
};

/// "What do you keep durably of this change's partitions?"
struct ChangeEvidence {
  std::uint64_t change = 0;  // not 0
};

struct PartitionEvidence {
  PartitionId partition;
  ConfigurationNumber fenced;
  /// Owners from before, all of whose copies, as they were when they fenced the change's opening,
  /// the node asked holds.
  std::vector<NodeId> covered;
  /// The configuration that opened the change of which `covered` is said; 0 with none.
  ConfigurationNumber covered_at;
};

struct ChangeEvidenceReply {
  std::uint64_t change = 0;
  std::vector<PartitionEvidence> partitions;  // ascending
  /// The node asked leaves by the change, keeps no hint that holds a write, and takes none.
  bool holds_nothing_for_others = false;
};

/// "Who are you, and what do you hold?" Asked of members, and of nodes that shall become some.
struct NodeFacts {
  bool with_partitions = false;
};

/// How a node stands to a cluster.
enum class NodeStanding : std::uint8_t {
  waiting = 1,  ///< for being joined: it holds nothing and belongs to no cluster
  forming = 2,  ///< likewise, but is configured to form a cluster with others
  damaged = 3,  ///< it holds data, but no epoch
  member = 4,
  former = 5,  ///< the newest epoch that it knows of its cluster does not name it
};

struct NodeFactsReply {
  NodeId node;  // not zero
  NodeStanding standing = NodeStanding::waiting;
  BytesView cluster_name;  // as configured
  ClusterId cluster;       // zero: it belongs to none
  EpochNumber epoch;       // its newest; 0 with none
  BytesView gossip_address;
  BytesView zone;  // as configured, as is weight
  std::uint32_t weight = 1;
  std::uint16_t shards = 0;
  BytesView build;
  std::uint64_t free_bytes = 0;                // of its disk
  std::uint64_t data_bytes = 0;                // of all that it holds
  std::uint64_t stream_bytes_a_second = 0;     // measured, into this node; 0: not known
  std::vector<std::uint32_t> partitions;       // that it holds, ascending; none unless asked for
  std::vector<std::uint64_t> partition_bytes;  // of each of them
};

}  // namespace coterie::wire
