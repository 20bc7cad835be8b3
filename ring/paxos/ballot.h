#pragma once

#include <compare>
#include <cstdint>

#include "base/ids.h"

namespace coterie::paxos {

/// Orders the attempts to decide one epoch. Two nodes never share one; round 0 is none at all.
struct Ballot {
  std::uint64_t round = 0;
  NodeId proposer;

  constexpr auto operator<=>(const Ballot&) const = default;
  [[nodiscard]] constexpr bool is_none() const { return round == 0; }
};

}  // namespace coterie::paxos
