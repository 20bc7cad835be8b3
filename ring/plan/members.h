#pragma once

#include <span>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "ring/epoch.h"
#include "ring/plan/staged.h"

namespace coterie::plan {

/// The members once all that is staged is done, and all changes under way, sorted by id.
[[nodiscard]] std::vector<Member> target_members(const Epoch& base,
                                                 std::span<const StagedChange> staged);

/// Those of them whose fences the operator stands in for, sorted.
[[nodiscard]] std::vector<NodeId> removed_nodes(std::span<const StagedChange> staged);

/// Who decides the entries that follow, sorted: of the voters that the members would have once all
/// changes listed have ended, and those of the members that own something and are not dead, the
/// ones that stand more failures if nobody who is new ever answers. An unreachable newcomer must
/// not keep an abort from being decided.
[[nodiscard]] std::vector<NodeId> voters_of(const EpochContents& next);

/// Takes the `leaving` out of the members, and chooses the voters anew. Who owns a partition must
/// be a member, and so must the dead whom a change lists: this goes into the entry that finishes
/// the change, after transition::take_step, or into a later one. Who is no member is passed over.
/// refused: a node still owns or is given something, or a change lists it as removed; or too few
/// members would be left. `next` is then as it was.
[[nodiscard]] Result<void> settle_members(EpochContents& next, std::span<const NodeId> leaving);

}  // namespace coterie::plan
