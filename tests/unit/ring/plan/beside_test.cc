// Plans that are made while changes are under way.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "ring/plan/report.h"
#include "ring/plan/under_way.h"
#include "ring/shares.h"
#include "tests/unit/ring/plan/samples.h"

using namespace coterie;
using namespace coterie::plan;
using namespace coterie::plan::samples;
using coterie::plan::samples::member;
using transition::Step;

namespace {

/// The entry after `from`, which must be a legal one, and whoever leaves by it does.
Epoch further(const Epoch& from, std::uint64_t id, Step step) {
  EpochContents next = transition::following(from);
  const auto leaving = std::ranges::find(next.changes, id, &Change::id)->leaving;
  REQUIRE(transition::take_step(next, id, step));
  if (step == Step::finish) REQUIRE(settle_members(next, leaving));
  auto made = Epoch::make(std::move(next));
  REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
  const auto fine = check_succession(from, *made);
  REQUIRE_MESSAGE(fine.has_value(), (fine ? "" : fine.error().message));
  return *std::move(made);
}

Epoch done(const Epoch& from, std::uint64_t id) {
  return further(further(from, id, Step::cut_over), id, Step::finish);
}

Epoch undone(const Epoch& from, std::uint64_t id) {
  return further(further(from, id, Step::abort), id, Step::end_abort);
}

std::uint64_t id_of(const Plan& plan) {
  return plan.next.number().number;
}

std::map<NodeId, std::uint32_t> loads_of(std::span<const NodeId> owners) {
  std::map<NodeId, std::uint32_t> out;
  for (const NodeId owner : owners) ++out[owner];
  return out;
}

void check_shares(const Epoch& base, const Plan& plan) {
  const auto fixed = fixed_partitions(base);
  std::vector<PlacementNode> nodes;
  std::vector<std::uint32_t> fixed_loads;
  for (const Member& one : plan.members) {
    nodes.push_back({one.id, one.zone, one.weight});
    fixed_loads.push_back(0);
    for (const std::uint32_t partition : fixed) {
      const auto owners =
          std::span(plan.owners).subspan(std::size_t{partition} * base.replicas(), base.replicas());
      fixed_loads.back() += std::ranges::count(owners, one.id) != 0 ? 1U : 0U;
    }
  }
  const Shares shares = shares_beside(nodes, base.partitions(), base.replicas(), fixed_loads);
  auto loads = loads_of(plan.owners);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    CHECK(loads[nodes[i].id] >= shares.loads[i].least);
    CHECK(loads[nodes[i].id] <= shares.loads[i].most);
  }
  for (const NodeId node : plan.leaving) CHECK(loads[node] == 0);
}

/// What a plan for a ring that rests promises, as far as it may move anything, and that it leaves
/// alone what others move.
void check_beside(const Epoch& base, const Plan& plan) {
  for (const Handover& handover : plan.handovers) CHECK(base.change(handover.partition) == nullptr);
  check_shares(base, plan);
  const auto before = owners_when_ended(base);
  for (const std::uint32_t partition : fixed_partitions(base)) {
    for (std::uint32_t i = 0; i < base.replicas(); ++i) {
      const std::size_t place = std::size_t{partition} * base.replicas() + i;
      CHECK(plan.owners[place] == before[place]);
    }
  }
  const auto report = report_of(base, plan, {});
  CHECK(report.zones_violated_after <= plan.left_for_later);
  for (const StepQuorums& step : report.steps) CHECK(step.not_met == 0);
}

std::string why_not(const Epoch& base, const std::vector<StagedChange>& staged) {
  const auto plan = make_plan(base, staged, {});
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code == ErrorCode::refused);
  return plan.error().message;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Two nodes that own no partition together.
std::pair<NodeId, NodeId> strangers(const Epoch& epoch) {
  for (const Member& one : epoch.members()) {
    for (const Member& other : epoch.members()) {
      const auto owned = epoch.partitions_of(one.id);
      if (std::ranges::none_of(owned, [&](PartitionId p) { return epoch.owns(other.id, p); }))
        return {one.id, other.id};
    }
  }
  return {};
}

}  // namespace

