#include "gossip/probe_round.h"

#include <algorithm>
#include <utility>

namespace coterie::gossip {

namespace {

constexpr std::size_t to_verify_most = 16;

}  // namespace

void ProbeRound::verify_soon(const NodeId& suspect) {
  if (to_verify_.size() >= to_verify_most) return;
  if (std::find(to_verify_.begin(), to_verify_.end(), suspect) != to_verify_.end()) return;
  to_verify_.push_back(suspect);
}

void ProbeRound::insert(const NodeId& member, Random& random) {
  const std::size_t place = at_ + random.below(order_.size() - at_ + 1);
  order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(place), member);
}

Member* ProbeRound::next(MemberTable& table, const NodeId& self, Random& random) {
  if (!verified_last_) {
    if (Member* suspect = next_to_verify(table)) {
      verified_last_ = true;
      return suspect;
    }
  }
  verified_last_ = false;
  for (int rounds = 0; rounds < 2; ++rounds) {
    while (at_ < order_.size()) {
      Member* member = table.find(order_[at_++]);
      if (member != nullptr && is_living(*member)) return member;
    }
    begin(table, self, random);
  }
  return next_to_verify(table);
}

Member* ProbeRound::next_to_verify(MemberTable& table) {
  while (!to_verify_.empty()) {
    Member* member = table.find(to_verify_.front());
    to_verify_.erase(to_verify_.begin());
    // Refuted in the meantime: nothing to verify.
    if (member != nullptr && member->state == MemberState::suspect) return member;
  }
  return nullptr;
}

void ProbeRound::begin(const MemberTable& table, const NodeId& self, Random& random) {
  order_.clear();
  at_ = 0;
  for (const auto& [id, member] : table.all()) {
    if (id != self && is_living(member)) order_.push_back(id);
  }
  for (std::size_t left = order_.size(); left > 1; --left) {
    std::swap(order_[left - 1], order_[random.below(left)]);
  }
}

}  // namespace coterie::gossip
