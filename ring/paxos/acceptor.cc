#include "ring/paxos/acceptor.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "ring/succession.h"

namespace coterie::paxos {
namespace {

#ifdef COTERIE_PLANT_FORGETFUL_ACCEPTOR  // defined only where a test must see it
constexpr bool keeps_promises = false;
#else
constexpr bool keeps_promises = true;
#endif

#ifdef COTERIE_PLANT_FORGOTTEN_ACCEPTANCE  // defined only where a test must see it
constexpr bool keeps_acceptances = false;
#else
constexpr bool keeps_acceptances = true;
#endif

#ifdef COTERIE_PLANT_PROMISE_TWICE  // defined only where a test must see it
constexpr bool promises_once = false;
#else
constexpr bool promises_once = true;
#endif

}  // namespace

Acceptor::Acceptor(NodeId self, Value newest, AcceptorState kept)
    : self_(self), newest_(std::move(newest)), state_(std::move(kept)) {
  check(newest_ != nullptr, "an acceptor knows an epoch");
  const auto open = slot_after(*newest_).number;
  if (state_.slot != open) state_ = {.slot = open};
}

Result<Vote> Acceptor::judge(const Slot& slot) const {
  if (slot.number <= newest_->number()) {
    return Vote{.verdict = Verdict::decided, .epoch = newest_};
  }
  const Slot open = slot_after(*newest_);
  if (slot.number != open.number) return Vote{.verdict = Verdict::behind};
  if (slot.base_hash != open.base_hash) {
    return fail(ErrorCode::refused,
                "the epoch before the proposed one is another one here; the two nodes do not "
                "belong to one history");
  }
  if (!std::ranges::binary_search(newest_->voters(), self_)) {
    return fail(ErrorCode::refused, "this node is no voter of the newest epoch");
  }
  return Vote{.verdict = Verdict::granted};
}

Result<Acceptor::Answer> Acceptor::on_prepare(const Prepare& message) {
  auto vote = judge(message.slot);
  if (!vote) return std::unexpected(std::move(vote.error()));
  if (vote->verdict != Verdict::granted) return Answer{.vote = *std::move(vote)};
  const bool is_higher = promises_once ? message.ballot > state_.promised  //
                                       : message.ballot >= state_.promised;
  if (!is_higher) {
    return Answer{.vote = {.verdict = Verdict::outbid, .promised = state_.promised}};
  }
  state_.promised = message.ballot;
  return Answer{.vote = {.verdict = Verdict::granted,
                         .promised = state_.promised,
                         .accepted = state_.accepted,
                         .epoch = state_.value},
                .must_keep = keeps_promises};
}

Result<Acceptor::Answer> Acceptor::on_accept(const Accept& message) {
  check(message.value != nullptr, "what is to be accepted is there");
  auto vote = judge(message.slot);
  if (!vote) return std::unexpected(std::move(vote.error()));
  if (vote->verdict != Verdict::granted) return Answer{.vote = *std::move(vote)};
  if (message.ballot < state_.promised) {
    return Answer{.vote = {.verdict = Verdict::outbid, .promised = state_.promised}};
  }
  if (auto fine = check_succession(*newest_, *message.value); !fine) {
    return std::unexpected(std::move(fine.error()));
  }
  const bool is_new = state_.accepted != message.ballot;
  state_.promised = message.ballot;
  if (is_new) {
    state_.accepted = message.ballot;
    state_.value = message.value;
  }
  // Said again of a ballot already accepted: it is durable since the first time.
  return Answer{.vote = {.verdict = Verdict::granted, .promised = state_.promised},
                .must_keep = is_new && keeps_acceptances};
}

void Acceptor::on_decided(Value epoch) {
  check(epoch != nullptr, "what was decided is there");
  if (epoch->number() <= newest_->number()) return;
  newest_ = std::move(epoch);
  state_ = {.slot = slot_after(*newest_).number};
}

}  // namespace coterie::paxos