TEST_CASE("a second join goes on beside the first, and each node ends with its share") {
  const Epoch base = cluster(members(12), 256);
  const Plan first = planned(base, {Join{member(21)}});
  const Plan second = planned(first.next, {Join{member(22)}});
  check_beside(first.next, second);
  CHECK(second.next.changes().size() == 2);
  CHECK(second.leaving.empty());
  CHECK(second.handovers.size() > 50);  // 256 x 3 / 14
  CHECK(second.left_for_later < 5);     // the first newcomer cannot give any away yet
  // Whichever ends first.
  for (const bool is_first : {true, false}) {
    Epoch end = done(second.next, is_first ? id_of(first) : id_of(second));
    CHECK(end.changes().size() == 1);
    end = done(end, is_first ? id_of(second) : id_of(first));
    CHECK(end.contents().owners == second.owners);
    CHECK(end.contents().members == second.members);
    CHECK(end.contents().voters == choose_voters(second.members));
    // What is left then is little.
    const Plan rest = planned(end, {});
    CHECK(rest.handovers.size() < 10);
    CHECK(rest.left_for_later == 0);
  }
  // An abort of one leaves the other alone.
  const Epoch left = undone(second.next, id_of(first));
  CHECK(left.changes().size() == 1);
  CHECK(left.partitions_of(node(21)).empty());
  CHECK(left.partitions_held_by(node(22)) == second.next.partitions_held_by(node(22)));
  // What it would have moved counts as where it is, while the abort goes on and after it.
  const Epoch aborting = further(second.next, id_of(first), Step::abort);
  CHECK(owners_when_ended(aborting) != second.owners);
  check_beside(aborting, planned(aborting, {}));
}

TEST_CASE("who owns what another change moves waits for that, by name") {
  const Epoch base = cluster(members(6));
  const Plan first = planned(base, {Join{member(7)}});
  for (const StagedChange& change :
       {StagedChange(Leave{node(2)}), StagedChange(Remove{node(2)}),
        StagedChange(Replace{.node = node(2), .by = member(8)}), StagedChange(Leave{node(7)})}) {
    const auto why = why_not(first.next, {change});
    CHECK(has(why, words(change) + ": waits for change 2, which moves "));
  }
  // With it ended the same is planned, finished or aborted.
  CHECK(make_plan(done(first.next, 2), std::vector<StagedChange>{Leave{node(2)}}, {}));
  CHECK(make_plan(undone(first.next, 2), std::vector<StagedChange>{Leave{node(2)}}, {}));
}

TEST_CASE("what could be done by less than half waits") {
  // Of three nodes' partitions a fourth takes three quarters.
  const Plan first = planned(cluster(members(3)), {Join{member(4)}});
  CHECK(has(why_not(first.next, {Join{member(5)}}),
            "waits for change 2, in whose partitions are 23 of the 38 copies that should move"));
  // A second zone is one owner of each partition.
  const std::vector<StagedChange> zones = {Rezone{.node = node(2), .zone = "y"},
                                           Rezone{.node = node(3), .zone = "y"}};
  const Plan heavier = planned(cluster(members(6)), {Weigh{.node = node(1), .weight = 2}});
  const Plan spread = planned(heavier.next, zones);
  check_beside(heavier.next, spread);
  CHECK(spread.left_for_later > 0);
  const Plan joined = planned(cluster(members(4)), {Join{member(5)}});
  CHECK(has(why_not(joined.next, zones), "waits for change 2"));
  CHECK(has(why_not(joined.next, {}), "nothing is staged"));
}

