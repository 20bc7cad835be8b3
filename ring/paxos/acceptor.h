#pragma once

#include "base/error.h"
#include "base/ids.h"
#include "ring/paxos/messages.h"

namespace coterie::paxos {

/// What an acceptor must never forget: of the one slot that is open, the entry after the newest
/// epoch it knows. Promises of slots that have been decided mean nothing any more.
struct AcceptorState {
  EpochNumber slot;
  Ballot promised;
  Ballot accepted;  ///< at most `promised`; none: nothing was accepted
  Value value;      ///< null if nothing was accepted
};

/// A voter's part in deciding the next epoch (L. Lamport, Paxos Made Simple, 2001, section 2.2;
/// DESIGN: topology). Pure: the driver makes durable and sends.
///
/// A ballot is promised once: a node that restarted and forgot its own last ballot may use it
/// again, and cannot win both.
class Acceptor {
 public:
  struct Answer {
    Vote vote;
    /// state() must be durable before the vote leaves. If it cannot be made so, the vote is not
    /// sent, and the acceptor made anew of what was kept before.
    bool must_keep = false;
  };

  /// `newest` (not null) is durable, and so is `kept`; of another slot than that after `newest`, it
  /// is not looked at.
  Acceptor(NodeId self, Value newest, AcceptorState kept);

  /// Errors: refused: this node is no voter, or the asker's history is another one;
  /// invalid_argument: the value cannot follow the newest epoch (ring/succession.h).
  [[nodiscard]] Result<Answer> on_prepare(const Prepare& message);
  [[nodiscard]] Result<Answer> on_accept(const Accept& message);

  /// A later epoch has been decided and is durable here; an older one changes nothing.
  void on_decided(Value epoch);

  [[nodiscard]] const AcceptorState& state() const { return state_; }
  [[nodiscard]] const Value& newest() const { return newest_; }

 private:
  /// What is answered without looking at ballots; `granted` if they decide.
  [[nodiscard]] Result<Vote> judge(const Slot& slot) const;

  NodeId self_;
  Value newest_;
  AcceptorState state_;
};

}  // namespace coterie::paxos
