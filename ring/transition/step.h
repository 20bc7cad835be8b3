#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"
#include "ring/transition/configuration.h"
#include "ring/transition/sources.h"

namespace coterie::transition {

/// The entries of the log that follow "open".
enum class Step : std::uint8_t { cut_over, finish, abort, end_abort };

/// The stage that the step begins at.
[[nodiscard]] Stage stage_before(Step step);

/// What is known to be durable of one partition, at its owners, old and new. All of it stays true
/// once it is: evidence may be old, and may be gathered one by one.
struct Evidence {
  struct Coverage {
    NodeId new_owner;
    NodeId source;  ///< all it held when it fenced "open" is held by new_owner, too
  };
  std::vector<NodeId> fenced;  ///< the configuration as it is now
  std::vector<Coverage> covered;
  /// Owners that an operator has removed for dead: they never answer again, so that they count as
  /// fenced. Nothing else stands in for a fence.
  std::vector<NodeId> removed;
};

/// What keeps a step from being proposed, for people and for those who can do something about it.
struct Missing {
  bool is_wrong_stage = false;
  /// Owners that have not fenced; fences of at least `old_fences` old and `new_fences` new ones of
  /// them are needed.
  std::vector<NodeId> unfenced;
  std::size_t old_fences = 0;
  std::size_t new_fences = 0;
  std::vector<NodeId> uncovered;  ///< new owners whose sources do not suffice yet

  [[nodiscard]] bool is_nothing() const {
    return !is_wrong_stage && old_fences == 0 && new_fences == 0 && uncovered.empty();
  }
};

/// How many owners of a group must have fenced before a stage ends: with so many gone, no quorum of
/// the stages before is left, neither of readers nor of writers.
[[nodiscard]] std::size_t fences_needed(std::size_t replicas, SmallestQuorums smallest);

/// Whether `step` may be proposed for the partition; every partition of a change must be ready.
[[nodiscard]] Missing missing_for(Step step, const Configuration& configuration,
                                  const Evidence& evidence, SmallestQuorums smallest);

}  // namespace coterie::transition
