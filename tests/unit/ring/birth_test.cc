#include "ring/birth.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "tests/unit/ring/epoch_samples.h"

using namespace coterie;
using namespace coterie::epoch_samples;

TEST_CASE("the first epoch is (1, 1), stable, with buckets numbered by name") {
  const auto born = first_epoch(birth_of(3));
  REQUIRE(born);
  CHECK(born->number() == EpochNumber{.lineage = 1, .number = 1});
  CHECK(born->hash_seed() == 42);
  CHECK(born->members().size() == 3);
  CHECK(born->voters().size() == 3);
  CHECK(born->bucket("sessions")->id == BucketId{1});
  CHECK(born->bucket("sessions")->sloppy);
  CHECK(born->bucket("words")->id == BucketId{2});
  std::map<NodeId, int> first;
  for (std::uint32_t p = 0; p < born->partitions(); ++p) {
    CHECK(born->configuration(PartitionId{p}) == ConfigurationNumber{1});
    CHECK(born->stage(PartitionId{p}) == Stage::stable);
    ++first[born->owners(PartitionId{p})[0]];
  }
  for (const auto& [node, count] : first) CHECK((count == 5 || count == 6));  // 16 over three
}

TEST_CASE("every node that gives birth from the same list gives birth to the same epoch") {
  BirthInput input = birth_of(5);
  const auto first = first_epoch(input);
  std::ranges::reverse(input.members);
  std::ranges::reverse(input.buckets);
  const auto second = first_epoch(input);
  CHECK(first->hash() == second->hash());
  CHECK(*first == *second);
}

TEST_CASE("voters are the largest odd number up to seven") {
  const std::map<std::size_t, std::size_t> expected = {{1, 1}, {2, 1}, {3, 3}, {4, 3}, {5, 5},
                                                       {6, 5}, {7, 7}, {8, 7}, {50, 7}};
  for (const auto& [members, voters] : expected) {
    CAPTURE(members);
    const auto born = first_epoch(birth_of(members, 1));
    REQUIRE(born);
    CHECK(born->voters().size() == voters);
  }
}

TEST_CASE("voters are spread over zones") {
  std::vector<Member> members;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    members.push_back({.id = {.high = i, .low = 0}, .zone = "a", .address = "h:1"});
  }
  members[4].zone = "b";
  members[9].zone = "c";
  members[14].zone = "c";
  std::map<std::string, int> zones;
  for (const NodeId voter : choose_voters(members)) ++zones[members[voter.high - 1].zone];
  CHECK(zones["a"] == 4);
  CHECK(zones["b"] == 1);
  CHECK(zones["c"] == 2);
  CHECK(choose_voters({}).empty());
}

TEST_CASE("a list that cannot become a cluster is refused") {
  CHECK(first_epoch(birth_of(2)).error().code == ErrorCode::invalid_argument);
  BirthInput input = birth_of(3);
  input.members[0].id = input.members[1].id;
  CHECK(first_epoch(input).error().code == ErrorCode::invalid_argument);
  input = birth_of(3);
  input.buckets[0].name = input.buckets[1].name;
  CHECK(first_epoch(input).error().code == ErrorCode::invalid_argument);
  input = birth_of(3);
  input.partitions = 1000;
  CHECK(first_epoch(input).error().code == ErrorCode::invalid_argument);
}
