#pragma once

#include <span>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "ring/epoch.h"
#include "ring/plan/staged.h"

namespace coterie::plan {

/// The members once all that is staged is done, sorted by id.
[[nodiscard]] std::vector<Member> target_members(const Epoch& base,
                                                 std::span<const StagedChange> staged);

/// Those of them whose fences the operator stands in for, sorted.
[[nodiscard]] std::vector<NodeId> removed_nodes(std::span<const StagedChange> staged);

/// Who decides the entries that follow while a change is open, sorted: of the voters that the
/// target would have and those of the members that are there and not `removed`, the ones that stand
/// more failures if nobody who is new ever answers. An unreachable newcomer must not keep the
/// abort from being decided.
[[nodiscard]] std::vector<NodeId> voters_while_open(const Epoch& base,
                                                    const std::vector<Member>& target,
                                                    std::span<const NodeId> removed);

/// Takes the `leaving` out of the members, and chooses the voters anew. Who owns a partition must
/// be a member, and so must the dead whom a change lists: this goes into the entry that finishes
/// the change, after transition::take_step, or into a later one. Who is no member is passed over.
/// refused: a node still owns or is given something, or a change lists it as removed; or too few
/// members would be left. `next` is then as it was.
[[nodiscard]] Result<void> settle_members(EpochContents& next, std::span<const NodeId> leaving);

}  // namespace coterie::plan
