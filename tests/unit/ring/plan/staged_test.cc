#include "ring/plan/staged.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/unit/ring/plan/samples.h"

using namespace coterie;
using namespace coterie::plan;
using coterie::plan::samples::cluster;
using coterie::plan::samples::member;
using coterie::plan::samples::members;
using coterie::plan::samples::node;

namespace {

struct Said {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

/// What is said of the last of `changes`; those before must be fine.
Said said_of(const Epoch& base, std::vector<StagedChange> changes) {
  const std::vector<NodeId> former = {node(9)};
  const StagedChange last = changes.back();
  changes.pop_back();
  std::vector<StagedChange> staged;
  for (const StagedChange& change : changes) REQUIRE(stage(base, former, staged, change));
  const auto before = staged;
  const auto fine = stage(base, former, staged, last);
  REQUIRE_FALSE(fine.has_value());
  CHECK(staged == before);
  return {.code = fine.error().code, .message = fine.error().message};
}

bool has(const Said& said, ErrorCode code, const std::string& part) {
  return said.code == code && said.message.find(part) != std::string::npos;
}

Member at(Member member, const std::string& address) {
  member.address = address;
  return member;
}

}  // namespace

TEST_CASE("one change of each kind may be staged at once") {
  const Epoch base = cluster(members(6));
  std::vector<StagedChange> staged;
  for (const StagedChange& change : std::vector<StagedChange>{
           Join{member(7)}, Replace{.node = node(1), .by = member(8)},
           Weigh{.node = node(2), .weight = 3}, Rezone{.node = node(3), .zone = "y"},
           Leave{node(4)}, Remove{node(5)}}) {
    CHECK(stage(base, {}, staged, change).has_value());
    CHECK(words(change).find(to_hex(nodes_of(change).front())) != std::string::npos);
  }
  CHECK(staged.size() == 6);
}

TEST_CASE("a node that is none of the members cannot be changed") {
  const Epoch base = cluster(members(4));
  for (const StagedChange& change : std::vector<StagedChange>{
           Replace{.node = node(7), .by = member(8)}, Weigh{.node = node(7), .weight = 3},
           Rezone{.node = node(7), .zone = "y"}, Leave{node(7)}, Remove{node(7)}}) {
    CHECK(has(said_of(base, {change}), ErrorCode::not_found, "is no member; "));
  }
  CHECK(has(said_of(base, {Leave{node(9)}}), ErrorCode::not_found, "no member any more"));
}

TEST_CASE("who joins is new, and so is its address") {
  const Epoch base = cluster(members(4));
  CHECK(has(said_of(base, {Join{at(member(2), "new:1")}}), ErrorCode::refused, "member already"));
  CHECK(has(said_of(base, {Join{member(9)}}), ErrorCode::refused, "empty data directory"));
  CHECK(has(said_of(base, {Replace{.node = node(1), .by = member(9)}}), ErrorCode::refused,
            "empty data directory"));
  CHECK(has(said_of(base, {Join{at(member(7), member(2).address)}}), ErrorCode::refused,
            "stage `replace`"));
  CHECK(has(said_of(base, {Join{member(7)}, Join{at(member(8), member(7).address)}}),
            ErrorCode::refused, "another new node"));
  CHECK(has(said_of(base, {Join{Member{.id = {}, .address = "new:1"}}}),
            ErrorCode::invalid_argument, "zero"));
  CHECK(has(said_of(base, {Join{at(member(7), "")}}), ErrorCode::invalid_argument, "address"));
  // Its own address may be taken over by the one that replaces it.
  std::vector<StagedChange> staged;
  CHECK(stage(base, {}, staged, Replace{.node = node(1), .by = at(member(7), member(1).address)}));
}

TEST_CASE("weights and zones have bounds") {
  const Epoch base = cluster(members(4));
  const auto most = limits::weight_most;
  std::vector<StagedChange> staged;
  CHECK(stage(base, {}, staged, Weigh{.node = node(1), .weight = most}));
  CHECK(has(said_of(base, {Weigh{.node = node(1), .weight = 0}}), ErrorCode::invalid_argument,
            "weight must be from 1"));
  CHECK(has(said_of(base, {Weigh{.node = node(1), .weight = most + 1}}),
            ErrorCode::invalid_argument, "weight must be from 1"));
  CHECK(has(said_of(base, {Weigh{.node = node(1), .weight = 1}}), ErrorCode::refused, "already"));
  CHECK(has(said_of(base, {Join{member(7, "z", 0)}}), ErrorCode::invalid_argument, "weight"));
  CHECK(has(said_of(base, {Join{member(7, "")}}), ErrorCode::invalid_argument, "zone's name"));
  CHECK(has(said_of(base, {Rezone{.node = node(1), .zone = "a b"}}), ErrorCode::invalid_argument,
            "zone's name"));
  CHECK(has(said_of(base, {Rezone{.node = node(1), .zone = "z"}}), ErrorCode::refused, "already"));
}

TEST_CASE("no more leave than the replicas allow, unless others join first") {
  const Epoch base = cluster(members(4));
  for (const StagedChange& second : std::vector<StagedChange>{Leave{node(2)}, Remove{node(2)}}) {
    CHECK(has(said_of(base, {Leave{node(1)}, second}), ErrorCode::refused, "only 2 members"));
  }
  std::vector<StagedChange> staged;
  for (const StagedChange& change :
       std::vector<StagedChange>{Join{member(7)}, Leave{node(1)}, Leave{node(2)}}) {
    CHECK(stage(base, {}, staged, change).has_value());
  }
}

TEST_CASE("a node has one staged change") {
  const Epoch base = cluster(members(5));
  const Leave first{node(1)};
  CHECK(has(said_of(base, {first, first}), ErrorCode::refused, "staged change already: leave"));
  CHECK(has(said_of(base, {first, Weigh{.node = node(1), .weight = 3}}), ErrorCode::refused,
            "already"));
  CHECK(has(said_of(base, {first, Replace{.node = node(1), .by = member(7)}}), ErrorCode::refused,
            "already"));
  CHECK(has(said_of(base, {Join{member(7)}, Replace{.node = node(1), .by = member(7)}}),
            ErrorCode::refused, "already: join"));
  CHECK(has(said_of(base, {Replace{.node = node(1), .by = member(1)}}), ErrorCode::refused,
            "replace itself"));
}
