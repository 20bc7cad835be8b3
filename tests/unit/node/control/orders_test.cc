// What operators ask of the ring, at one node.

#include <doctest/doctest.h>

#include "base/limits.h"
#include "tests/unit/node/changes.h"
#include "tests/unit/node/control/control_world.h"

namespace coterie::orders_test {

namespace {

/// Member 1 of a cluster.
struct World : ControlWorld {
  explicit World(std::size_t nodes = 4) {
    keep_epoch(sample_epoch(nodes));
    restart();
  }
  void restart() {
    node_ = control(true);
    node_->start(transport, datagrams);
  }
  Result<topology::Answer> order(topology::Order order) {
    std::optional<Result<topology::Answer>> said;
    node_->order(std::move(order), [&said](auto answer) { said = std::move(answer); });
    if (!said) timers.advance(limits::epoch_decision_most + 2 * limits::facts_patience);
    REQUIRE(said);
    return *std::move(said);
  }
  Result<topology::Answer> stage(plan::StagedChange change) {
    return order(topology::Stage{.what = std::move(change)});
  }

  std::unique_ptr<Control> node_;
};

}  // namespace

TEST_CASE("a plan is of what is staged, and is the same after a restart") {
  World world;
  auto answer = world.order(topology::Look{});
  REQUIRE(answer);
  CHECK(!answer->plan);
  CHECK(answer->why_no_plan.empty());
  REQUIRE(world.stage(plan::Weigh{.node = node_id(2), .weight = 2}));
  answer = world.stage(plan::Leave{.node = node_id(3)});
  REQUIRE(answer);
  CHECK(answer->staged.size() == 2);
  REQUIRE(answer->plan);
  CHECK(answer->plan->leaving == std::vector{node_id(3)});
  CHECK(answer->report.nodes.size() == 4);
  const auto hash = answer->plan->hash;
  world.restart();
  answer = world.order(topology::Look{});
  REQUIRE(answer->plan);
  CHECK(answer->plan->hash == hash);
  answer = world.order(topology::Unstage{.node = node_id(3)});
  REQUIRE(answer->plan);
  CHECK(answer->plan->hash != hash);
  answer = world.order(topology::Clear{});
  CHECK(!answer->plan);
  CHECK(world.order(topology::Unstage{.node = node_id(3)}).error().code == ErrorCode::not_found);
}

TEST_CASE("a plan with another hash than the one of now is not committed") {
  World world;
  const auto seen = world.stage(plan::Weigh{.node = node_id(2), .weight = 2});
  REQUIRE(world.stage(plan::Leave{.node = node_id(3)}));
  const auto late = world.order(topology::Commit{.hash = seen->plan->hash, .is_forced = true});
  REQUIRE(!late);
  CHECK(late.error().code == ErrorCode::refused);
  CHECK(late.error().message.find("run `plan` again") != std::string::npos);
}

TEST_CASE("with most voters gone nothing is committed, and it says who does not answer") {
  World world;
  const auto seen = world.stage(plan::Weigh{.node = node_id(2), .weight = 2});
  const auto frozen = world.order(topology::Commit{.hash = seen->plan->hash, .is_forced = true});
  REQUIRE(!frozen);
  CHECK(frozen.error().code == ErrorCode::unavailable);
  CHECK(frozen.error().message.find("voters do not answer") != std::string::npos);
}

TEST_CASE("who belongs to no cluster, or knows no such change, says so") {
  ControlWorld young;
  const auto control = young.control();
  std::optional<ErrorCode> code;
  control->order(topology::Look{}, [&code](auto answer) { code = answer.error().code; });
  CHECK(code == ErrorCode::unavailable);
  World world;
  CHECK(world.order(topology::Abort{.change = 9}).error().code == ErrorCode::not_found);
  CHECK(world.order(topology::Pause{.change = 9}).error().code == ErrorCode::not_found);
}

}  // namespace coterie::orders_test
