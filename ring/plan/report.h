#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "ring/epoch.h"
#include "ring/plan/plan.h"
#include "ring/plan/quorum_steps.h"

namespace coterie::plan {

/// What the ring does not know. Whatever is left out is left out of the report, too.
struct PlanFacts {
  std::vector<std::uint64_t> partition_bytes;  ///< of each partition's copy; empty: not known
  std::map<NodeId, std::uint64_t> free_bytes;  ///< of nodes' disks
  /// Measured, of streams into one node; several nodes are filled at once. 0: not known.
  std::uint64_t bytes_a_second = 0;
  std::vector<NodeId> unreachable;  ///< members that do not answer now
};

/// Copies that one node gives another.
struct PairReport {
  NodeId source;
  NodeId new_owner;
  std::uint32_t partitions = 0;
  std::uint64_t bytes = 0;
};

struct NodeReport {
  NodeId node;
  std::string zone;  ///< the target's, if it is a member of that
  std::uint32_t partitions_before = 0;
  std::uint32_t partitions_after = 0;
  /// Of all copies: what its weight stands for; 0 where it is no member. More than the node can
  /// carry where its weight is more than a partition's other owners' together.
  double fair_before = 0;
  double fair_after = 0;
  double share_before = 0;  ///< of all copies: what it owns
  double share_after = 0;
  std::uint32_t gained = 0;  ///< partitions
  std::uint32_t lost = 0;
  /// Of disk, for what it gains, before anything is freed; if it is anything, with all that other
  /// changes, which are not cut over yet, give it.
  std::uint64_t bytes_needed = 0;
  std::optional<std::uint64_t> bytes_free;  ///< where it is known

  [[nodiscard]] bool has_room() const { return !bytes_free || bytes_needed <= *bytes_free; }
};

/// A plan's consequences, in numbers, for people and tools. "Before" is once the changes that are
/// under way have ended.
struct PlanReport {
  std::vector<PairReport> pairs;  ///< by source, then new owner
  std::vector<NodeReport> nodes;  ///< all members before and after, by id
  std::uint32_t changing = 0;     ///< partitions that go through the stages
  std::uint32_t reordered = 0;    ///< of these: the same owners in another order, no data moves
  /// The most that a node owns, in fair shares; 1 is perfect.
  double skew_before = 0;
  double skew_after = 0;
  /// Partitions whose owners are in fewer than min(N, zones) zones.
  std::uint32_t zones_violated_before = 0;
  std::uint32_t zones_violated_after = 0;
  /// New owners of a partition with too few owners alive to take all that was acknowledged from.
  std::uint32_t without_source = 0;
  std::uint64_t bytes = 0;            ///< to move, all pairs
  std::optional<double> seconds;      ///< for the node that is filled last
  std::vector<StepQuorums> steps;     ///< counted without removed and unreachable nodes
  std::vector<std::string> problems;  ///< why it should not be committed, in words; none: it may

  [[nodiscard]] bool has_quorums() const;
};

/// `plan` was made from `base`.
[[nodiscard]] PlanReport report_of(const Epoch& base, const Plan& plan, const PlanFacts& facts);

}  // namespace coterie::plan
