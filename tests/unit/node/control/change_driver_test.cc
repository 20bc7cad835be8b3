#include "node/control/change_driver.h"

#include <doctest/doctest.h>

#include "ring/plan/plan.h"
#include "ring/succession.h"
#include "ring/transition/entries.h"
#include "tests/unit/node/changes.h"
#include "tests/unit/node/samples.h"

using namespace coterie;
using transition::Step;

namespace {

constexpr PartitionId partition{3};

/// N = 3, R = W = 2; the member that does not own the partition takes the place of its first owner.
struct World {
  World() {
    for (const Member& member : before->members()) {
      if (!before->owns(member.id, partition)) to = member.id;
    }
    open = opened(before, partition, owners.front(), to);
    driver.on_epoch(open);
  }
  bool fenced(NodeId node, const EpochPtr& epoch) {
    return driver.note(node, {.partition = partition,
                              .fenced = epoch->configuration(partition),
                              .covered = {},
                              .covered_at = {}});
  }
  bool covered(NodeId node, std::vector<NodeId> sources, const EpochPtr& epoch) {
    return driver.note(node, {.partition = partition,
                              .fenced = {},
                              .covered = std::move(sources),
                              .covered_at = epoch->configuration(partition)});
  }
  /// The step is taken, and decided.
  EpochPtr step() {
    const auto next = driver.next();
    REQUIRE(next != nullptr);
    driver.on_epoch(next);
    return next;
  }

  EpochPtr before = sample_epoch(4);
  std::vector<NodeId> owners{before->owners(partition).begin(), before->owners(partition).end()};
  NodeId to;
  EpochPtr open;
  ChangeDriver driver;
};

}  // namespace

TEST_CASE("a change goes on when nothing is missing, stage by stage, and is over") {
  World world;
  CHECK(world.driver.next() == nullptr);
  CHECK(world.driver.questions() ==
        std::vector<ChangeDriver::Question>{{world.to, world.open->changes()[0].id}});
  CHECK(world.covered(world.to, {world.owners.front()}, world.open));
  CHECK(world.driver.questions().empty());
  const auto cut = world.step();
  CHECK(check_succession(*world.open, *cut));
  CHECK(cut->stage(partition) == Stage::cut_over);
  CHECK(world.driver.next() == nullptr);
  CHECK(world.driver.questions().size() == 4);
  CHECK(world.fenced(world.owners[1], cut));
  CHECK(world.driver.next() == nullptr);
  CHECK(world.fenced(world.owners[2], cut));
  const auto finished = world.step();
  CHECK(check_succession(*cut, *finished));
  CHECK(finished->stage(partition) == Stage::stable);
  CHECK(finished->owns(world.to, partition));
  CHECK(world.driver.is_idle());
  CHECK(world.driver.next() == nullptr);
}

TEST_CASE("fences of the stage before do not count, nor does a source of another change") {
  World world;
  const auto old = world.covered(world.to, {world.owners.front()}, world.before);
  CHECK(old);
  CHECK(world.driver.next() == nullptr);
  CHECK(world.covered(world.to, {world.owners.front()}, world.open));
  // Later words of an earlier change take nothing away.
  CHECK(!world.covered(world.to, {}, world.before));
  for (const auto node : world.owners) (void)world.fenced(node, world.open);
  const auto cut = world.step();
  CHECK(world.driver.next() == nullptr);
  for (const auto node : world.owners) (void)world.fenced(node, cut);
  CHECK(world.driver.next() != nullptr);
}

TEST_CASE("one source that is not the owner displaced is not enough; two of the others are") {
  World world;
  CHECK(world.covered(world.to, {world.owners[1]}, world.open));
  CHECK(world.driver.next() == nullptr);
  CHECK(world.driver.progress()[0].missing ==
        std::vector{short_name(world.to) + " has not taken all data of 1 partition"});
  // Who is dead cannot be given anything, and nobody stands in for that.
  EpochContents contents = transition::following(*world.open);
  REQUIRE(transition::remove_from_changes(contents, world.to));
  world.driver.on_epoch(next_epoch(world.open, contents));
  CHECK(world.driver.progress()[0].missing ==
        std::vector{short_name(world.to) +
                    " is removed, and was to be given 1 partition: abort the change"});
  CHECK(world.covered(world.to, {world.owners[2]}, world.open));
  CHECK(world.driver.next() != nullptr);
}

TEST_CASE("what is paused waits, and says so; an abort ends when enough have fenced it") {
  World world;
  (void)world.covered(world.to, {world.owners.front()}, world.open);
  auto contents = transition::following(*world.open);
  REQUIRE(transition::pause_change(contents, world.open->changes()[0].id, true));
  const auto paused = next_epoch(world.open, contents);
  world.driver.on_epoch(paused);
  CHECK(world.driver.next() == nullptr);
  CHECK(world.driver.questions().empty());
  CHECK(world.driver.progress()[0].is_paused);
  CHECK(world.driver.progress()[0].missing.size() == 1);
  const auto aborting = stepped(paused, Step::abort);
  world.driver.on_epoch(aborting);
  CHECK(world.driver.next() == nullptr);
  CHECK(world.driver.progress()[0].missing.size() == 4);
  (void)world.fenced(world.owners[0], aborting);
  (void)world.fenced(world.to, aborting);
  CHECK(world.driver.next() == nullptr);
  (void)world.fenced(world.owners[2], aborting);
  const auto aborted = world.step();
  CHECK(aborted->stage(partition) == Stage::stable);
  CHECK(!aborted->owns(world.to, partition));
}

