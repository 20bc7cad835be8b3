#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/wire/messages_changes.h"
#include "ring/epoch.h"
#include "ring/transition/step.h"

namespace coterie {

/// How far a change of owners is, as this node knows; for people.
struct ChangeProgress {
  std::uint64_t change = 0;
  Stage stage = Stage::open;
  bool is_paused = false;
  std::size_t partitions = 0;
  std::size_t ready = 0;  ///< of these, those that lack nothing for the next stage
  /// What the next stage waits for, a line each, in words; empty: nothing.
  std::vector<std::string> missing;
};

/// Decides when changes of owners go on (DESIGN: topology): gathers what each owner of their
/// partitions keeps durably, and makes the epoch in which every change that lacks nothing is one
/// stage further. All evidence stays true once it is, so it is gathered piece by piece, from
/// whoever tells of it; but a stage is entered only when that epoch has been decided. Pure.
class ChangeDriver {
 public:
  /// A newer one than before.
  void on_epoch(std::shared_ptr<const Epoch> epoch);
  /// `node` keeps this durably. False: it is nothing new, or of no change that is under way.
  bool note(NodeId node, const wire::PartitionEvidence& evidence);
  /// `node`, which leaves by the change, keeps nothing for others, and takes nothing for them any
  /// more: nothing goes with it. Nobody is taken out before, but who is removed for dead. Likewise.
  bool note_free(NodeId node, std::uint64_t change);

  /// No owners change.
  [[nodiscard]] bool is_idle() const { return changes_.empty(); }
  struct Question {
    NodeId node;
    std::uint64_t change = 0;

    auto operator<=>(const Question&) const = default;
  };
  /// Who may keep what is missing, sorted; each about one change after the other.
  [[nodiscard]] std::vector<Question> questions();
  /// The epoch after this one, in which all changes that lack nothing go on; null: none does. Where
  /// one finishes, who leaves by it is no member any more, and the voters are chosen anew.
  [[nodiscard]] std::shared_ptr<const Epoch> next();
  [[nodiscard]] std::vector<ChangeProgress> progress() const;

 private:
  struct Known {
    ConfigurationNumber fenced;
    ConfigurationNumber covered_at;
    std::set<NodeId> covered;
  };
  struct Moving {
    std::optional<transition::Step> step;  // the next one; none while it is paused
    std::set<PartitionId> waiting;         // for what is missing
    std::set<NodeId> bound;                // leave, and may keep what they took for others
  };

  void look();
  [[nodiscard]] transition::Evidence evidence(const Change& change, PartitionId partition) const;
  [[nodiscard]] transition::Missing missing(const Change& change, transition::Step step,
                                            PartitionId partition) const;

  std::shared_ptr<const Epoch> epoch_;
  std::map<PartitionId, std::map<NodeId, Known>> known_;  // of partitions that change
  std::map<std::uint64_t, Moving> changes_;
  std::set<std::pair<std::uint64_t, NodeId>> free_;  // of changes, who may go
};

/// How many live nodes take changes further before `self` does, so that they do not outbid each
/// other: the voters by id, then the other members.
[[nodiscard]] std::size_t driving_rank(const Epoch& epoch, NodeId self,
                                       const std::vector<NodeId>& alive);

}  // namespace coterie
