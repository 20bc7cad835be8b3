#include "ring/transition/step.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/unit/ring/transition/samples.h"

using namespace coterie;
using namespace coterie::transition;
using namespace coterie::transition::samples;

namespace {

using Nodes = std::vector<NodeId>;
constexpr SmallestQuorums two_two{.r = 2, .w = 2};

}  // namespace

TEST_CASE("a new owner is covered by the replica it displaces, or by N-W+1 of the old owners") {
  const auto open = at(Stage::open);
  CHECK(gained(open) == Nodes{d});
  CHECK(displaced_by(open, d) == c);
  CHECK(displaced_by(open, a) == std::nullopt);
  CHECK(is_covered(open, a, {}, {}, two_two));
  CHECK_FALSE(is_covered(open, d, {}, {}, two_two));
  CHECK(is_covered(open, d, Nodes{c}, {}, two_two));
  CHECK_FALSE(is_covered(open, d, Nodes{a}, {}, two_two));
  CHECK_FALSE(is_covered(open, d, Nodes{a, a}, {}, two_two));
  CHECK(is_covered(open, d, Nodes{a, b}, {}, two_two));
  // With W=1 somewhere, any one of the old owners may hold a write alone.
  CHECK_FALSE(is_covered(open, d, Nodes{a, b}, {}, {.r = 3, .w = 1}));
  CHECK(is_covered(open, d, Nodes{a}, {}, {.r = 1, .w = 3}));
}

TEST_CASE("where the dead leave too few sources, all who are left must do") {
  const auto open = at(Stage::open);
  CHECK_FALSE(is_covered(open, d, Nodes{a}, Nodes{c}, two_two));
  CHECK(is_covered(open, d, Nodes{a}, Nodes{b, c}, two_two));
  CHECK_FALSE(is_covered(open, d, {}, Nodes{b, c}, two_two));
  CHECK_FALSE(is_covered(open, d, Nodes{a}, Nodes{c}, {.r = 3, .w = 1}));
  CHECK(is_covered(open, d, Nodes{a, b}, Nodes{c}, {.r = 3, .w = 1}));
}

TEST_CASE("each gained owner displaces one of its own") {
  const std::vector<NodeId> to = {e, d, b};
  const Configuration open{
      .number = {}, .stage = Stage::open, .old_owners = old_owners, .new_owners = to};
  CHECK(displaced_by(open, d) == a);
  CHECK(displaced_by(open, e) == c);
}

TEST_CASE("a source serves once it has fenced the opening") {
  CHECK_FALSE(may_serve_stream(ConfigurationNumber{6}, ConfigurationNumber{7}));
  CHECK(may_serve_stream(ConfigurationNumber{7}, ConfigurationNumber{7}));
}

TEST_CASE("as many must have fenced as leave no quorum of readers or writers") {
  CHECK(fences_needed(3, two_two) == 2);
  CHECK(fences_needed(3, {.r = 1, .w = 3}) == 3);
  CHECK(fences_needed(3, {.r = 3, .w = 1}) == 3);
  CHECK(fences_needed(5, {.r = 3, .w = 4}) == 3);
}

TEST_CASE("the cut-over waits for the streams, the end for the fences, and each says for whose") {
  const auto open = at(Stage::open);
  auto missing = missing_for(Step::cut_over, open, {}, two_two);
  CHECK(missing.uncovered == Nodes{d});
  CHECK(missing_for(Step::cut_over, open, {.covered = {{.new_owner = d, .source = c}}}, two_two)
            .is_nothing());

  const auto cut_over = at(Stage::cut_over);
  missing = missing_for(Step::finish, cut_over, {.fenced = {a}}, two_two);
  CHECK(missing.unfenced == Nodes{c, b, d});
  CHECK(missing.old_fences == 1);
  CHECK(missing.new_fences == 1);
  missing = missing_for(Step::finish, cut_over, {.fenced = {a, c}}, two_two);
  CHECK(missing.old_fences == 0);
  CHECK(missing.new_fences == 1);
  CHECK_FALSE(missing.is_nothing());
  CHECK(missing_for(Step::finish, cut_over, {.fenced = {a, b}}, two_two).is_nothing());
  // An operator that removed a dead owner stands in for its fence, and nobody else.
  CHECK(missing_for(Step::finish, cut_over, {.fenced = {a, d}, .removed = {c}}, two_two)
            .is_nothing());
  CHECK(
      missing_for(Step::end_abort, at(Stage::aborting), {.fenced = {a, b}}, two_two).is_nothing());
}

TEST_CASE("a step is taken from its own stage only; an abort until the cut-over") {
  const Evidence all{.fenced = {a, b, c, d}, .covered = {{.new_owner = d, .source = c}}};
  const auto may = [&all](Step step, Stage stage) {
    return missing_for(step, at(stage), all, two_two).is_nothing();
  };
  for (const Stage stage : {Stage::stable, Stage::open, Stage::cut_over, Stage::aborting}) {
    CHECK(may(Step::cut_over, stage) == (stage == Stage::open));
    CHECK(may(Step::abort, stage) == (stage == Stage::open));
    CHECK(may(Step::finish, stage) == (stage == Stage::cut_over));
    CHECK(may(Step::end_abort, stage) == (stage == Stage::aborting));
  }
}

TEST_CASE("a copy is deleted once the change is over, by who owns nothing of it") {
  CHECK(may_delete_copy(at(Stage::stable), d));
  CHECK_FALSE(may_delete_copy(at(Stage::stable), c));
  for (const Stage stage : {Stage::open, Stage::cut_over, Stage::aborting}) {
    for (const NodeId node : {a, c, d, e}) CHECK_FALSE(may_delete_copy(at(stage), node));
  }
}
