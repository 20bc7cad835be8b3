#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ring/birth.h"
#include "ring/plan/members.h"
#include "ring/plan/plan.h"
#include "ring/succession.h"
#include "ring/transition/entries.h"

/// Clusters to be planned for.
namespace coterie::plan::samples {

inline Member member(std::uint64_t number, const std::string& zone = "z",
                     std::uint32_t weight = 1) {
  // Scattered, so that the order of ids is not the order of joining.
  return {.id = {.high = number * 0x9e3779b97f4a7c15ULL, .low = number},
          .zone = zone,
          .weight = weight,
          .address = "10.0.0." + std::to_string(number) + ":7000"};
}

inline NodeId node(std::uint64_t number) {
  return member(number).id;
}

inline std::vector<Member> members(std::uint64_t count) {
  std::vector<Member> out;
  for (std::uint64_t number = 1; number <= count; ++number) out.push_back(member(number));
  return out;
}

inline Epoch cluster(std::vector<Member> members, std::uint32_t partitions = 64,
                     std::uint32_t replicas = 3, std::uint32_t r = 2, std::uint32_t w = 2) {
  return *first_epoch({.cluster = {.high = 1, .low = 2},
                       .hash_seed = 42,
                       .partitions = partitions,
                       .replicas = replicas,
                       .members = std::move(members),
                       .buckets = {{.id = {}, .name = "words", .r = r, .w = w}}});
}

inline Plan planned(const Epoch& base, const std::vector<StagedChange>& staged) {
  auto plan = make_plan(base, staged, {});
  REQUIRE_MESSAGE(plan.has_value(), (plan ? "" : plan.error().message));
  return *std::move(plan);
}

/// The entry after `from`, which must be a legal one. `leaving`: taken out if it finishes.
inline Epoch stepped(const Epoch& from, transition::Step step, std::span<const NodeId> leaving) {
  EpochContents next = transition::following(from);
  REQUIRE(transition::take_step(next, from.changes().front().id, step));
  if (step == transition::Step::finish) REQUIRE(settle_members(next, leaving));
  auto made = Epoch::make(std::move(next));
  REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
  const auto fine = check_succession(from, *made);
  REQUIRE_MESSAGE(fine.has_value(), (fine ? "" : fine.error().message));
  return *std::move(made);
}

/// The epoch that the plan ends in, all its entries on the way being legal.
inline Epoch finished(const Plan& plan) {
  if (plan.handovers.empty()) return plan.next;
  const Epoch cut = stepped(plan.next, transition::Step::cut_over, {});
  return stepped(cut, transition::Step::finish, plan.leaving);
}

}  // namespace coterie::plan::samples