TEST_CASE("two nodes that share no partition are replaced at once, and both leave") {
  const Epoch base = cluster(members(40));
  const auto [one, other] = strangers(base);
  REQUIRE(!one.is_zero());
  const Plan first = planned(base, {Replace{.node = one, .by = member(51)}});
  const Plan second =
      planned(first.next, {Replace{.node = other, .by = member(52), .is_dead = true}});
  check_beside(first.next, second);
  CHECK(second.leaving == std::vector{other});
  CHECK(second.removed == std::vector{other});
  CHECK(second.next.is_leaving(one));
  CHECK(second.next.is_leaving(other));
  CHECK(std::ranges::count(second.next.voters(), other) == 0);
  CHECK(has(make_plan(second.next, std::vector<StagedChange>{Leave{one}}, {}).error().message,
            "leaves by a change that is under way"));
  // The one who has left votes no more, and neither does the one who is to go, if there are others.
  const Epoch half = done(second.next, id_of(first));
  CHECK(half.member(one) == nullptr);
  CHECK(half.member(other) != nullptr);
  CHECK(std::ranges::count(half.voters(), other) == 0);
  const Epoch end = done(half, id_of(second));
  CHECK(end.contents().members == second.members);
  CHECK(end.contents().owners == second.owners);
  // Aborted, one stays and the other goes.
  const Epoch stayed = done(undone(second.next, id_of(first)), id_of(second));
  CHECK(stayed.member(one) != nullptr);
  CHECK(stayed.member(other) == nullptr);
}

TEST_CASE("nobody leaves twice, and together not more leave than can") {
  const Epoch base = cluster(members(40));
  const auto [one, other] = strangers(base);
  const Plan first = planned(base, {Leave{one}});
  const Plan second = planned(first.next, {Replace{.node = other, .by = member(51)}});
  EpochContents contents = second.next.contents();
  contents.changes.back().leaving = {one};
  CHECK_FALSE(Epoch::make(contents));
  const Epoch small = cluster(members(4), 16, 1, 1, 1);
  const Plan leaves = planned(small, {Leave{node(1)}, Leave{node(2)}, Leave{node(3)}});
  CHECK(has(why_not(leaves.next, {Leave{node(4)}}), "members would be left"));
}

TEST_CASE("quorums are counted at every stage that another change may be at") {
  const Epoch base = cluster(members(12), 256);
  const Plan first = planned(base, {Join{member(21)}});
  const Plan second = planned(first.next, {Join{member(22)}});
  const auto alone = report_of(base, first, {});
  // The first newcomer does not answer: what it shall own can fail once less.
  const auto beside = report_of(first.next, second, {.unreachable = {node(21)}});
  for (const StepQuorums& step : alone.steps) CHECK(step.may_fail == 1);
  for (const StepQuorums& step : beside.steps) CHECK(step.may_fail == 0);
  CHECK(beside.has_quorums());
  // An owner of what the other change moves, gone as well: at some stage nothing can be written.
  const PartitionId moved = first.handovers.front().partition;
  NodeId owner;
  for (const NodeId one : first.handovers.front().new_owners) {
    if (base.owns(one, moved)) owner = one;
  }
  const auto thin = report_of(first.next, second, {.unreachable = {node(21), owner}});
  CHECK_FALSE(thin.has_quorums());
  CHECK_FALSE(thin.problems.empty());
}

TEST_CASE("what is still to come by another change needs its disk, too") {
  const Epoch base = cluster(members(12), 256);
  const Plan first = planned(base, {Weigh{.node = node(3), .weight = 2}});
  const Plan second = planned(first.next, {Weigh{.node = node(3), .weight = 3}});
  PlanFacts facts{.partition_bytes = std::vector<std::uint64_t>(256, 10)};
  const auto needed = [&](const Epoch& from, const Plan& plan) {
    const auto report = report_of(from, plan, facts);
    return std::ranges::find(report.nodes, node(3), &NodeReport::node)->bytes_needed;
  };
  const auto gained = [&](const Epoch& from, const Plan& plan) {
    const auto report = report_of(from, plan, facts);
    return std::ranges::find(report.nodes, node(3), &NodeReport::node)->gained;
  };
  CHECK(needed(base, first) == 10 * gained(base, first));
  CHECK(needed(first.next, second) == needed(base, first) + 10 * gained(first.next, second));
  const Epoch cut_over = further(first.next, 2, Step::cut_over);
  const Plan later = planned(cut_over, {Weigh{.node = node(3), .weight = 3}});
  CHECK(needed(cut_over, later) == 10 * gained(cut_over, later));
}

