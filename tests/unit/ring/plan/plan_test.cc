#include "ring/plan/plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/unit/ring/plan/samples.h"

using namespace coterie;
using namespace coterie::plan;
using namespace coterie::plan::samples;
using coterie::plan::samples::member;

namespace {

std::size_t load(const Epoch& epoch, NodeId id) {
  return epoch.partitions_of(id).size();
}

/// Copies that are at a new place.
std::size_t moves(const Epoch& base, const Plan& plan) {
  std::size_t out = 0;
  for (std::size_t place = 0; place < plan.owners.size(); ++place) {
    const PartitionId partition{static_cast<std::uint32_t>(place / base.replicas())};
    out += base.owns(plan.owners[place], partition) ? 0U : 1U;
  }
  return out;
}

/// What the plan promises of the epoch that it ends in.
void check_end(const Plan& plan) {
  const Epoch end = finished(plan);
  CHECK(end.contents().members == plan.members);
  CHECK(end.contents().owners == plan.owners);
  CHECK(end.contents().voters == choose_voters(plan.members));
  CHECK(end.changes().empty());
}

}  // namespace

TEST_CASE("a fourth node joins and is given its share, nothing else moves") {
  const Epoch base = cluster(members(3));
  const Plan plan = planned(base, {Join{member(4)}});
  CHECK(plan.next.number().number == 2);
  CHECK(plan.next.member(node(4)) != nullptr);
  CHECK(plan.leaving.empty());
  CHECK(moves(base, plan) == 48);  // 64 x 3 / 4
  check_end(plan);
  for (std::uint64_t number = 1; number <= 4; ++number) {
    CHECK(load(finished(plan), node(number)) == 48);
  }
}

TEST_CASE("a node that leaves is a member until its partitions are handed over") {
  const Epoch base = cluster(members(4));
  const Plan plan = planned(base, {Leave{node(2)}});
  CHECK(moves(base, plan) == load(base, node(2)));
  CHECK(plan.leaving == std::vector{node(2)});
  CHECK(plan.removed.empty());
  CHECK(plan.next.member(node(2)) != nullptr);
  CHECK(std::ranges::count(plan.next.voters(), node(2)) == 0);
  check_end(plan);
  CHECK(finished(plan).member(node(2)) == nullptr);

  EpochContents early = transition::following(plan.next);
  CHECK(settle_members(early, plan.leaving).error().code == ErrorCode::refused);
  CHECK(early.members.size() == 4);
  // An abort leaves it where it was.
  const Epoch aborted =
      stepped(stepped(plan.next, transition::Step::abort, {}), transition::Step::end_abort, {});
  CHECK(load(aborted, node(2)) == load(base, node(2)));
  CHECK(planned(aborted, {Leave{node(2)}}).leaving == std::vector{node(2)});
}

TEST_CASE("who replaces a node is given what that one owns, and nothing else changes") {
  const Epoch base = cluster(members(5));
  for (const bool is_dead : {false, true}) {
    const Plan plan =
        planned(base, {Replace{.node = node(2), .by = member(7), .is_dead = is_dead}});
    CHECK(plan.handovers.size() == load(base, node(2)));
    for (const Handover& handover : plan.handovers) {
      CHECK(base.owns(node(2), handover.partition));
      const auto before = base.owners(handover.partition);
      std::vector<NodeId> after(before.begin(), before.end());
      std::ranges::replace(after, node(2), node(7));
      CHECK(handover.new_owners == after);
    }
    CHECK(plan.removed == (is_dead ? std::vector{node(2)} : std::vector<NodeId>{}));
    CHECK(plan.next.changes().front().removed == plan.removed);
    check_end(plan);
  }
}

TEST_CASE("a dead node is listed until the change has ended") {
  const Epoch base = cluster(members(4));
  const Plan plan = planned(base, {Remove{node(1)}});
  CHECK(plan.next.changes().front().removed == std::vector{node(1)});
  CHECK(plan.leaving == std::vector{node(1)});
  check_end(plan);
}

TEST_CASE("newcomers that never answer do not keep the rest from deciding") {
  const auto may_fail = [](const Epoch& base, const std::vector<StagedChange>& staged) {
    const Plan plan = planned(base, staged);
    const auto known = std::ranges::count_if(plan.next.voters(), [&](NodeId voter) {
      return base.member(voter) != nullptr && std::ranges::count(plan.removed, voter) == 0;
    });
    return known - static_cast<std::ptrdiff_t>(plan.next.voters().size() / 2 + 1);
  };
  const Epoch base = cluster(members(3));
  CHECK(may_fail(base, {Join{member(4)}}) == 1);
  CHECK(may_fail(base, {Join{member(4)}, Join{member(5)}, Join{member(6)}}) == 1);
  CHECK(may_fail(base, {Replace{.node = node(1), .by = member(7)},
                        Replace{.node = node(2), .by = member(8)}}) == 1);
  const Replace dead{.node = node(1), .by = member(7), .is_dead = true};
  CHECK(may_fail(base, {dead}) == 0);
  CHECK(planned(base, {dead}).next.voters().size() == 3);
  CHECK(std::ranges::count(planned(base, {dead}).next.voters(), node(1)) == 0);
}

TEST_CASE("weights decide shares") {
  const Epoch base = cluster(members(6));
  const Plan plan = planned(base, {Weigh{.node = node(3), .weight = 2}});
  check_end(plan);
  CHECK(load(finished(plan), node(3)) >= 54);  // 64 x 3 x 2 / 7
  CHECK(moves(base, plan) <= 23);
}

