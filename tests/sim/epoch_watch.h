#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ring/epoch.h"
#include "ring/transition/step.h"
#include "tests/sim/cluster.h"
#include "tests/sim/oracles.h"

namespace coterie::sim {

/// Looks at all nodes' epochs, fences and copies while owners change, and says what must not be:
/// - two epochs of one number, or one that may not follow the one before it (so a partition in two
///   changes at once, or a stage that was left out);
/// - a stage that ended before so many owners had fenced it that no quorum of an older one is left;
/// - a cut-over to an owner that has not taken all that it needs;
/// - an owner from before whose copy shrinks while the change is under way.
class EpochWatch {
 public:
  explicit EpochWatch(Cluster& cluster) : cluster_(cluster) {}

  /// After every event; cheap while nobody has a new epoch. The node that shows an epoch that no
  /// other one has shown: null if there is none.
  [[nodiscard]] SimNode* look();
  /// Now and then.
  void look_at_copies();
  /// What the node had not synced may be gone, or was put back.
  void forget(const SimNode& node);

  /// Null before the first.
  [[nodiscard]] const std::shared_ptr<const Epoch>& newest() const { return newest_; }
  /// Null: nobody has shown that one.
  [[nodiscard]] std::shared_ptr<const Epoch> find(std::uint64_t number) const;
  [[nodiscard]] const std::optional<Violation>& bad() const { return bad_; }

  /// All that the change's next entry needs, but an abort, is there, at nodes that are up.
  [[nodiscard]] bool is_ready(const Change& change) const;

 private:
  void take(const SimNode& node, const std::shared_ptr<const Epoch>& epoch);
  void check_barriers(const Epoch& before, const Epoch& after);
  void check_fences(const Epoch& before, const Change& change, PartitionId partition);
  void check_coverage(const Epoch& before, const Change& change, PartitionId partition);
  [[nodiscard]] transition::Evidence evidence(const Epoch& epoch, const Change& change,
                                              PartitionId partition) const;

  Cluster& cluster_;
  std::map<NodeIndex, const Epoch*> seen_;
  std::map<std::uint64_t, std::shared_ptr<const Epoch>> epochs_;
  std::shared_ptr<const Epoch> newest_;
  /// The most records that an owner's copy has had in the change.
  std::map<std::pair<NodeIndex, PartitionId>, std::uint64_t> held_;
  std::optional<Violation> bad_;
};

}  // namespace coterie::sim
