// New members, those that leave and those that are taken out, over a network.

#include <doctest/doctest.h>

#include "tests/unit/node/control/ring_world.h"

using namespace coterie;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::uint64_t epoch_of(const RingWorld::Node& node) {
  const auto& view = node.control().view();
  return view == nullptr ? 0 : view->epoch->number().number;
}

}  // namespace

TEST_CASE("a node that waits is asked, joined, told and given its share") {
  RingWorld ring;
  auto& fresh = ring.add(4);
  fresh.start();
  ring.run_for(std::chrono::seconds(1));
  CHECK(has(fresh.blocker(), "run `cluster-admin join " + ring.door_of(fresh).text()));
  const auto staged = ring.stage(ring.at(2), topology::JoinAt{.gossip = ring.door_of(fresh)});
  REQUIRE(staged);
  REQUIRE(staged->plan);
  CHECK(staged->report.problems.empty());
  CHECK(epoch_of(fresh) == 0);
  const auto done = ring.order(ring.at(2), topology::Commit{.hash = staged->plan->hash});
  REQUIRE(done);
  CHECK(done->staged.empty());
  CHECK(done->dropped.empty());
  ring.run_for(std::chrono::seconds(1));
  CHECK(epoch_of(fresh) == 2);
  CHECK(fresh.blocker().empty());
  ring.settle(ring.at(1));
  for (const auto& node : ring.nodes) CHECK(epoch_of(*node) == 4);
  const auto& epoch = *fresh.control().view()->epoch;
  CHECK(epoch.partitions_of(fresh.identity.node).size() == 12);
  CHECK(has(ring.stage(ring.at(1), topology::JoinAt{.gossip = ring.door_of(fresh)}).error().message,
            "is a member of this cluster already"));
  // It knows the others by the epoch alone when it starts again.
  fresh.crash();
  fresh.start();
  ring.run_for(std::chrono::seconds(1));
  CHECK(fresh.control().gossip().members().size() == 4);
}

TEST_CASE("of two operators who commit at once one is refused, and there is one epoch") {
  RingWorld ring(4);
  std::vector<std::uint64_t> hashes;
  for (const std::size_t i : {1U, 2U}) {
    const auto staged = ring.stage(
        ring.at(i), plan::StagedChange(plan::Weigh{.node = node_id(i),
                                                   .weight = static_cast<std::uint32_t>(i + 4)}));
    REQUIRE(staged->plan);
    hashes.push_back(staged->plan->hash);
  }
  std::vector<Result<topology::Answer>> said;
  for (const std::size_t i : {1U, 2U}) {
    ring.at(i).control().order(topology::Commit{.hash = hashes[i - 1]},
                               [&said](auto answer) { said.push_back(std::move(answer)); });
  }
  ring.run_for(std::chrono::seconds(15));
  REQUIRE(said.size() == 2);
  CHECK(said[0].has_value() != said[1].has_value());
  const auto& refused = said[0] ? said[1] : said[0];
  CHECK(refused.error().code == ErrorCode::refused);
  for (const auto& node : ring.nodes) CHECK(epoch_of(*node) == 2);
}

TEST_CASE("who leaves is a member until it has handed over, and then says that it is none") {
  RingWorld ring(4);
  const auto leaver = node_id(2);
  const auto open = ring.commit(ring.at(1), plan::StagedChange(plan::Leave{.node = leaver}));
  CHECK(open->is_leaving(leaver));
  ring.settle(ring.at(1));
  CHECK(ring.at(1).control().view()->epoch->member(leaver) == nullptr);
  CHECK(epoch_of(ring.at(2)) == epoch_of(ring.at(1)));
  CHECK(has(ring.at(2).blocker(), "its data may be deleted"));
  const auto answer = ring.order(ring.at(2), topology::Look{});
  CHECK(answer.error().code == ErrorCode::unavailable);
  const auto back = ring.stage(ring.at(1), topology::JoinAt{.gossip = ring.door_of(ring.at(2))});
  CHECK(has(back.error().message, "was a member of this cluster and was taken out"));
}