TEST_CASE("a second zone takes one owner of each partition") {
  const Epoch base = cluster(members(4));
  const Plan plan =
      planned(base, {Rezone{.node = node(1), .zone = "y"}, Rezone{.node = node(2), .zone = "y"}});
  check_end(plan);
  const Epoch end = finished(plan);
  for (std::uint32_t partition = 0; partition < end.partitions(); ++partition) {
    std::set<std::string> zones;
    for (const NodeId owner : end.owners(PartitionId{partition})) {
      zones.insert(end.member(owner)->zone);
    }
    CHECK(zones.size() == 2);
  }
}

TEST_CASE("what moves nothing is one entry") {
  Epoch base = cluster(members(3));
  // Three nodes, three replicas: weights have no effect.
  const Plan weighed = planned(base, {Weigh{.node = node(1), .weight = 5}});
  CHECK(weighed.handovers.empty());
  CHECK(weighed.next.changes().empty());
  check_end(weighed);
  // A member that owns nothing goes at once.
  EpochContents contents = base.contents();
  contents.members.push_back(member(4));
  std::ranges::sort(contents.members, {}, &Member::id);
  base = *Epoch::make(contents);
  const Plan left = planned(base, {Leave{node(4)}});
  CHECK(left.handovers.empty());
  CHECK(left.leaving.empty());
  check_end(left);
  // And with nothing staged it is given its share.
  CHECK(moves(base, planned(base, {})) == 48);
}

TEST_CASE("a plan is refused with nothing to do, during a change, or if what is staged is old") {
  const Epoch base = cluster(members(4));
  CHECK(make_plan(base, {}, {}).error().message.find("nothing is staged") != std::string::npos);
  const std::vector<StagedChange> staged = {Leave{node(2)}};
  const Plan plan = planned(base, staged);
  CHECK(make_plan(plan.next, staged, {}).error().message.find("under way") != std::string::npos);
  CHECK(make_plan(finished(plan), staged, {}).error().code == ErrorCode::not_found);
  const std::vector<StagedChange> back = {Join{member(4)}};
  const std::vector former = {node(4)};
  CHECK(make_plan(cluster(members(3)), back, former).error().code == ErrorCode::refused);
}

TEST_CASE("the hash is that of this plan and no other") {
  const auto hash = [](const Epoch& base, const std::vector<StagedChange>& staged) {
    return planned(base, staged).hash;
  };
  const Epoch base = cluster(members(5));
  EpochContents later = base.contents();
  later.number.number += 1;
  const Join join{member(7)};
  const Leave leave{node(2)};
  Join elsewhere = join;
  elsewhere.member.address = "10.0.0.7:7001";
  CHECK(hash(base, {join, leave}) == hash(base, {leave, join}));
  const std::vector hashes = {
      hash(base, {join}),
      hash(base, {leave}),
      hash(base, {join, leave}),
      hash(base, {Remove{node(2)}}),
      hash(base, {Leave{node(3)}}),
      hash(base, {elsewhere}),
      hash(base, {Join{member(7, "y")}}),
      hash(base, {Join{member(7, "z", 2)}}),
      hash(base, {Replace{.node = node(2), .by = member(7)}}),
      hash(base, {Replace{.node = node(2), .by = member(7), .is_dead = true}}),
      hash(base, {Weigh{.node = node(2), .weight = 2}}),
      hash(base, {Weigh{.node = node(2), .weight = 3}}),
      hash(base, {Rezone{.node = node(2), .zone = "y"}}),
      hash(*Epoch::make(later), {join}),
  };
  CHECK(std::set(hashes.begin(), hashes.end()).size() == hashes.size());
}

namespace {

/// One that may be refused.
StagedChange drawn_change(const Epoch& base, Random& random) {
  const NodeId one = base.members()[random.below(base.members().size())].id;
  const auto zone = std::string(1, static_cast<char>('a' + random.below(4)));
  const auto weight = static_cast<std::uint32_t>(1 + random.below(4));
  const Member fresh = member(100 + random.below(1000), zone, weight);
  switch (random.below(6)) {
    case 0:
      return Join{fresh};
    case 1:
      return Replace{.node = one, .by = fresh, .is_dead = weight == 1};
    case 2:
      return Weigh{.node = one, .weight = weight};
    case 3:
      return Rezone{.node = one, .zone = zone};
    case 4:
      return Leave{one};
    default:
      return Remove{one};
  }
}

}  // namespace

TEST_CASE("whatever is staged, each entry of the plan is a legal one, to its end and back") {
  std::size_t plans = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const auto replicas = static_cast<std::uint32_t>(1 + random.below(5));
    std::vector<Member> first;
    const std::uint64_t count = replicas + random.below(8);
    for (std::uint64_t number = 1; number <= count; ++number) {
      const auto zone = std::string(1, static_cast<char>('a' + random.below(3)));
      first.push_back(member(number, zone, static_cast<std::uint32_t>(1 + random.below(3))));
    }
    Epoch now = cluster(std::move(first), 32, replicas, replicas, replicas);
    for (int round = 0; round < 4; ++round) {
      std::vector<StagedChange> staged;
      const std::uint64_t changes = random.below(4);
      for (std::uint64_t i = 0; i < changes; ++i) {
        (void)stage(now, {}, staged, drawn_change(now, random));
      }
      const auto plan = make_plan(now, staged, {});
      if (!plan) continue;  // nothing to do
      ++plans;
      check_end(*plan);
      if (!plan->handovers.empty() && random.chance(0.3)) {
        now = stepped(stepped(plan->next, transition::Step::abort, {}), transition::Step::end_abort,
                      {});
      } else {
        now = finished(*plan);
      }
    }
  }
  CHECK(plans > 120);
}
