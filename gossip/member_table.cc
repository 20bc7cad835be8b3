#include "gossip/member_table.h"

#include "base/check.h"

namespace coterie::gossip {

Member* MemberTable::find(const NodeId& id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

const Member* MemberTable::find(const NodeId& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

Member& MemberTable::add(Member member) {
  const NodeId id = member.id;
  const auto [at, added] = by_id_.emplace(id, std::move(member));
  check(added, "a member is added once");
  shuffled_.push_back(&at->second);
  if (is_living(at->second)) ++living_;
  return at->second;
}

void MemberTable::remove(const NodeId& id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  if (is_living(found->second)) --living_;
  std::erase(shuffled_, &found->second);
  by_id_.erase(found);
}

void MemberTable::set_state(Member& member, MemberState state, Instant now) {
  if (is_living(member)) --living_;
  member.state = state;
  member.since = now;
  if (is_living(member)) ++living_;
}

}  // namespace coterie::gossip
