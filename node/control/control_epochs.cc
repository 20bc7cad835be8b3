// How this node takes part in deciding epochs.

#include <utility>

#include "base/limits.h"
#include "node/control/control.h"
#include "node/control/vote_messages.h"
#include "ring/succession.h"

namespace coterie {

void Control::propose(std::shared_ptr<const Epoch> next, Decided done) {
  if (epochs_.newest() == nullptr) {
    done(fail(ErrorCode::unavailable, "this node belongs to no cluster yet; retry"));
    return;
  }
  if (!is_compared_ || restored_) {
    done(fail(ErrorCode::unavailable, "this node is starting; retry"));
    return;
  }
  if (auto fine = check_succession(*epochs_.newest(), *next); !fine) {
    done(std::move(fine));
    return;
  }
  if (proposal_ != nullptr && !proposal_->is_over()) {
    done(fail(ErrorCode::refused,
              "this node is having another epoch decided; wait until that has ended"));
    return;
  }
  decide(std::move(next), std::move(done));
}

void Control::decide(std::shared_ptr<const Epoch> next, Decided done) {
  auto ended = [this, done = std::move(done)](Proposal::Outcome outcome) mutable {
    if (outcome.decided != nullptr) learn(outcome.decided);
    finish_later();
    done(std::move(outcome.result));
  };
  proposal_ = std::make_shared<Proposal>(
      Proposal::Environment{.timers = env_.timers, .calls = calls_, .voting = voting_},
      Proposal::Options{.self = options_.identity.node,
                        .base = epochs_.newest(),
                        .own = std::move(next),
                        .address_of = [this](NodeId node) { return gossip_address_of(node); }},
      random_.fork(), std::move(ended));
  proposal_->start();
}

/// A proposer may have gone when its epoch was half decided. A voter that accepted it and hears no
/// more has it decided: else it would surprise somebody, a year later.
void Control::finish_later() {
  if (finish_timer_ != TimerId{} || !voting_.is_undecided()) return;
  const Duration least = limits::epoch_finish_after;
  const auto more = random_.below(static_cast<std::uint64_t>(least.count()));
  finish_timer_ = env_.timers.start(least + Duration{more}, [this] {
    finish_timer_ = {};
    if (!voting_.is_undecided()) return;
    if (!is_compared_ || (proposal_ != nullptr && !proposal_->is_over())) {
      finish_later();
      return;
    }
    decide(nullptr, [this](const Result<void>& result) {
      if (!result) env_.log.warn("epochs", result.error().message);
    });
  });
}

void Control::seek_epoch(NodeId from) {
  if (epochs_.newest() == nullptr || from == options_.identity.node) return;
  if (const auto address = gossip_address_of(from)) fetch_epoch(*address);
}

std::optional<Address> Control::gossip_address_of(NodeId node) const {
  if (const auto* known = gossip_.find(node)) return known->address;
  const auto* member = epochs_.newest()->member(node);
  if (member == nullptr) return std::nullopt;
  const auto address = Address::parse(member->address);
  return address ? std::optional(*address) : std::nullopt;
}

Result<Bytes> Control::serve_vote(wire::Kind kind, BytesView body, const wire::Envelope& envelope) {
  // A promise that it has forgotten it might break.
  if (!is_compared_) return fail(ErrorCode::unavailable, "this node is starting; retry");
  Result<paxos::Vote> vote = paxos::Vote{};
  if (kind == wire::Kind::epoch_prepare) {
    const auto message = decode_prepare(body);
    if (!message) return std::unexpected(message.error());
    vote = voting_.on_prepare(*message);
  } else {
    const auto message = decode_accept(body);
    if (!message) return std::unexpected(message.error());
    vote = voting_.on_accept(*message);
  }
  finish_later();
  tell_witnesses();
  if (!vote) return std::unexpected(std::move(vote.error()));
  return encode_vote(*vote, envelope);
}

}  // namespace coterie
