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

}  // namespace coterie::wire
