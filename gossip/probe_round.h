#pragma once

#include <cstddef>
#include <vector>

#include "base/ids.h"
#include "base/random.h"
#include "gossip/member_table.h"

namespace coterie::gossip {

/// Whom to probe next: everybody once in each round, in a new random order (SWIM, section 4.3), so
/// that a crash is noticed within 2n - 1 intervals of each member.
class ProbeRound {
 public:
  /// A new member gets a random place in what is left of this round.
  void insert(const NodeId& member, Random& random);
  /// The next living member other than `self`; nothing if there is none.
  Member* next(MemberTable& table, const NodeId& self, Random& random);

 private:
  void begin(const MemberTable& table, const NodeId& self, Random& random);

  std::vector<NodeId> order_;
  std::size_t at_ = 0;
};

}  // namespace coterie::gossip