TEST_CASE("a node is removed for dead only while it does not answer, and learns of it when back") {
  RingWorld ring(4);
  const plan::StagedChange remove = plan::Remove{.node = node_id(3)};
  CHECK(has(ring.stage(ring.at(1), remove).error().message, "it is not dead"));
  ring.at(3).crash();
  const auto staged = ring.stage(ring.at(1), remove);
  REQUIRE(staged);
  ring.at(3).start();
  ring.run_for(std::chrono::seconds(2));
  const auto late =
      ring.order(ring.at(1), topology::Commit{.hash = staged->plan->hash, .is_forced = true});
  CHECK(has(late.error().message, "it is not dead"));
  ring.at(3).crash();
  ring.run_for(std::chrono::seconds(5));
  REQUIRE(ring.order(ring.at(1), topology::Commit{.hash = staged->plan->hash}));
  ring.settle(ring.at(1));
  CHECK(ring.at(1).control().view()->epoch->member(node_id(3)) == nullptr);
  ring.at(3).start();
  ring.run_for(std::chrono::seconds(3));
  CHECK(epoch_of(ring.at(3)) == epoch_of(ring.at(1)));
  CHECK(has(ring.at(3).blocker(), "left the cluster or was removed"));
}

TEST_CASE("a change under way goes on without a node that is removed for dead") {
  RingWorld ring(5);
  ring.commit(ring.at(1), plan::StagedChange(plan::Leave{.node = node_id(5)}));
  const auto remove = [&ring] {
    return ring.stage(ring.at(1), plan::StagedChange(plan::Remove{.node = node_id(2)}));
  };
  CHECK(has(remove().error().message, "answers, so it is not dead"));
  REQUIRE(ring.at(1).control().view()->epoch->changes().size() == 1);
  CHECK(ring.at(1).control().view()->epoch->changes()[0].removed.empty());
  ring.at(2).crash();
  ring.run_for(std::chrono::seconds(1));
  const auto removed = remove();
  REQUIRE_MESSAGE(removed, (removed ? "" : removed.error().message));
  CHECK(removed->epoch->changes()[0].removed == std::vector{node_id(2)});
  CHECK(removed->staged.size() == 1);
  CHECK(has(removed->why_no_plan, "waits for change 2, which moves"));
  const auto early = ring.order(ring.at(1), topology::Commit{.hash = 1});
  CHECK(has(early.error().message, "waits for change 2"));
}

TEST_CASE("two operators' changes run side by side, each to its own end") {
  RingWorld ring(6);
  const auto first =
      ring.commit(ring.at(1), plan::StagedChange(plan::Weigh{.node = node_id(2), .weight = 2}));
  const auto id = first->changes().front().id;
  ring.run_for(std::chrono::seconds(1));
  auto& newcomer = ring.add(7);
  newcomer.start();
  ring.run_for(std::chrono::seconds(1));
  const auto staged = ring.stage(ring.at(3), topology::JoinAt{.gossip = ring.door_of(newcomer)});
  REQUIRE_MESSAGE(staged, (staged ? "" : staged.error().message));
  REQUIRE_MESSAGE(staged->plan, staged->why_no_plan);
  const auto both = ring.order(ring.at(3), topology::Commit{.hash = staged->plan->hash});
  REQUIRE_MESSAGE(both, (both ? "" : both.error().message));
  REQUIRE(both->begun);
  REQUIRE(both->changes.size() == 2);
  CHECK(both->changes.front().change == id);
  CHECK(both->changes.back().change == *both->begun);
  // A pause and an abort are of one.
  ring.run_for(std::chrono::seconds(1));
  REQUIRE(ring.order(ring.at(5), topology::Pause{.change = id}));
  ring.do_evidence();
  ring.run_for(std::chrono::seconds(3));
  const auto& now = ring.at(1).control();
  REQUIRE(now.changes().size() == 2);
  CHECK(now.changes().front().stage == Stage::open);
  CHECK(now.changes().back().stage == Stage::cut_over);
  const auto aborting = ring.order(ring.at(4), topology::Abort{.change = id});
  REQUIRE_MESSAGE(aborting, (aborting ? "" : aborting.error().message));
  CHECK(has(ring.order(ring.at(4), topology::Abort{.change = *both->begun}).error().message,
            "is cut over"));
  ring.settle(ring.at(1));
  const auto& end = *now.view()->epoch;
  CHECK(!end.partitions_of(newcomer.identity.node).empty());
  const auto owned = first->partitions_of(node_id(2)).size();
  CHECK(end.partitions_of(node_id(2)).size() <= owned);
  CHECK(end.member(node_id(2))->weight == 2);
}

