#include "node/control/node_facts.h"

#include <doctest/doctest.h>

#include "tests/unit/node/samples.h"

namespace coterie::node_facts_test {

using wire::NodeStanding;

namespace {

const Address door{.host = "127.0.0.1", .port = 7999};

NodeFacts facts(NodeStanding standing) {
  return {.node = node_id(9),
          .standing = standing,
          .cluster_name = "coterie",
          .gossip_address = door.text(),
          .zone = "east",
          .weight = 3};
}

/// Why it is refused; empty: it is not.
std::string refusal(const NodeFacts& facts, const Newcomer& wanted = {.address = door}) {
  const auto member = member_of(facts, wanted, *sample_epoch(), "coterie");
  if (member) return "";
  CHECK(member.error().code == ErrorCode::refused);
  return member.error().message;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a node that waits becomes a member as it says, or as the operator does") {
  const auto fresh = facts(NodeStanding::waiting);
  const auto plain = member_of(fresh, {.address = door}, *sample_epoch(), "coterie");
  REQUIRE(plain);
  CHECK(*plain == Member{.id = node_id(9), .zone = "east", .weight = 3, .address = door.text()});
  const auto other =
      member_of(fresh, {.address = door, .weight = 5, .zone = "west"}, *sample_epoch(), "coterie");
  CHECK(other->weight == 5);
  CHECK(other->zone == "west");
}

TEST_CASE("nodes that may not become members are told from each other, and what to do") {
  const auto ours = sample_epoch()->cluster();
  auto other_name = facts(NodeStanding::waiting);
  other_name.cluster_name = "else";
  CHECK(has(refusal(other_name), "cluster.name"));
  auto other_address = facts(NodeStanding::waiting);
  other_address.gossip_address = "10.0.0.1:1";
  CHECK(has(refusal(other_address), "doors.gossip"));
  CHECK(has(refusal(facts(NodeStanding::damaged)), "holds data"));
  CHECK(has(refusal(facts(NodeStanding::forming)), "initial_members"));
  auto member = facts(NodeStanding::member);
  CHECK(has(refusal(member), "another cluster"));
  member.cluster = ours;
  CHECK(has(refusal(member), "member of this cluster already"));
  auto former = facts(NodeStanding::former);
  former.cluster = ours;
  CHECK(has(refusal(former), "gives it a new id"));
}

TEST_CASE("a wiped node at a member's address is told to replace it, and may") {
  const auto epoch = sample_epoch();
  const Address taken = *Address::parse(epoch->members().front().address);
  auto wiped = facts(NodeStanding::forming);
  wiped.gossip_address = taken.text();
  CHECK(has(refusal(wiped, {.address = taken}), "replace " + to_hex(epoch->members()[0].id)));
  CHECK(refusal(wiped, {.address = taken, .replaces = true}).empty());
}

}  // namespace coterie::node_facts_test
