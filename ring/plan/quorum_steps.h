#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "ring/plan/plan.h"
#include "ring/transition/place_quorum.h"

namespace coterie::plan {

/// The configurations that a partition goes through, and back if the change is aborted.
enum class QuorumStep : std::uint8_t { before, open, cut_over, finished, aborting };

/// For people and JSON.
[[nodiscard]] std::string_view name(QuorumStep step);

/// Whether every set of owners that a write of W was acknowledged by at the step has an owner of
/// every set that answers a read of R, at this step or the one after it. `open`: who of the owners,
/// old and new, is in which group; all old if the partition does not change.
[[nodiscard]] bool reads_meet_writes(QuorumStep step, const transition::Groups& open,
                                     std::uint32_t r, std::uint32_t w);

/// What the quorums of all partitions and all buckets are at a step.
struct StepQuorums {
  QuorumStep step = QuorumStep::before;
  std::uint32_t without_writes = 0;  ///< partitions where a write quorum cannot be reached
  std::uint32_t without_reads = 0;
  /// Partitions where, by a bucket's numbers, reads_meet_writes() is not true.
  std::uint32_t not_met = 0;
  /// So many nodes more may fail, whichever they are, and all partitions keep both quorums.
  std::uint32_t may_fail = 0;

  [[nodiscard]] bool holds() const {
    return without_writes == 0 && without_reads == 0 && not_met == 0;
  }
};

/// For each step in the order of QuorumStep, those that a plan without handovers does not have left
/// out. A partition of another change that is under way is counted at every stage that it may still
/// be at. Counted with the quorums that requests use at each stage's configuration; `lost` never
/// answer.
[[nodiscard]] std::vector<StepQuorums> quorum_steps(const Plan& plan, std::span<const NodeId> lost);

}  // namespace coterie::plan
