#include "gossip/probe_round.h"

#include <utility>

namespace coterie::gossip {

void ProbeRound::insert(const NodeId& member, Random& random) {
  const std::size_t place = at_ + random.below(order_.size() - at_ + 1);
  order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(place), member);
}

Member* ProbeRound::next(MemberTable& table, const NodeId& self, Random& random) {
  for (int rounds = 0; rounds < 2; ++rounds) {
    while (at_ < order_.size()) {
      Member* member = table.find(order_[at_++]);
      if (member != nullptr && is_living(*member)) return member;
    }
    begin(table, self, random);
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
