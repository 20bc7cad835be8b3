#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/explore/explorer.h"
#include "tests/explore/scale.h"
#include "tests/explore/stages/world.h"

using namespace coterie;
using namespace coterie::explore;

namespace {

using Nodes = std::vector<std::size_t>;

std::vector<NodeId> ids_of(const Nodes& nodes) {
  std::vector<NodeId> out;
  for (const auto node : nodes) out.push_back(stages::id_of(node));
  return out;
}

/// Every R and W of the bucket, and of another one whose may be smaller, that meet.
void explore_all(const std::string& name, const Nodes& from, const Nodes& to, bool has_crashes) {
  const auto n = static_cast<std::uint32_t>(from.size());
  std::size_t states = 0;
  std::size_t depth = 0;
  double seconds = 0;
  for (std::uint32_t r = 1; r <= n; ++r) {
    for (std::uint32_t w = n + 1 - r; w <= n; ++w) {
      for (std::uint32_t least_r = 1; least_r <= r; ++least_r) {
        for (std::uint32_t least_w = 1; least_w <= w; ++least_w) {
          const stages::Scope scope{.from = ids_of(from),
                                    .to = ids_of(to),
                                    .r = r,
                                    .w = w,
                                    .smallest = {.r = least_r, .w = least_w},
                                    .has_crashes = has_crashes};
          const Explored explored = Explorer(stages::World(scope)).run();
          states += explored.states;
          depth = std::max(depth, explored.depth);
          seconds += explored.seconds;
          CAPTURE(r);
          CAPTURE(w);
          CAPTURE(least_r);
          CAPTURE(least_w);
          CHECK(explored.violation == "");
          if (!explored.violation.empty()) return;
        }
      }
    }
  }
  MESSAGE(name << ": " << states << " states, depth " << depth << ", " << seconds << " s");
}

}  // namespace

TEST_CASE("at every stage of a change, whoever reads sees what was acknowledged") {
  explore_all("N=2, one of two replaced, crashes", {0, 1}, {1, 2}, true);
}

TEST_CASE("at every stage of a wider change, whoever reads sees what was acknowledged") {
  // Sanitizers slow it down tenfold and see no more in it.
  if (scale() == "small") return;
  explore_all("N=2, both replaced", {0, 1}, {2, 3}, false);
  explore_all("N=3, one of three replaced", {0, 1, 2}, {0, 1, 3}, false);
}

TEST_CASE("at every stage of a wide change, whoever reads sees what was acknowledged") {
  if (scale() != "long") return;
  explore_all("N=3, one of three replaced, crashes", {0, 1, 2}, {0, 1, 3}, true);
}
