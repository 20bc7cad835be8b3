#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/random.h"
#include "gossip/member.h"

namespace coterie::gossip {

[[nodiscard]] inline bool is_living(const Member& member) {
  return member.state == MemberState::alive || member.state == MemberState::suspect;
}

/// All members that are known, this node included. Pointers stay valid until remove().
class MemberTable {
 public:
  [[nodiscard]] Member* find(const NodeId& id);
  [[nodiscard]] const Member* find(const NodeId& id) const;
  /// The id must not be there yet.
  Member& add(Member member);
  void remove(const NodeId& id);
  void set_state(Member& member, MemberState state, Instant now);

  [[nodiscard]] std::size_t size() const { return by_id_.size(); }
  [[nodiscard]] std::size_t living() const { return living_; }
  /// By node id.
  [[nodiscard]] const std::map<NodeId, Member>& all() const { return by_id_; }

  /// Up to `count` different members for which `wanted` holds, uniformly at random.
  template <class Predicate>
  std::vector<Member*> pick(Random& random, std::size_t count, Predicate wanted) {
    std::vector<Member*> out;
    // One shuffle begun, and stopped when there are enough.
    for (std::size_t i = 0; i < shuffled_.size() && out.size() < count; ++i) {
      const std::size_t other = i + random.below(shuffled_.size() - i);
      std::swap(shuffled_[i], shuffled_[other]);
      if (wanted(*shuffled_[i])) out.push_back(shuffled_[i]);
    }
    return out;
  }

 private:
  std::map<NodeId, Member> by_id_;
  std::vector<Member*> shuffled_;
  std::size_t living_ = 0;
};

}  // namespace coterie::gossip
