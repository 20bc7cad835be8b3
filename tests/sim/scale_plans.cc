#include "tests/sim/scale_plans.h"

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "ring/birth.h"
#include "ring/epoch_codec.h"
#include "ring/plan/plan.h"
#include "ring/plan/report.h"
#include "tests/sim/scale_heap.h"

namespace coterie::sim {
namespace {

constexpr std::uint32_t replicas = 3;
constexpr std::size_t zones = 3;

Member member(std::size_t number, NodeId id) {
  return {.id = id,
          .zone = "zone-" + std::to_string(number % zones),
          .weight = 1,
          .address = "10.0." + std::to_string(number / 256) + "." + std::to_string(number % 256) +
                     ":7402"};
}

/// Milliseconds of processor time that `work` takes.
template <class Work>
double cpu_ms(const Work& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) * 1000.0 / CLOCKS_PER_SEC;
}

/// What no plan can do without: who owns too little must be given the rest.
std::size_t least_moves(const plan::PlanReport& report) {
  std::size_t moves = 0;
  for (const auto& node : report.nodes) {
    moves += node.partitions_after - std::min(node.partitions_after, node.partitions_before);
  }
  return moves;
}

PlanCost measure_plan(const Epoch& base, plan::StagedChange change) {
  PlanCost out;
  std::vector<plan::StagedChange> staged;
  const auto staged_well = plan::stage(base, {}, staged, std::move(change));
  check(staged_well.has_value(), "what is measured can be staged");
  Result<plan::Plan> made = fail(ErrorCode::internal, "not planned");
  out.plan_ms = cpu_ms([&] { made = plan::make_plan(base, staged, {}); });
  check(made.has_value(), "what is measured can be planned");
  plan::PlanFacts facts;
  facts.partition_bytes.assign(base.partitions(), 1U << 20);
  plan::PlanReport report;
  out.report_ms = cpu_ms([&] { report = plan::report_of(base, *made, facts); });
  out.changing = report.changing;
  for (const auto& node : report.nodes) out.moved += node.gained;
  out.least_moves = least_moves(report);
  return out;
}

}  // namespace

std::vector<NodeId> some_ids(std::size_t nodes) {
  Random random(nodes);
  std::vector<NodeId> out;
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::uint64_t high = random.next();
    out.push_back({.high = high, .low = random.next()});
  }
  return out;
}

Epoch ring_of(RingSize size, std::vector<NodeId> ids) {
  BirthInput input{.cluster = {.high = 1, .low = 2},
                   .hash_seed = 3,
                   .partitions = size.partitions,
                   .replicas = replicas,
                   .members = {},
                   .buckets = {{.id = BucketId{1}, .name = "default"}}};
  for (std::size_t i = 0; i < size.nodes; ++i) input.members.push_back(member(i, ids[i]));
  auto made = first_epoch(std::move(input));
  check(made.has_value(), "a first epoch of equal nodes can be made");
  return *std::move(made);
}

Member newcomer(std::string zone) {
  Member out = member(65'000, {.high = ~std::uint64_t{0}, .low = 1});
  out.zone = std::move(zone);
  return out;
}

std::vector<PlanOf> measure_plans(RingSize size) {
  // While owners change, both who comes and who goes are members.
  const RingSize smaller{.nodes = size.nodes - 1, .partitions = size.partitions};
  const Epoch before = ring_of(smaller, some_ids(smaller.nodes));
  const Epoch whole = ring_of(size, some_ids(size.nodes));
  const Member& one = before.members().front();
  const std::string next_zone = member(smaller.nodes, {}).zone;
  return {
      {"join", measure_plan(before, plan::Join{.member = newcomer(next_zone)})},
      {"leave", measure_plan(whole, plan::Leave{.node = whole.members().front().id})},
      {"replace", measure_plan(before, plan::Replace{.node = one.id, .by = newcomer(one.zone)})}};
}

EpochCost measure_epoch(RingSize size) {
  EpochCost out;
  std::optional<Epoch> epoch;
  out.birth_ms = cpu_ms([&] { epoch = ring_of(size, some_ids(size.nodes)); });
  Bytes bytes;
  out.encode_ms = cpu_ms([&] { bytes = encode_epoch(*epoch); });
  out.bytes = bytes.size();
  epoch.reset();
  const std::size_t before = heap_bytes();
  out.decode_ms = cpu_ms([&] { epoch = *decode_epoch(bytes); });
  out.heap_bytes = heap_bytes() - before + sizeof(Epoch);
  return out;
}

}  // namespace coterie::sim