TEST_CASE("a wiped node at its old address is told to replace what it was, and does") {
  RingWorld ring(4);
  ring.at(4).crash();
  const auto gone = ring.at(4).identity.node;
  auto& wiped = ring.add_at(ring.at(4).index, 9);
  wiped.config.cluster.initial_members = {ring.door_of(ring.at(1)), ring.door_of(wiped)};
  wiped.start();
  ring.run_for(std::chrono::seconds(3));
  CHECK(has(wiped.blocker(), "cluster-admin replace " + to_hex(gone)));
  CHECK(epoch_of(wiped) == 0);
  const auto join = ring.stage(ring.at(1), topology::JoinAt{.gossip = ring.door_of(wiped)});
  CHECK(has(join.error().message, "replace " + to_hex(gone)));
  const auto open = ring.commit(
      ring.at(1), topology::ReplaceBy{.node = gone, .by = ring.door_of(wiped), .is_dead = false});
  CHECK(open->changes().front().removed == std::vector{gone});
  ring.settle(ring.at(1));
  CHECK(epoch_of(wiped) == epoch_of(ring.at(1)));
  CHECK(wiped.control().view()->epoch->member(gone) == nullptr);
  CHECK(!wiped.control().view()->epoch->partitions_of(wiped.identity.node).empty());
}

TEST_CASE("an abort lets everybody stay; after the cut-over it is refused, and says why") {
  RingWorld ring(4);
  const plan::StagedChange leave = plan::Leave{.node = node_id(2)};
  auto open = ring.commit(ring.at(1), leave);
  const auto id = open->changes().front().id;
  ring.run_for(std::chrono::seconds(1));
  const auto paused = ring.order(ring.at(3), topology::Pause{.change = id});
  REQUIRE(paused);
  CHECK(paused->epoch->changes().front().is_paused);
  CHECK(has(ring.order(ring.at(3), topology::Pause{.change = id}).error().message, "already"));
  REQUIRE(ring.order(ring.at(1), topology::Abort{.change = id}));
  ring.settle(ring.at(1));
  CHECK(ring.at(1).control().view()->epoch->member(node_id(2)) != nullptr);
  CHECK(ring.order(ring.at(1), topology::Abort{.change = id}).error().code == ErrorCode::not_found);
  open = ring.commit(ring.at(1), leave);
  const auto second = open->changes().front().id;
  ring.run_for(std::chrono::seconds(1));
  ring.do_evidence();
  ring.run_for(std::chrono::seconds(3));
  REQUIRE(ring.at(1).control().changes().front().stage == Stage::cut_over);
  CHECK(has(ring.order(ring.at(1), topology::Abort{.change = second}).error().message,
            "is cut over"));
}

TEST_CASE("buckets come and are raised, whatever else is decided at the time") {
  RingWorld ring(4);
  REQUIRE(ring.commit(ring.at(1), plan::StagedChange(plan::Leave{.node = node_id(2)})));
  ring.run_for(std::chrono::seconds(1));
  ring.do_evidence();
  Bucket bucket{.name = "fresh"};
  bucket.r = bucket.w = 2;
  const auto created = ring.order(ring.at(3), topology::CreateBucket{.bucket = bucket});
  REQUIRE_MESSAGE(created, (created ? "" : created.error().message));
  CHECK(created->epoch->bucket("fresh")->id == BucketId{2});
  CHECK(ring.order(ring.at(3), topology::CreateBucket{.bucket = bucket}).error().code ==
        ErrorCode::refused);
  ring.settle(ring.at(3));
  const auto set =
      ring.order(ring.at(1), topology::SetBucket{.name = "fresh", .settings = {.w = 3}});
  REQUIRE(set);
  CHECK(set->epoch->bucket("fresh")->w == 3);
  CHECK(ring.order(ring.at(1), topology::SetBucket{.name = "none", .settings = {.w = 3}})
            .error()
            .code == ErrorCode::unknown_bucket);
}

