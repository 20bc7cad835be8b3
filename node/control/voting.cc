#include "node/control/voting.h"

#include <utility>

#include "node/identity.h"
#include "ring/paxos/acceptor_codec.h"

namespace coterie {
namespace {

constexpr const char* vote_path = "vote";

}  // namespace

Result<void> Voting::open() {
  const auto bytes = read_file(files_, vote_path);
  if (!bytes) return std::unexpected(bytes.error());
  if (*bytes) {
    auto state = paxos::decode_acceptor(**bytes);
    if (state) {
      kept_ = *std::move(state);
    } else {
      is_damaged_ = true;
      log_.error("epochs", "the file `vote` of the data directory is damaged (" +
                               state.error().message +
                               "); this node does not vote until the others have decided an epoch");
    }
  }
  if (epochs_.newest() != nullptr) acceptor_.emplace(self_, epochs_.newest(), kept_);
  return {};
}

void Voting::on_epoch() {
  const auto& newest = epochs_.newest();
  if (!acceptor_) {
    acceptor_.emplace(self_, newest, kept_);
    return;
  }
  if (newest->number() <= acceptor_->newest()->number()) return;
  acceptor_.emplace(self_, newest, kept_);
  if (!is_damaged_) return;
  // Whatever was forgotten concerned a slot that is decided; the damaged file must not be found.
  const auto& fresh = acceptor_->state();
  if (auto kept = replace_file(files_, vote_path, paxos::encode_acceptor(fresh)); !kept) {
    log_.error("epochs", kept.error().message);
    return;
  }
  kept_ = fresh;
  is_damaged_ = false;
}

Result<void> Voting::may_vote() const {
  if (!acceptor_) {
    return fail(ErrorCode::unavailable, "this node belongs to no cluster yet; retry");
  }
  if (abstains_) {
    return fail(ErrorCode::refused,
                "this node began anew by --recover-as and has forgotten its votes; it votes again "
                "once another epoch has been decided");
  }
  // A promise for a slot beyond the next: the epochs between are gone from this disk.
  if (is_damaged_ || kept_.slot > acceptor_->state().slot) {
    return fail(ErrorCode::refused,
                "this node's record of its votes, or of epochs, is damaged; it votes again once "
                "another epoch "
                "has been decided");
  }
  return {};
}

Result<paxos::Vote> Voting::on_prepare(const paxos::Prepare& message) {
  if (auto may = may_vote(); !may) return std::unexpected(std::move(may.error()));
  return settle(acceptor_->on_prepare(message), message.slot.number);
}

Result<paxos::Vote> Voting::on_accept(const paxos::Accept& message) {
  if (auto may = may_vote(); !may) return std::unexpected(std::move(may.error()));
  return settle(acceptor_->on_accept(message), message.slot.number);
}

Result<paxos::Vote> Voting::settle(Result<paxos::Acceptor::Answer> answer, EpochNumber slot) {
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (answer->must_keep) {
    const auto& state = acceptor_->state();
    if (auto kept = replace_file(files_, vote_path, paxos::encode_acceptor(state)); !kept) {
      acceptor_.emplace(self_, epochs_.newest(), kept_);
      return std::unexpected(std::move(kept.error()));
    }
    kept_ = state;
  }
  // Who asks of an old slot wants to know what became of that one.
  if (answer->vote.verdict == paxos::Verdict::decided) {
    if (const auto exact = epochs_.find(slot)) answer->vote.epoch = exact;
  }
  return std::move(answer->vote);
}

}  // namespace coterie
