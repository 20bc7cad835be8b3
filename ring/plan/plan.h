#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "ring/change.h"
#include "ring/epoch.h"
#include "ring/plan/staged.h"

namespace coterie::plan {

/// What is staged, as the entries of the log that do it. The target is what the ring is once this
/// change and all others under way have ended. `next` opens the change; while it is under
/// way those who leave stay members, for they own what they hand over. The entry that finishes it
/// takes `leaving` out and chooses the target's voters, by settle_members (members.h). After an
/// abort nothing has moved, but members are as `next` says: who joined owns nothing, and what is
/// staged then begins from there.
struct Plan {
  std::vector<StagedChange> staged;  ///< in an order of their own, not that of staging
  std::vector<Member> members;       ///< the target's, sorted by id
  std::vector<NodeId> owners;        ///< the target's, as EpochContents::owners
  /// Partitions whose owners, or the order of whose owners, change; by partition. There may be
  /// none: then `next` is all there is to do.
  std::vector<Handover> handovers;
  std::vector<NodeId> leaving;  ///< members of `next` whom this change takes out; sorted
  std::vector<NodeId> removed;  ///< those who are dead; sorted
  Epoch next;                   ///< the entry of the log after the epoch that was planned from
  /// Copies that are not where they should be, for changes under way keep them; with nothing
  /// staged, a plan that is made once those have ended moves them.
  std::size_t left_for_later = 0;
  /// Over that epoch, what is staged, and all of the above. Whoever commits names it; the same
  /// epoch and the same staged changes, in whatever order, give the same one on every node.
  std::uint64_t hash = 0;
};

/// Owners move as little as can be (place()); a replaced node's partitions go to the one that
/// replaces it. With nothing staged it is a plan to put every partition where it should be.
/// `former`: nodes that were members once.
///
/// Where changes are under way, the plan is one that goes on beside them: their partitions stay
/// where they leave them, which is how they count for shares and zones, and only others move. Who
/// shall go and is in such a partition has to wait, and so has all that could not be half done.
///
/// Errors: what stage() refuses, for the staged changes may be older than `base`; refused: it waits
/// for a change under way, or there is nothing to do.
[[nodiscard]] Result<Plan> make_plan(const Epoch& base, std::span<const StagedChange> staged,
                                     std::span<const NodeId> former);

}  // namespace coterie::plan