TEST_CASE("changes go on by themselves, and those that are ready together in one epoch") {
  World world;
  const PartitionId other{4};
  NodeId other_to;
  for (const Member& member : world.before->members()) {
    if (!world.before->owns(member.id, other)) other_to = member.id;
  }
  const NodeId displaced = world.open->owners(other).front();
  const auto both = opened(world.open, other, displaced, other_to);
  world.driver.on_epoch(both);
  CHECK(world.driver.questions().size() == 2);
  (void)world.covered(world.to, {world.owners.front()}, both);
  auto next = world.driver.next();
  REQUIRE(next != nullptr);
  CHECK(next->stage(partition) == Stage::cut_over);
  CHECK(next->stage(other) == Stage::open);
  (void)world.driver.note(other_to, {.partition = other,
                                     .fenced = {},
                                     .covered = {displaced},
                                     .covered_at = both->configuration(other)});
  next = world.driver.next();
  REQUIRE(next != nullptr);
  CHECK(check_succession(*both, *next));
  CHECK(next->stage(partition) == Stage::cut_over);
  CHECK(next->stage(other) == Stage::cut_over);
}

TEST_CASE("who was removed for dead needs no fence, and is no source") {
  World world;
  auto contents = transition::following(*world.open);
  contents.changes[0].removed = {world.owners.front()};
  const auto removed = next_epoch(world.open, contents);
  world.driver.on_epoch(removed);
  CHECK(world.driver.next() == nullptr);
  (void)world.covered(world.to, {world.owners[1], world.owners[2]}, removed);
  const auto cut = world.step();
  (void)world.fenced(world.owners[1], cut);
  CHECK(world.driver.next() == nullptr);
  (void)world.fenced(world.to, cut);
  CHECK(world.driver.next() != nullptr);
}

TEST_CASE("when a change finishes, who leaves by it is no member, and others vote") {
  ChangeDriver driver;
  const auto before = sample_epoch(4);
  const NodeId gone = before->voters().front();
  const std::vector<plan::StagedChange> staged = {plan::Leave{.node = gone}};
  const auto plan = plan::make_plan(*before, staged, {});
  REQUIRE(plan);
  auto epoch = std::make_shared<const Epoch>(plan->next);
  CHECK(epoch->is_leaving(gone));
  const auto note_all = [&](const EpochPtr& now) {
    for (const Handover& handover : now->changes().front().handovers) {
      const auto owners = now->owners(handover.partition);
      for (const Member& member : now->members()) {
        (void)driver.note(member.id, {.partition = handover.partition,
                                      .fenced = now->configuration(handover.partition),
                                      .covered = {owners.begin(), owners.end()},
                                      .covered_at = now->configuration(handover.partition)});
      }
    }
  };
  for (const auto stage : {Stage::cut_over, Stage::stable}) {
    driver.on_epoch(epoch);
    note_all(epoch);
    if (stage == Stage::cut_over) {
      // It may still keep what others have not got.
      const auto change = epoch->changes().front().id;
      CHECK(driver.next() == nullptr);
      CHECK(driver.questions() == std::vector<ChangeDriver::Question>{{gone, change}});
      CHECK(driver.progress().front().missing.size() == 1);
      CHECK(driver.note_free(gone, change));
      CHECK(!driver.note_free(gone, change));
    }
    const auto next = driver.next();
    REQUIRE(next != nullptr);
    CHECK(check_succession(*epoch, *next));
    CHECK(next->stage(plan->handovers.front().partition) == stage);
    epoch = next;
  }
  CHECK(epoch->member(gone) == nullptr);
  CHECK(epoch->members().size() == 3);
  CHECK(std::ranges::equal(epoch->voters(), choose_voters(plan->members)));
}

TEST_CASE("nobody waits for what the dead kept for others") {
  ChangeDriver driver;
  const auto before = sample_epoch(4);
  const NodeId gone = before->members().front().id;
  const std::vector<plan::StagedChange> staged = {plan::Remove{.node = gone}};
  const auto plan = plan::make_plan(*before, staged, {});
  REQUIRE(plan);
  driver.on_epoch(std::make_shared<const Epoch>(plan->next));
  CHECK(!driver.note_free(gone, plan->next.changes().front().id));
  for (const auto& question : driver.questions()) CHECK(question.node != gone);
}

TEST_CASE("live voters come first, by id") {
  const auto epoch = sample_epoch(4);
  REQUIRE(epoch->voters().size() == 3);
  const std::vector<NodeId> all = {node_id(1), node_id(2), node_id(3), node_id(4)};
  const auto voters = epoch->voters();
  CHECK(driving_rank(*epoch, voters[0], all) == 0);
  CHECK(driving_rank(*epoch, voters[2], all) == 2);
  CHECK(driving_rank(*epoch, voters[2], {voters[2], voters[1]}) == 1);
  for (const auto node : all) {
    if (!std::ranges::binary_search(voters, node)) CHECK(driving_rank(*epoch, node, all) == 3);
  }
}
