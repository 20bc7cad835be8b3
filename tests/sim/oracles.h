#pragma once

#include <optional>
#include <string>

#include "tests/sim/cluster.h"
#include "tests/sim/history.h"

namespace coterie::sim {

struct Violation {
  std::string oracle;
  std::string story;
};

/// What holds of every read, during faults too; told from what clients saw alone:
/// - a read with R + W > N that begins after a put's acknowledgement returns it, or what covers it
///   (of an lww key: a value that is not in its past);
/// - and nothing that an acknowledged write before it covered;
/// - no value was written by nobody, by a put that was refused, or comes twice; none has expired.
/// What a page of a scan shows of the keys that it has gone past is held to the same.
/// A write covers what its context was handed out for. Writes that power loss may take are
/// excepted from the first two: of an interval bucket once as many nodes lost power, or had copies
/// destroyed, as had to acknowledge the write; interval writes to other buckets once any did.
[[nodiscard]] std::optional<Violation> check_history(const History& history);

/// No copy is taken for damaged in a run that damaged none. All nodes are ready.
[[nodiscard]] std::optional<Violation> check_sure(Cluster& cluster, const History& history);

/// Every copy counts to quorums. All nodes are ready.
[[nodiscard]] std::optional<Violation> check_refilled(Cluster& cluster);

/// No copy is in doubt any more for what power may have taken. All nodes are ready.
[[nodiscard]] std::optional<Violation> check_doubts_ended(Cluster& cluster);

/// What holds once everything was read with R = N, or compared, and nothing is under way: all
/// owners of each key hold the same bytes, and each copy's tree is that of its records. All nodes
/// are ready.
[[nodiscard]] std::optional<Violation> check_copies(Cluster& cluster, const History& history);

/// What holds after a scrub of all nodes, without any read: no record's checksum is bad, and each
/// copy's tree is that of its records. All nodes are ready.
[[nodiscard]] std::optional<Violation> check_disks(Cluster& cluster);

/// What holds some passes after that: where all owners of a key count, none keeps what was deleted;
/// and no copy was found behind a purge but those that a fault had put back.
[[nodiscard]] std::optional<Violation> check_purged(Cluster& cluster, const History& history);

}  // namespace coterie::sim
