#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "ring/paxos/messages.h"

namespace coterie::paxos {

/// One node's attempt to have the epoch after `base` decided (L. Lamport, Paxos Made Simple, 2001).
/// In rounds: begin() gives a Prepare for all voters; once most have promised, an Accept for all;
/// once most have accepted, the value is decided. A round that is lost, or gets no answers in time,
/// is followed by another begin(), after a pause that is the caller's to choose (random, growing:
/// two proposers that wait alike outbid each other for ever). Pure; messages may be lost, doubled,
/// late.
///
/// What is decided need not be one's own value: one that may have been decided already is carried
/// through first.
class Proposer {
 public:
  struct Options {
    NodeId self;
    Value base;  ///< not null
    /// Follows `base`. Null: only what somebody else began is finished, if anything.
    Value own;
  };
  enum class Phase : std::uint8_t {
    idle,       ///< before begin(), and after a lost round
    preparing,  ///< Prepare is out
    accepting,  ///< Accept is out
    decided,    ///< see decided()
    nothing,    ///< no value of one's own, and nobody's found: nothing to do
  };

  explicit Proposer(Options options);

  /// The next round's, for voters(); its ballot is above all heard of. Not once decided.
  [[nodiscard]] Prepare begin();
  /// A voter's answer to the Prepare of `ballot`. Gives the round's Accept, for voters(), once.
  [[nodiscard]] std::optional<Accept> on_promise(NodeId from, const Ballot& ballot,
                                                 const Vote& vote);
  /// A voter's answer to the Accept of `ballot`.
  void on_accepted(NodeId from, const Ballot& ballot, const Vote& vote);
  /// A voter gave no answer to what was sent under `ballot`, or an error.
  void on_failed(NodeId from, const Ballot& ballot);
  /// Heard elsewhere.
  void on_decided(const Value& epoch);

  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] std::span<const NodeId> voters() const { return options_.base->voters(); }
  [[nodiscard]] Slot slot() const { return slot_after(*options_.base); }
  /// Null until then. Of slot(), or of a later one if all who answered have moved on.
  [[nodiscard]] const Value& decided() const { return decided_; }
  /// One's own value has been sent to be accepted: whatever happens here, it may yet be decided.
  [[nodiscard]] bool may_win() const { return may_win_; }

 private:
  [[nodiscard]] bool is_awaited(NodeId from, const Ballot& ballot, Phase phase) const;
  [[nodiscard]] bool has_granted(NodeId voter) const;
  void grant(NodeId from);
  void refuse(NodeId from);
  [[nodiscard]] std::size_t majority() const { return voters().size() / 2 + 1; }

  Options options_;
  Phase phase_ = Phase::idle;
  Ballot ballot_;
  std::uint64_t highest_round_ = 0;  // heard of
  std::vector<NodeId> granted_;      // in this phase; sorted
  std::vector<NodeId> refused_;      // likewise
  Ballot found_;                     // the highest ballot of what voters had accepted
  Value value_;                      // to be accepted in this round
  Value decided_;
  bool may_win_ = false;
};

}  // namespace coterie::paxos
