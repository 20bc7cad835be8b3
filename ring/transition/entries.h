#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "ring/change.h"
#include "ring/epoch.h"
#include "ring/transition/sources.h"
#include "ring/transition/step.h"

/// The entries of the log that a change of owners consists of, as epochs. Each of these functions
/// changes `next`, the contents of the epoch after the one it was made from by following(); what
/// else changes with it (members, weights, voters) is added by the caller, and Epoch::make and
/// check_succession have the last word.
namespace coterie::transition {

/// The smallest R and W that any of the epoch's buckets has ever had; all replicas where there is
/// none.
[[nodiscard]] SmallestQuorums smallest_quorums(const Epoch& epoch);

/// As `base`, under the next number.
[[nodiscard]] EpochContents following(const Epoch& base);

/// Opens a change, whose id is next.number.number. `removed`: dead members, for whose fences the
/// operator stands in. `leaving`: who is no member once it has finished. Errors:
/// invalid_argument: no handover, or one of a partition that there is
/// not; refused: a partition is in another change, which must end first.
[[nodiscard]] Result<void> open_change(EpochContents& next, std::vector<Handover> handovers,
                                       std::vector<NodeId> removed,
                                       std::vector<NodeId> leaving = {});

/// Opens a change in which every partition keeps its owners. Once it has finished, no quorum
/// serves a request of an epoch from before it, as after any change of all partitions: no R of
/// before is in use any more, and each bucket's lowest is that of now. (Its lowest W stays: what so
/// few acknowledged is where it was.) refused: a change is under way, or no bucket has had a lower
/// R.
[[nodiscard]] Result<void> open_fence(EpochContents& next);

/// The change under way that has every partition; null: there is none. Buckets' R and W stay as
/// they are meanwhile.
[[nodiscard]] const Change* change_of_all(const EpochContents& contents);

/// Takes the change's partitions to its next stage, under their next configuration numbers; after
/// `finish` and `end_abort` they are stable and the change is not listed any more. That nothing is
/// missing_for() any of them must be known. After `finish` the members are as before: who leaves is
/// taken out by plan::settle_members. An abort lets everybody stay. Errors: not_found; refused: it
/// is at another stage, or paused.
[[nodiscard]] Result<void> take_step(EpochContents& next, std::uint64_t change, Step step);

/// The operator stands in for `node`, which is dead, in each change that waits for its fences or
/// its data. Whether there was any.
[[nodiscard]] bool remove_from_changes(EpochContents& next, NodeId node);

/// Pauses the change, or resumes it. Errors: not_found; refused: it cannot be paused any more.
[[nodiscard]] Result<void> pause_change(EpochContents& next, std::uint64_t change, bool is_paused);

}  // namespace coterie::transition
