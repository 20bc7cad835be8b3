#include "ring/plan/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/ring/plan/samples.h"

using namespace coterie;
using namespace coterie::plan;
using namespace coterie::plan::samples;
using coterie::plan::samples::member;

namespace {

const NodeReport& of(const PlanReport& report, NodeId id) {
  return *std::ranges::find(report.nodes, id, &NodeReport::node);
}

const StepQuorums& at(const PlanReport& report, QuorumStep step) {
  return *std::ranges::find(report.steps, step, &StepQuorums::step);
}

bool is_named(const PlanReport& report, const std::string& part) {
  return std::ranges::any_of(report.problems, [&](const std::string& problem) {
    return problem.find(part) != std::string::npos;
  });
}

PlanFacts facts_of(const Epoch& base) {
  PlanFacts facts{.partition_bytes = std::vector<std::uint64_t>(base.partitions(), 1000),
                  .free_bytes = {},
                  .bytes_a_second = 100,
                  .unreachable = {}};
  for (std::uint64_t number = 1; number <= 9; ++number) facts.free_bytes[node(number)] = 48000;
  return facts;
}

}  // namespace

TEST_CASE("the report of a join: pairs, shares, bytes, time, quorums") {
  const Epoch base = cluster(members(3));
  const Plan plan = planned(base, {Join{member(4)}});
  const PlanReport report = report_of(base, plan, facts_of(base));
  REQUIRE(report.pairs.size() == 3);
  std::uint32_t partitions = 0;
  for (const PairReport& pair : report.pairs) {
    CHECK(pair.new_owner == node(4));
    CHECK(pair.partitions == 16);
    CHECK(pair.bytes == 16000);
    partitions += pair.partitions;
  }
  CHECK(partitions + report.reordered >= report.changing);
  CHECK(report.bytes == 48000);
  CHECK(report.seconds == doctest::Approx(480));
  CHECK(report.nodes.size() == 4);
  CHECK(of(report, node(1)).lost == 16);
  CHECK(of(report, node(1)).share_before == doctest::Approx(1.0 / 3));
  CHECK(of(report, node(1)).fair_after == doctest::Approx(0.25));
  CHECK(of(report, node(4)).gained == 48);
  CHECK(of(report, node(4)).partitions_after == 48);
  CHECK(of(report, node(4)).bytes_needed == 48000);
  CHECK(of(report, node(4)).has_room());
  CHECK(report.skew_before == doctest::Approx(1));
  CHECK(report.skew_after == doctest::Approx(1));
  CHECK(report.zones_violated_after == 0);
  CHECK(report.steps.size() == 5);
  CHECK(report.has_quorums());
  for (const StepQuorums& step : report.steps) CHECK(step.may_fail == 1);
  CHECK(report.problems.empty());
}

TEST_CASE("too little disk is a problem, by name") {
  const Epoch base = cluster(members(3));
  PlanFacts facts = facts_of(base);
  facts.free_bytes[node(4)] = 47999;
  const PlanReport report = report_of(base, planned(base, {Join{member(4)}}), facts);
  CHECK_FALSE(of(report, node(4)).has_room());
  CHECK(is_named(report, to_hex(node(4)) + " needs 48000 bytes of disk and has 47999"));
}

TEST_CASE("what is not known is left out") {
  const Epoch base = cluster(members(3));
  const PlanReport report = report_of(base, planned(base, {Join{member(4)}}), {});
  CHECK(report.bytes == 0);
  CHECK_FALSE(report.seconds.has_value());
  CHECK_FALSE(of(report, node(4)).bytes_free.has_value());
  CHECK(report.problems.empty());
}

TEST_CASE("for a dead node's copies others are the sources, as many as stand for it") {
  const Epoch base = cluster(members(5));
  const Plan plan = planned(base, {Remove{node(2)}});
  const PlanReport report = report_of(base, plan, facts_of(base));
  std::uint32_t streams = 0;
  for (const PairReport& pair : report.pairs) {
    CHECK(pair.source != node(2));
    streams += pair.partitions;
  }
  std::uint32_t gained = 0;
  for (const NodeReport& node : report.nodes) gained += node.gained;
  CHECK(streams == 2 * gained);  // N - W + 1
  CHECK(report.without_source == 0);
  CHECK(report.has_quorums());
  CHECK(at(report, QuorumStep::before).may_fail == 0);
  CHECK(at(report, QuorumStep::finished).may_fail == 1);
}

TEST_CASE("two of three owners dead: no quorum before, and nobody to copy from") {
  const Epoch base = cluster(members(5));
  const Plan plan = planned(base, {Remove{node(2)}, Remove{node(3)}});
  const PlanReport report = report_of(base, plan, {});
  std::uint32_t both = 0;
  for (const PartitionId partition : base.partitions_of(node(2))) {
    both += base.owns(node(3), partition) ? 1U : 0U;
  }
  REQUIRE(both > 0);
  CHECK(at(report, QuorumStep::before).without_writes == both);
  CHECK(at(report, QuorumStep::open).without_writes == both);
  CHECK(at(report, QuorumStep::cut_over).without_reads == 0);
  CHECK(at(report, QuorumStep::finished).holds());
  CHECK(report.without_source == 2 * both);
  CHECK_FALSE(report.has_quorums());
  CHECK(is_named(report, "\"before\""));
  CHECK(is_named(report, "too few live owners"));
}

TEST_CASE("who does not answer now counts against quorums") {
  const Epoch base = cluster(members(3));
  PlanFacts facts;
  facts.unreachable = {node(1)};
  const Plan plan = planned(base, {Join{member(4)}});
  CHECK(at(report_of(base, plan, facts), QuorumStep::open).may_fail == 0);
  facts.unreachable = {node(1), node(4)};
  const PlanReport report = report_of(base, plan, facts);
  CHECK(at(report, QuorumStep::before).holds());
  CHECK_FALSE(at(report, QuorumStep::open).holds());
}

TEST_CASE("reads that can miss writes are found") {
  // Three owners, the last of whom hands over to a fourth.
  const transition::Groups moving{.old_owners = 0b0111, .new_owners = 0b1011};
  const transition::Groups resting{.old_owners = 0b111};
  for (const auto step : {QuorumStep::before, QuorumStep::open, QuorumStep::cut_over,
                          QuorumStep::finished, QuorumStep::aborting}) {
    for (const auto& groups : {moving, resting}) {
      for (std::uint32_t r = 1; r <= 3; ++r) {
        for (std::uint32_t w = 1; w <= 3; ++w) {
          CHECK(reads_meet_writes(step, groups, r, w) == (r + w > 3));
        }
      }
    }
  }
}

TEST_CASE("zones that are violated, before and after") {
  const Epoch one_zone = cluster(members(6));
  EpochContents contents = one_zone.contents();
  for (Member& member : contents.members) {
    if (member.id == node(1)) member.zone = "y";
  }
  const Epoch base = *Epoch::make(contents);
  const PlanReport report = report_of(base, planned(base, {}), {});
  CHECK(report.zones_violated_before == 64 - base.partitions_of(node(1)).size());
  CHECK(report.zones_violated_after == 0);
  CHECK(of(report, node(1)).partitions_after == 64);
  CHECK(report.skew_after == doctest::Approx(2));
}
