#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "ring/epoch.h"
#include "ring/plan/staged.h"

/// What changes that are under way leave to a plan that is made beside them: their partitions go
/// where they take them, and may not move again before they have ended.
namespace coterie::plan {

/// Their partitions, ascending.
[[nodiscard]] std::vector<std::uint32_t> fixed_partitions(const Epoch& base);

/// As EpochContents::owners, once all of them have ended: a change that is being aborted leaves
/// its partitions where they are.
[[nodiscard]] std::vector<NodeId> owners_when_ended(const Epoch& base);

/// Members whom one of them takes out; sorted.
[[nodiscard]] std::vector<NodeId> already_leaving(const Epoch& base);
/// Members whom one of them lists as dead; sorted.
[[nodiscard]] std::vector<NodeId> already_removed(const Epoch& base);

/// Copies by which nodes fall short of their shares, and partitions in too few zones, where these
/// members own what `owners` (as EpochContents::owners) says; 0 if nothing is under way.
[[nodiscard]] std::size_t left_for_later(const Epoch& base, const std::vector<Member>& members,
                                         std::span<const NodeId> owners);

/// Whether who shall go is in none of them: it owns, and is given, only what can be taken from it
/// now. refused: which change is to be waited for.
[[nodiscard]] Result<void> check_free_to_go(const Epoch& base,
                                            std::span<const StagedChange> staged);

}  // namespace coterie::plan
