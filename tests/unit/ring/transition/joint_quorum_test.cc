#include "ring/transition/joint_quorum.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/unit/ring/transition/samples.h"

using namespace coterie;
using namespace coterie::transition;
using namespace coterie::transition::samples;

namespace {

using Nodes = std::vector<NodeId>;

}  // namespace

TEST_CASE("a stable partition's quorums are W and R of its owners") {
  const auto stable = at(Stage::stable);
  const auto write = Quorum::of_write(stable, 2);
  CHECK_FALSE(write.is_joint());
  CHECK(write.targets() == Nodes{c, a, b});
  CHECK(write.is_reached(Nodes{c, b}));
  CHECK_FALSE(write.is_reached(Nodes{c, d}));
  CHECK_FALSE(write.is_reached(Nodes{c, c}));
  CHECK(Quorum::of_read(stable, 1).is_reached(Nodes{a}));
  CHECK_FALSE(Quorum::of_read(stable, 1).is_reached(Nodes{d}));
}

TEST_CASE("while owners change, a write needs W of the old and W of the new ones") {
  for (const Stage stage : {Stage::open, Stage::cut_over, Stage::aborting}) {
    const auto change = at(stage);
    const auto write = Quorum::of_write(change, 2);
    CHECK(write.is_joint());
    CHECK(write.targets() == Nodes{c, a, b, d});
    // Who is in both counts to both: no more answers than without a change.
    CHECK(write.is_reached(Nodes{a, b}));
    CHECK_FALSE(write.is_reached(Nodes{c, a}));
    CHECK_FALSE(write.is_reached(Nodes{d, a}));
    CHECK(write.is_reached(Nodes{d, c, b}));
    CHECK(Quorum::of_write(change, 1).is_reached(Nodes{c, d}));
    CHECK_FALSE(Quorum::of_write(change, 3).is_reached(Nodes{a, b, c}));
  }
}

TEST_CASE("reads are of the old owners until the cut-over, then of the new ones") {
  for (const Stage stage : {Stage::open, Stage::aborting}) {
    const auto change = at(stage);
    CHECK(Quorum::of_read(change, 2).is_reached(Nodes{c, a}));
    CHECK_FALSE(Quorum::of_read(change, 2).is_reached(Nodes{d, a}));
  }
  const auto cut_over = at(Stage::cut_over);
  CHECK(Quorum::of_read(cut_over, 2).targets() == Nodes{d, a, b});
  CHECK(Quorum::of_read(cut_over, 2).is_reached(Nodes{d, a}));
  CHECK_FALSE(Quorum::of_read(cut_over, 2).is_reached(Nodes{c, a}));
}

TEST_CASE("a quorum says early when it cannot be reached any more") {
  const auto open = at(Stage::open);
  const auto write = Quorum::of_write(open, 2);
  CHECK(write.is_reachable_without(Nodes{}));
  CHECK(write.is_reachable_without(Nodes{c, d}));
  CHECK(write.is_reachable_without(Nodes{a}));
  CHECK_FALSE(write.is_reachable_without(Nodes{a, d}));
  CHECK_FALSE(write.is_reachable_without(Nodes{a, c}));
  CHECK(Quorum::of_read(open, 2).is_reachable_without(Nodes{d, c}));
  CHECK_FALSE(Quorum::of_read(open, 2).is_reachable_without(Nodes{a, c}));
}
