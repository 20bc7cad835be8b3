#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "node/control/change_driver.h"
#include "ring/bucket.h"
#include "ring/bucket_entries.h"
#include "ring/epoch.h"
#include "ring/plan/plan.h"
#include "ring/plan/report.h"
#include "ring/plan/staged.h"

/// What operators ask of the ring, and what they are told. Plain data; any node takes it. What is
/// staged is staged at the node that was asked, and stays there, also over a restart, until it is
/// committed or cleared.
namespace coterie::topology {

/// The node whose gossip door this is shall join; the rest it says itself.
struct JoinAt {
  Address gossip;
  std::optional<std::uint32_t> weight;  ///< none: as its configuration says
  std::optional<std::string> zone;      ///< likewise
};

/// The node at the gossip door `by` takes over what `node` owns.
struct ReplaceBy {
  NodeId node;
  Address by;
  bool is_dead = false;  ///< as plan::Replace
};

/// Weigh, Rezone, Leave and Remove come as they are; Join and Replace as JoinAt and ReplaceBy, for
/// the new node is asked whether it may.
struct Stage {
  std::variant<JoinAt, ReplaceBy, plan::StagedChange> what;
};

/// What is staged about the node.
struct Unstage {
  NodeId node;
};

/// All that is staged.
struct Clear {};

/// Changes nothing.
struct Look {};

/// What is staged is begun, if its plan is still the one of this hash, and nothing is wrong with
/// it. Forced: in spite of Answer::report's problems.
struct Commit {
  std::uint64_t hash = 0;
  bool is_forced = false;
};

struct Abort {
  std::uint64_t change = 0;
};

struct Pause {
  std::uint64_t change = 0;
  bool is_paused = true;  ///< false: resume
};

/// Its id is given to it.
struct CreateBucket {
  Bucket bucket;
};

/// As set_bucket (ring/bucket_entries.h).
struct SetBucket {
  std::string name;
  BucketSettings settings;
};

/// transition::open_fence, so that a W may be lowered.
struct FenceBuckets {};

/// The way out when most voters are gone for good: the asked node alone makes the next epoch, of a
/// new lineage, with voters that are not `lost`. To be asked of one node, once. None of the lost
/// may answer. Not confirmed: it is refused, with what may be lost.
struct ForceLineage {
  std::vector<NodeId> lost;
  bool is_confirmed = false;
};

using Order = std::variant<Look, Stage, Unstage, Clear, Commit, Abort, Pause, CreateBucket,
                           SetBucket, FenceBuckets, ForceLineage>;

/// How things stand once the order was done.
struct Answer {
  std::shared_ptr<const Epoch> epoch;  ///< the newest known
  std::vector<plan::StagedChange> staged;
  std::optional<plan::Plan> plan;  ///< of what is staged
  plan::PlanReport report;         ///< of plan, with the facts of all nodes that answered
  std::string why_no_plan;         ///< where something is staged and there is no plan
  std::vector<ChangeProgress> changes;
  std::optional<std::uint64_t> begun;  ///< to a Commit: the change, if partitions move
  /// What was staged and does not apply any more, since the ring has changed, and why; until the
  /// next Clear or Commit.
  std::vector<std::string> dropped;
};

}  // namespace coterie::topology
