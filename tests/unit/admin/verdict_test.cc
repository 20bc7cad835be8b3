#include "node/admin/verdict.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/admin/samples.h"

namespace coterie::verdict_test {

using namespace coterie::admin;
using namespace coterie::admin_samples;

namespace {

Facts facts(std::size_t nodes = 3, const std::vector<std::string>& zones = {"a", "b", "c"}) {
  Facts out{.self = node_id(1), .epoch = epoch_of(nodes, zones), .shards_expected = 1};
  for (const auto& member : out.epoch->members()) {
    out.members.push_back({.node = member.id,
                           .zone = member.zone,
                           .sight = Sight::alive,
                           .epoch = out.epoch->number()});
  }
  out.shards.push_back({});
  return out;
}

MemberFacts& member(Facts& all, std::uint64_t number) {
  return *std::ranges::find(all.members, node_id(number), &MemberFacts::node);
}

std::vector<std::string> codes(const Verdict& verdict) {
  std::vector<std::string> out;
  for (const auto& problem : verdict.problems) out.push_back(problem.code);
  return out;
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("nothing is wrong: all is well, and what may fail is said") {
  const auto verdict = judge(facts());
  CHECK(verdict.level == Level::ok);
  CHECK(verdict.problems.empty());
  CHECK(verdict.text == "all is well: any 1 node may fail");
  // One node alone keeps nothing in reserve.
  Facts alone{.self = node_id(1), .epoch = epoch_of(1, {"a"}, 1, 1, 1)};
  alone.members.push_back(
      {.node = node_id(1), .zone = "a", .sight = Sight::alive, .epoch = alone.epoch->number()});
  CHECK(judge(alone).text == "all is well");
}

TEST_CASE("one of three is dead: degraded, and no further node may fail") {
  auto all = facts();
  member(all, 3).sight = Sight::dead;
  const auto verdict = judge(all);
  CHECK(verdict.level == Level::degraded);
  CHECK(codes(verdict) == Codes{"node_dead"});
  CHECK(verdict.text ==
        "node 33333333 (zone c) is dead; all 64 partitions keep their quorum, but no further "
        "node may fail; start coterie-node there again");
}

TEST_CASE("a node that left says so, not that its shards are silent") {
  auto all = facts();
  all.self = node_id(9);
  all.shards.clear();
  CHECK(codes(judge(all)) == Codes{"not_a_member"});
  CHECK(contains(judge(all).text, "node 99999999 is no member"));
  all.blockers = {"this node left the cluster"};
  CHECK(judge(all).text == "this node left the cluster");
}

TEST_CASE("who is being removed for dead is not to be started again") {
  auto all = facts();
  member(all, 3).sight = Sight::dead;
  member(all, 3).is_removed = true;
  const auto verdict = judge(all);
  CHECK(codes(verdict) == Codes{"node_removed"});
  CHECK(contains(verdict.text, "do not start it again"));
}

TEST_CASE("two of three are dead: critical, and both are named") {
  auto all = facts();
  member(all, 2).sight = Sight::dead;
  member(all, 3).sight = Sight::left;
  const auto verdict = judge(all);
  CHECK(verdict.level == Level::critical);
  CHECK(codes(verdict) == Codes{"node_dead", "node_stopped"});
  CHECK(contains(verdict.text, "64 partitions of 64 without quorum"));
  CHECK(contains(verdict.text, "(and 1 more problem)"));
  CHECK(verdict.availability.without_quorum == 64);
}

TEST_CASE("a suspect is not counted on, and is not called dead") {
  auto all = facts();
  member(all, 2).sight = Sight::suspect;
  const auto verdict = judge(all);
  CHECK(codes(verdict) == Codes{"node_suspect"});
  CHECK(verdict.level == Level::degraded);
  CHECK(verdict.availability.short_of_copies == 64);
  member(all, 2).sight = Sight::unheard;
  CHECK(codes(judge(all)) == Codes{"node_unheard"});
}

TEST_CASE("many nodes: how many more may fail is part of what a death means") {
  auto all = facts(9);
  member(all, 9).sight = Sight::dead;
  CHECK(judge(all).level == Level::degraded);
  all = facts(6, {"a", "b", "c"});
  all.epoch = epoch_of(6, {"a", "b", "c"}, 3, 3, 5);
  member(all, 6).sight = Sight::dead;
  CHECK(contains(judge(all).text, "1 more node may fail"));
}

TEST_CASE("zones: all of a zone dead is within what was promised") {
  auto all = facts(6);
  CHECK(judge(all).availability.zones_may_fail == 1);
  member(all, 1).sight = Sight::dead;
  member(all, 4).sight = Sight::dead;
  const auto verdict = judge(all);
  CHECK(verdict.level == Level::degraded);
  CHECK(verdict.availability.without_quorum == 0);
  CHECK(verdict.availability.zones_may_fail == 0);
}

TEST_CASE("epochs that differ are named with who is behind") {
  auto all = facts();
  member(all, 2).epoch = {.lineage = 1, .number = 7};
  auto verdict = judge(all);
  CHECK(codes(verdict) == Codes{"epoch_differs"});
  CHECK(contains(verdict.text, "node 22222222 (zone b) is at epoch 1.7, this node at 1.1"));
  CHECK(contains(verdict.text, "this node fetches"));
  member(all, 2).epoch = {};  // not heard yet: nothing to complain of
  CHECK(judge(all).level == Level::ok);
  // Of the dead, what they knew last says nothing.
  member(all, 2).epoch = {.lineage = 1, .number = 7};
  member(all, 2).sight = Sight::dead;
  CHECK(codes(judge(all)) == Codes{"node_dead"});
}

TEST_CASE("forming: the first blocker is the verdict, all are problems") {
  const Facts forming{.self = node_id(1), .blockers = {"this node waits to be joined", "b"}};
  const auto verdict = judge(forming);
  CHECK(verdict.level == Level::forming);
  CHECK(verdict.text == "this node waits to be joined");
  CHECK(codes(verdict) == Codes{"forming", "forming"});
  CHECK(judge(Facts{.self = node_id(1)}).level == Level::forming);
}

TEST_CASE("this node's own troubles: the worst stands first") {
  auto all = facts();
  all.shards[0].unsure_copies = 1;
  CHECK(codes(judge(all)) == Codes{"copies_unsure"});
  CHECK(contains(judge(all).text, "1 damaged partition copy counts to no quorum"));
  all.shards[0].copies_in_doubt = 2;
  CHECK(codes(judge(all)) == Codes{"copies_unsure", "copies_in_doubt"});
  all.shards[0].copies_in_doubt = 0;
  all.shards[0].is_behind = true;
  CHECK(codes(judge(all)) == Codes{"store_behind", "copies_unsure"});
  all.shards.push_back(
      {.shard = 1, .store = ShardFacts::Store::stopped, .reason = "fdatasync: I/O error"});
  const auto verdict = judge(all);
  CHECK(verdict.level == Level::critical);
  CHECK(codes(verdict) == Codes{"store_stopped", "store_behind", "copies_unsure"});
  CHECK(verdict.problems[0].node == node_id(1));
  CHECK(contains(verdict.text, "fdatasync: I/O error"));
  all.shards = {{.store = ShardFacts::Store::read_only, .reason = "the disk is full"}};
  CHECK(codes(judge(all)) == Codes{"store_read_only"});
  all.shards.clear();
  CHECK(codes(judge(all)) == Codes{"shards_silent"});
}

TEST_CASE("a status' facts: who was never heard of is not called dead") {
  auto status = status_of();
  see(status, 2, wire::Liveness::suspect);
  see(status, 3, wire::Liveness::left);
  auto view = std::make_shared<RingView>(*status.view);
  status.view = view;
  CHECK(sight_of(*view->peer(node_id(1))) == Sight::alive);
  CHECK(sight_of(*view->peer(node_id(2))) == Sight::suspect);
  CHECK(sight_of(*view->peer(node_id(3))) == Sight::left);
  CHECK(sight_of(PeerView{.node = node_id(9)}) == Sight::unheard);
  const auto facts = facts_of(status);
  CHECK(facts.members.size() == 3);
  CHECK(facts.shards.size() == 2);
  CHECK(facts.shards_expected == 2);
  status.view = nullptr;
  CHECK(facts_of(status).epoch == nullptr);
}

}  // namespace coterie::verdict_test
