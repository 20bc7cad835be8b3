#include "ring/paxos/proposer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace coterie::paxos {
namespace {

#ifdef COTERIE_PLANT_OWN_VALUE  // defined only where a test must see it
constexpr bool carries_on = false;
#else
constexpr bool carries_on = true;
#endif

/// Each voter once.
void add(std::vector<NodeId>& to, NodeId node) {
  const auto place = std::ranges::lower_bound(to, node);
  if (place == to.end() || *place != node) to.insert(place, node);
}

}  // namespace

Proposer::Proposer(Options options) : options_(std::move(options)) {
  check(options_.base != nullptr, "what is proposed follows an epoch");
  check(options_.own == nullptr || options_.own->number() == slot().number,
        "what is proposed has the next number");
}

Prepare Proposer::begin() {
  check(phase_ != Phase::decided, "nothing is proposed once it is decided");
  ballot_ = {.round = ++highest_round_, .proposer = options_.self};
  phase_ = Phase::preparing;
  granted_.clear();
  refused_.clear();
  found_ = {};
  value_ = options_.own;
  return {.slot = slot(), .ballot = ballot_};
}

std::optional<Accept> Proposer::on_promise(NodeId from, const Ballot& ballot, const Vote& vote) {
  highest_round_ = std::max(highest_round_, vote.promised.round);
  if (vote.verdict == Verdict::decided) on_decided(vote.epoch);
  if (!is_awaited(from, ballot, Phase::preparing)) return std::nullopt;
  if (vote.verdict != Verdict::granted) {
    refuse(from);
    return std::nullopt;
  }
  if (carries_on && !vote.accepted.is_none() && vote.accepted > found_) {
    found_ = vote.accepted;
    value_ = vote.epoch;
  }
  grant(from);
  if (granted_.size() < majority()) return std::nullopt;
  if (value_ == nullptr) {
    phase_ = Phase::nothing;
    return std::nullopt;
  }
  phase_ = Phase::accepting;
  granted_.clear();
  refused_.clear();
  may_win_ = may_win_ || (options_.own != nullptr && *value_ == *options_.own);
  return Accept{.slot = slot(), .ballot = ballot_, .value = value_};
}

void Proposer::on_accepted(NodeId from, const Ballot& ballot, const Vote& vote) {
  highest_round_ = std::max(highest_round_, vote.promised.round);
  if (vote.verdict == Verdict::decided) on_decided(vote.epoch);
  if (!is_awaited(from, ballot, Phase::accepting)) return;
  if (vote.verdict != Verdict::granted) {
    refuse(from);
    return;
  }
  grant(from);
  if (granted_.size() >= majority()) on_decided(value_);
}

void Proposer::on_failed(NodeId from, const Ballot& ballot) {
  if (ballot != ballot_ || has_granted(from)) return;
  if (phase_ == Phase::preparing || phase_ == Phase::accepting) refuse(from);
}

void Proposer::on_decided(const Value& epoch) {
  check(epoch != nullptr, "what was decided is there");
  if (phase_ == Phase::decided || epoch->number() < slot().number) return;
  decided_ = epoch;
  phase_ = Phase::decided;
}

bool Proposer::is_awaited(NodeId from, const Ballot& ballot, Phase phase) const {
  return phase_ == phase && ballot == ballot_ && std::ranges::binary_search(voters(), from);
}

bool Proposer::has_granted(NodeId voter) const {
  return std::ranges::binary_search(granted_, voter);
}

void Proposer::grant(NodeId from) {
  std::erase(refused_, from);
  add(granted_, from);
}

/// An answer that came doubled must not take back a grant.
void Proposer::refuse(NodeId from) {
  if (has_granted(from)) return;
  add(refused_, from);
  if (voters().size() - refused_.size() < majority()) phase_ = Phase::idle;
}

}  // namespace coterie::paxos
