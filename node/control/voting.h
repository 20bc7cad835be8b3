#pragma once

#include <optional>

#include "base/env/file.h"
#include "base/error.h"
#include "base/log.h"
#include "node/control/epoch_log.h"
#include "ring/paxos/acceptor.h"

namespace coterie {

/// This node as a voter on the next epoch: what it must not forget lies in the file "vote" of the
/// data directory, durable before each answer.
class Voting {
 public:
  /// `epochs`, open, outlives this.
  Voting(NodeId self, FileSystem& files, const EpochLog& epochs, Log& log)
      : self_(self), files_(files), epochs_(epochs), log_(log) {}

  /// Reads what earlier runs kept. A damaged file is no error: who may have forgotten a promise
  /// does not vote until the next epoch has been decided by others. Errors: io.
  [[nodiscard]] Result<void> open();
  /// epochs.newest() is another one.
  void on_epoch();

  /// Errors: unavailable (no epoch yet), refused, invalid_argument: as Acceptor; io.
  [[nodiscard]] Result<paxos::Vote> on_prepare(const paxos::Prepare& message);
  [[nodiscard]] Result<paxos::Vote> on_accept(const paxos::Accept& message);

  /// It may have forgotten votes of its own: it gives none. Until the next call.
  void abstain(bool abstains) { abstains_ = abstains; }
  /// Errors: why it gives no votes now.
  [[nodiscard]] Result<void> may_vote() const;
  /// As on disk, of the slot voted on last; null if that is not known.
  [[nodiscard]] const paxos::AcceptorState* kept() const { return is_damaged_ ? nullptr : &kept_; }

  /// It has accepted an epoch and does not know of any decision.
  [[nodiscard]] bool is_undecided() const {
    return acceptor_.has_value() && acceptor_->state().value != nullptr;
  }

 private:
  [[nodiscard]] Result<paxos::Vote> settle(Result<paxos::Acceptor::Answer> answer,
                                           EpochNumber slot);

  NodeId self_;
  FileSystem& files_;
  const EpochLog& epochs_;
  Log& log_;
  std::optional<paxos::Acceptor> acceptor_;  // from the first epoch on
  paxos::AcceptorState kept_;                // as on disk
  bool is_damaged_ = false;                  // what was on disk is not known
  bool abstains_ = false;
};

}  // namespace coterie
