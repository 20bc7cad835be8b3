#pragma once

#include <cstddef>
#include <string>

#include "tests/explore/world.h"

namespace coterie::explore {

struct Explored {
  std::size_t states = 0;
  std::size_t depth = 0;  // actions on the longest of the shortest ways to a state
  double seconds = 0;
  /// The first wrong state, and the fewest actions that lead to it, a line each; empty: there is
  /// none.
  std::string violation;
};

/// Every state that any order of the scope's actions leads to, breadth first, each looked at once.
[[nodiscard]] Explored explore(const Scope& scope);

}  // namespace coterie::explore
