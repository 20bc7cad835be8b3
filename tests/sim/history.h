#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/policy.h"
#include "tests/sim/env/world.h"

namespace coterie::sim {

/// Places in History::operations and History::keys.
using OperationIndex = std::size_t;
using KeyIndex = std::size_t;

enum class OperationKind : std::uint8_t { get, put, remove, scan };
enum class Outcome : std::uint8_t {
  pending,  // nothing was heard of it
  done,
  refused,  // an error that says: definitely not executed
  unknown,
};

/// What one client asked and heard. Every put's value is unique: it names the operation.
struct Operation {
  OperationKind kind = OperationKind::get;
  KeyIndex key = 0;
  NodeIndex client;
  NodeIndex node;
  Instant begin;
  Instant end = Instant::max();
  Outcome outcome = Outcome::pending;
  /// How many owners had to answer: R or W.
  std::uint32_t quorum = 0;
  Durability durability = Durability::commit;
  /// Fallbacks stood in for owners: promised once they have handed over what they held.
  bool is_hinted = false;
  /// What handed out the context that a put or remove brought; none: it was blind.
  std::optional<OperationIndex> context_of;
  /// A put's: whether the context in its reply covers its own write (storage/versions.h,
  /// context_after).
  bool covers_itself = false;
  /// A put's; 0: its value does not expire.
  Duration time_to_live{};
  /// What one page of a scan showed of one key counts as a get: the scan.
  std::optional<OperationIndex> scan;
  /// A get's: the puts whose values it showed.
  std::vector<OperationIndex> values;
  /// A get's or a scan's values that nobody wrote.
  std::vector<std::string> strange_values;
  std::uint32_t tries = 1;
  std::string error;
};

struct KeyHistory {
  std::string partition_key;
  std::string sort_key;
  BucketId bucket;
  Resolver resolver = Resolver::siblings;
  /// All operations on it, in the order in which they began.
  std::vector<OperationIndex> operations;
};

/// "key-3", or "key-3/s1" with a sort key.
[[nodiscard]] inline std::string name(const KeyHistory& key) {
  return key.sort_key.empty() ? key.partition_key : key.partition_key + "/" + key.sort_key;
}

struct PowerLoss {
  Instant when;
  NodeIndex node;
};

/// Stored data of the run's one victim that were destroyed.
struct Damage {
  Instant when;
  /// What the victim owns, and of that what it may have lost: of other keys only writes that were
  /// under way.
  std::set<KeyIndex> owned;
  std::set<KeyIndex> keys;
  /// What was acknowledged before is still there.
  Instant since = Instant::min();
  /// The node cannot tell: its answers may lack what was destroyed until it is repaired.
  bool is_silent = false;
  /// Seen by then: the node has noticed all the same, and answers `unsure`.
  Instant noticed_at = Instant::max();
};

/// A node emptied copies that a purge had found to be old ones, with what they had taken meanwhile.
struct Emptying {
  Instant when;
  std::set<KeyIndex> owned;
};

/// All that the clients of a run know, for the oracles.
struct History {
  std::uint32_t owners = 3;  // N
  std::vector<KeyHistory> keys;
  std::vector<Operation> operations;
  std::vector<PowerLoss> power_losses;
  /// Some node's wall clock was wrong at some time: nobody can tell when a value expires.
  bool has_wrong_clocks = false;
  std::vector<Damage> damages;
  std::vector<Emptying> emptyings;
  /// When, after all faults, no fallback held anything for an owner any more.
  Instant hints_gone_at = Instant::max();
  /// When the victim was wiped: its copies answer no more.
  std::optional<Instant> wiped_at;
  /// An owner is gone for good, and people took what power may have taken from another for lost.
  bool is_loss_accepted = false;
  /// Records were damaged beneath its trees, which nothing has compared with them since.
  std::set<NodeIndex> wrong_trees;
};

}  // namespace coterie::sim
