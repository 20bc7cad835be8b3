#include "node/control/proposal.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/limits.h"
#include "node/control/vote_messages.h"

namespace coterie {
namespace {

std::string text(EpochNumber number) {
  return std::to_string(number.lineage) + "." + std::to_string(number.number);
}

}  // namespace

Proposal::Proposal(Environment environment, Options options, Random random, Done done)
    : env_(environment),
      options_(std::move(options)),
      random_(random),
      done_(std::move(done)),
      proposer_({.self = options_.self, .base = options_.base, .own = options_.own}),
      silent_(proposer_.voters().begin(), proposer_.voters().end()) {}

Proposal::~Proposal() {
  env_.timers.cancel(pause_timer_);
  env_.timers.cancel(deadline_);
}

void Proposal::start() {
  deadline_ = env_.timers.start(limits::epoch_decision_most, [this] { give_up(); });
  begin_round();
}

void Proposal::begin_round() {
  ask_promises(proposer_.begin());
}

void Proposal::ask_promises(const paxos::Prepare& message) {
  const auto ballot = message.ballot;
  for (const NodeId voter : proposer_.voters()) {
    if (voter == options_.self) continue;
    const auto make = [&message](std::uint64_t id) {
      return encode_prepare(message, {.request_id = id});
    };
    ask(voter, make, [this, voter, ballot](Result<paxos::Vote> vote) {
      on_promise(voter, ballot, std::move(vote));
    });
  }
  // This node's own voice comes at once, so it comes last.
  if (std::ranges::binary_search(proposer_.voters(), options_.self)) {
    on_promise(options_.self, ballot, env_.voting.on_prepare(message));
  }
}

void Proposal::ask_acceptances(const paxos::Accept& message) {
  const auto ballot = message.ballot;
  for (const NodeId voter : proposer_.voters()) {
    if (voter == options_.self) continue;
    const auto make = [&message](std::uint64_t id) {
      return encode_accept(message, {.request_id = id});
    };
    ask(voter, make, [this, voter, ballot](Result<paxos::Vote> vote) {
      on_accepted(voter, ballot, std::move(vote));
    });
  }
  if (std::ranges::binary_search(proposer_.voters(), options_.self)) {
    on_accepted(options_.self, ballot, env_.voting.on_accept(message));
  }
}

void Proposal::ask(NodeId voter, const Calls::MakeFrame& make,
                   std::move_only_function<void(Result<paxos::Vote>)> then) {
  const auto address = options_.address_of(voter);
  if (!address) {
    then(fail(ErrorCode::unavailable, "its address is not known"));
    return;
  }
  env_.calls.call(*address, make, limits::epoch_vote_patience,
                  [weak = weak_from_this(), voter, then = std::move(then)](auto reply) mutable {
                    const auto alive = weak.lock();
                    if (alive == nullptr || alive->is_over()) return;
                    if (reply && reply->from != voter) {
                      reply = fail(ErrorCode::unavailable, "another node answers at its address");
                    }
                    then(reply ? decode_vote(reply->body)
                               : Result<paxos::Vote>(std::unexpected(std::move(reply.error()))));
                  });
}

void Proposal::note(NodeId voter, const Result<paxos::Vote>& vote) {
  if (vote) {
    silent_.erase(voter);
  } else {
    silent_.insert(voter);
    last_refusal_ = short_name(voter) + ": " + vote.error().message;
  }
}

void Proposal::on_promise(NodeId voter, const paxos::Ballot& ballot, Result<paxos::Vote> vote) {
  note(voter, vote);
  if (!vote) {
    proposer_.on_failed(voter, ballot);
  } else if (const auto accept = proposer_.on_promise(voter, ballot, *vote)) {
    ask_acceptances(*accept);
    return;
  }
  further();
}

void Proposal::on_accepted(NodeId voter, const paxos::Ballot& ballot, Result<paxos::Vote> vote) {
  note(voter, vote);
  if (vote) {
    proposer_.on_accepted(voter, ballot, *vote);
  } else {
    proposer_.on_failed(voter, ballot);
  }
  further();
}

void Proposal::further() {
  if (is_over()) return;
  switch (proposer_.phase()) {
    case paxos::Proposer::Phase::decided: {
      const auto decided = proposer_.decided();
      end({.decided = decided, .result = judge(*decided)});
      break;
    }
    case paxos::Proposer::Phase::nothing:
      end({.decided = nullptr, .result = {}});
      break;
    case paxos::Proposer::Phase::idle:
      pause();
      break;
    case paxos::Proposer::Phase::preparing:
    case paxos::Proposer::Phase::accepting:
      break;
  }
}

/// Two that wait alike would outbid each other for ever.
void Proposal::pause() {
  if (pause_timer_ != TimerId{}) return;
  const Duration longest =
      std::min<Duration>(limits::epoch_round_pause_most,
                         limits::epoch_round_pause_least * (1U << std::min(lost_rounds_, 10U)));
  ++lost_rounds_;
  const auto wait = Duration{1 + random_.below(static_cast<std::uint64_t>(longest.count()))};
  pause_timer_ = env_.timers.start(wait, [this] {
    pause_timer_ = {};
    if (!is_over() && proposer_.phase() == paxos::Proposer::Phase::idle) begin_round();
  });
}

void Proposal::give_up() {
  end({.decided = nullptr, .result = std::unexpected(why_undecided())});
}

void Proposal::end(Outcome outcome) {
  if (is_over()) return;
  env_.timers.cancel(pause_timer_);
  env_.timers.cancel(deadline_);
  std::exchange(done_, nullptr)(std::move(outcome));
}

Result<void> Proposal::judge(const Epoch& decided) const {
  if (options_.own == nullptr || decided == *options_.own) return {};
  if (decided.number() == proposer_.slot().number) {
    return fail(ErrorCode::refused, "epoch " + text(decided.number()) +
                                        " was decided with another change, and this one was not "
                                        "made; look at the ring as it is now, and plan again");
  }
  const std::string moved_on = "the ring has moved on to epoch " + text(decided.number());
  if (!proposer_.may_win()) {
    return fail(ErrorCode::refused, moved_on + ", and this change was not made; plan again");
  }
  return fail(ErrorCode::unknown_outcome,
              moved_on + "; look whether this change is in it before planning again");
}

Error Proposal::why_undecided() const {
  const auto voters = proposer_.voters().size();
  std::string words;
  if (voters - silent_.size() <= voters / 2) {
    words = std::to_string(silent_.size()) + " of the " + std::to_string(voters) +
            " voters do not answer (";
    for (const NodeId voter : silent_) {
      words += (voter == *silent_.begin() ? "" : ", ") + short_name(voter);
    }
    words +=
        "), and the ring changes only with most of them; it stays as it is, and data is "
        "served as before: start them again, then retry";
    if (!last_refusal_.empty()) words += "; last heard: " + last_refusal_;
  } else {
    words = "other nodes propose epochs, too, and none was decided; retry";
  }
  if (!proposer_.may_win()) return {.code = ErrorCode::unavailable, .message = std::move(words)};
  return {.code = ErrorCode::unknown_outcome,
          .message = "the change may be decided yet: look at the ring before retrying; " + words};
}

}  // namespace coterie