namespace {

/// A ring to which things happen.
class Drawn {
 public:
  explicit Drawn(std::uint64_t seed) : random_(seed), now_(first()) {}

  void live() {
    for (int turn = 0; turn < 40; ++turn) {
      const bool is_planned = now_.changes().empty() || random_.chance(0.4);
      if (is_planned) {
        plan();
      } else {
        step();
      }
    }
    // Whatever is under way can end.
    while (!now_.changes().empty()) step();
  }

  std::size_t plans = 0;
  std::size_t beside = 0;      // with another change under way
  std::size_t both_leave = 0;  // by two changes
  std::size_t waited = 0;

 private:
  Epoch first() {
    const auto replicas = static_cast<std::uint32_t>(1 + random_.below(3));
    std::vector<Member> all;
    const std::uint64_t count = replicas + 2 + random_.below(12);
    for (std::uint64_t number = 1; number <= count; ++number) all.push_back(fresh());
    return cluster(std::move(all), 32U << random_.below(3), replicas, replicas, replicas);
  }

  Member fresh() {
    const auto zone = std::string(1, static_cast<char>('a' + random_.below(2)));
    return member(++last_, zone, static_cast<std::uint32_t>(1 + random_.below(2)));
  }

  StagedChange drawn_change() {
    const NodeId one = now_.members()[random_.below(now_.members().size())].id;
    switch (random_.below(5)) {
      case 0:
        return Join{fresh()};
      case 1:
        return Replace{.node = one, .by = fresh(), .is_dead = random_.chance(0.5)};
      case 2:
        return Weigh{.node = one, .weight = static_cast<std::uint32_t>(1 + random_.below(3))};
      case 3:
        return Leave{one};
      default:
        return Remove{one};
    }
  }

  void plan() {
    std::vector<StagedChange> staged;
    const std::uint64_t count = 1 + random_.below(2);
    for (std::uint64_t i = 0; i < count; ++i) (void)stage(now_, {}, staged, drawn_change());
    const auto made = make_plan(now_, staged, {});
    if (!made) {
      waited += has(made.error().message, "waits for change") ? 1U : 0U;
      return;
    }
    ++plans;
    if (!now_.changes().empty() && !made->handovers.empty()) ++beside;
    check_beside(now_, *made);
    now_ = made->next;
    const auto leavers = std::ranges::count_if(
        now_.changes(), [](const Change& change) { return !change.leaving.empty(); });
    if (leavers > 1) ++both_leave;
  }

  void step() {
    const Change& change = now_.changes()[random_.below(now_.changes().size())];
    const auto id = change.id;
    switch (change.stage) {
      case Stage::open:
        now_ = further(now_, id, random_.chance(0.25) ? Step::abort : Step::cut_over);
        return;
      case Stage::cut_over:
        now_ = further(now_, id, Step::finish);
        return;
      case Stage::aborting:
      case Stage::stable:
        now_ = further(now_, id, Step::end_abort);
    }
  }

  Random random_;
  std::uint64_t last_ = 0;
  Epoch now_;
};

}  // namespace

TEST_CASE("whatever is planned beside what, all entries are legal, and all changes can end") {
  std::size_t plans = 0;
  std::size_t beside = 0;
  std::size_t both_leave = 0;
  std::size_t waited = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Drawn drawn(seed);
    drawn.live();
    plans += drawn.plans;
    beside += drawn.beside;
    both_leave += drawn.both_leave;
    waited += drawn.waited;
  }
  CAPTURE(plans);
  CAPTURE(beside);
  CAPTURE(both_leave);
  CAPTURE(waited);
  CHECK(plans > 300);
  CHECK(beside > 60);
  CHECK(both_leave > 5);
  CHECK(waited > 60);
}