TEST_CASE("after a fence W goes below what met a lower R") {
  RingWorld ring(4);
  const auto set = [&ring](BucketSettings to) {
    return ring.order(ring.at(1), topology::SetBucket{.name = "default", .settings = to});
  };
  REQUIRE(set({.r = 3}));
  CHECK(has(set({.w = 1}).error().message, "bucket fence"));
  ring.run_for(std::chrono::seconds(1));
  const auto fenced = ring.order(ring.at(2), topology::FenceBuckets{});
  REQUIRE_MESSAGE(fenced, (fenced ? "" : fenced.error().message));
  CHECK(fenced->changes.front().partitions == 16);
  ring.run_for(std::chrono::seconds(1));
  ring.settle(ring.at(1));
  const auto lowered = set({.w = 1});
  REQUIRE_MESSAGE(lowered, (lowered ? "" : lowered.error().message));
  CHECK(ring.at(1).control().view()->epoch->bucket("default")->w == 1);
}

TEST_CASE("with most voters gone for good an operator goes on without them") {
  RingWorld ring(4);
  const std::vector<NodeId> lost = {node_id(1), node_id(2)};
  const auto epoch = ring.at(4).control().view()->epoch;
  REQUIRE(std::ranges::count(epoch->voters(), lost[0]) +
              std::ranges::count(epoch->voters(), lost[1]) ==
          2);
  const auto force = [&](bool is_confirmed) {
    return ring.order(ring.at(4),
                      topology::ForceLineage{.lost = lost, .is_confirmed = is_confirmed});
  };
  CHECK(has(force(false).error().message, "nothing was done"));
  CHECK(has(force(true).error().message, "answers, so it is not lost"));
  ring.at(1).crash();
  ring.at(2).crash();
  ring.run_for(std::chrono::seconds(5));
  const auto frozen =
      ring.order(ring.at(4), topology::CreateBucket{.bucket = {.name = "b", .r = 2, .w = 2}});
  CHECK(has(frozen.error().message, "voters do not answer"));
  REQUIRE(force(true));
  ring.run_for(std::chrono::seconds(3));
  CHECK(ring.at(3).control().view()->epoch->number().lineage == 2);
  const auto after =
      ring.order(ring.at(3), topology::CreateBucket{.bucket = {.name = "b", .r = 2, .w = 2}});
  REQUIRE_MESSAGE(after, (after ? "" : after.error().message));
  CHECK(after->epoch->number().lineage == 2);
}

TEST_CASE("a lineage is not forced from an epoch that others have gone past") {
  RingWorld ring(5);
  ring.at(4).crash();
  REQUIRE(ring.order(ring.at(5), topology::CreateBucket{.bucket = {.name = "b", .r = 2, .w = 2}}));
  ring.run_for(std::chrono::seconds(1));
  std::vector<NodeId> lost;
  for (std::size_t i = 1; i <= 3; ++i) {
    ring.at(i).crash();
    lost.push_back(node_id(i));
  }
  ring.at(4).start();
  const auto forced =
      ring.order(ring.at(4), topology::ForceLineage{.lost = lost, .is_confirmed = true});
  REQUIRE_FALSE(forced);
  CHECK(has(forced.error().message, "knows a later epoch than the asked node"));
  CHECK(epoch_of(ring.at(5)) == 2);
}

TEST_CASE("a voter that answers is not named among those who do not") {
  RingWorld ring(5);
  for (std::size_t i = 1; i <= 3; ++i) ring.at(i).crash();
  // The others have failed each round before its answer comes.
  auto& link = ring.world.link(ring.at(5).index, ring.at(4).index);
  link.delay_least = link.delay_most = std::chrono::milliseconds(50);
  ring.run_for(std::chrono::seconds(5));
  const auto frozen =
      ring.order(ring.at(4), topology::CreateBucket{.bucket = {.name = "b", .r = 2, .w = 2}});
  REQUIRE_FALSE(frozen);
  CHECK(has(frozen.error().message, "3 of the 5 voters do not answer"));
}

TEST_CASE("a stranger, and a node that is not there, are refused with what to look at") {
  RingWorld ring;
  const Address nowhere{.host = "10.9.9.9", .port = 7402};
  const auto silent = ring.stage(ring.at(1), topology::JoinAt{.gossip = nowhere});
  CHECK(silent.error().code == ErrorCode::unavailable);
  CHECK(has(silent.error().message, "reachable from here"));
  auto& other = ring.add(8);
  other.config.cluster.name = "other";
  other.start();
  const auto named = ring.stage(ring.at(1), topology::JoinAt{.gossip = ring.door_of(other)});
  CHECK(has(named.error().message, "cluster.name"));
}
