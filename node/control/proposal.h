#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/address.h"
#include "base/env/timers.h"
#include "base/error.h"
#include "base/random.h"
#include "node/control/calls.h"
#include "node/control/voting.h"
#include "ring/paxos/proposer.h"

namespace coterie {

/// Has one epoch decided: drives a paxos::Proposer over calls to the voters, in rounds with random,
/// growing pauses, until it is decided or limits::epoch_decision_most is over. On one loop.
class Proposal : public std::enable_shared_from_this<Proposal> {
 public:
  struct Environment {
    Timers& timers;
    Calls& calls;
    Voting& voting;  ///< this node's own
  };
  struct Options {
    NodeId self;
    paxos::Value base;  ///< the newest epoch known
    paxos::Value own;   ///< null: only what others began is finished
    std::function<std::optional<Address>(NodeId)> address_of;  ///< a node's gossip door
  };
  struct Outcome {
    paxos::Value decided;  ///< null: nothing known
    /// Of the proposed epoch, or the finishing. Errors: refused: another epoch was decided, and
    /// this one never will be; unavailable: too few voters answered, nothing was decided;
    /// unknown_outcome: it may be decided yet.
    Result<void> result;
  };
  /// Called once.
  using Done = std::move_only_function<void(Outcome)>;

  Proposal(Environment environment, Options options, Random random, Done done);
  ~Proposal();
  Proposal(const Proposal&) = delete;
  Proposal& operator=(const Proposal&) = delete;

  /// Once; held by a shared_ptr.
  void start();
  [[nodiscard]] bool is_over() const { return !done_; }

 private:
  void begin_round();
  void ask_promises(const paxos::Prepare& message);
  void ask_acceptances(const paxos::Accept& message);
  /// Who has answered nothing yet, or nothing any more.
  void note(NodeId voter, const Result<paxos::Vote>& vote);
  void on_promise(NodeId voter, const paxos::Ballot& ballot, Result<paxos::Vote> vote);
  void on_accepted(NodeId voter, const paxos::Ballot& ballot, Result<paxos::Vote> vote);
  /// Sends `make`'s frame and hands on the vote that comes.
  void ask(NodeId voter, const Calls::MakeFrame& make,
           std::move_only_function<void(Result<paxos::Vote>)> then);
  void further();
  void pause();
  void give_up();
  void end(Outcome outcome);
  [[nodiscard]] Result<void> judge(const Epoch& decided) const;
  [[nodiscard]] Error why_undecided() const;

  Environment env_;
  Options options_;
  Random random_;
  Done done_;
  paxos::Proposer proposer_;
  unsigned lost_rounds_ = 0;
  std::set<NodeId> silent_;  // over all rounds: one may end before all that answer have
  std::string last_refusal_;
  TimerId pause_timer_;
  TimerId deadline_;
};

}  // namespace coterie
