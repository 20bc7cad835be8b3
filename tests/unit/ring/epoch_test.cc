#include "ring/epoch.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/limits.h"
#include "tests/unit/ring/epoch_samples.h"

using namespace coterie;
using namespace coterie::epoch_samples;

TEST_CASE("lookups agree with the contents") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const auto made = Epoch::make(drawn_contents(seed));
    REQUIRE(made);
    const Epoch& epoch = *made;
    std::size_t owned = 0;
    for (std::size_t i = 0; i < epoch.members().size(); ++i) {
      const Member& member = epoch.members()[i];
      REQUIRE(epoch.member(member.id) == &member);
      REQUIRE(epoch.member_index(member.id) == i);
      for (const PartitionId p : epoch.partitions_of(member.id)) {
        REQUIRE(epoch.owns(member.id, p));
        REQUIRE(std::ranges::count(epoch.owners(p), member.id) == 1);
        ++owned;
      }
    }
    CHECK(owned == std::size_t{epoch.partitions()} * epoch.replicas());
    CHECK(epoch.member(NodeId{.high = 1, .low = 1}) == nullptr);
    CHECK_FALSE(epoch.member_index(NodeId{}));
    for (const Bucket& bucket : epoch.buckets()) {
      CHECK(epoch.bucket(bucket.id) == &bucket);
      CHECK(epoch.bucket(bucket.name) == &bucket);
    }
    CHECK(epoch.bucket("word") == nullptr);
    CHECK(epoch.bucket("zzz") == nullptr);
    CHECK(epoch.bucket(BucketId{3}) == nullptr);
    CHECK(epoch.configuration(PartitionId{5}) == epoch.contents().configurations[5]);
    CHECK(epoch.stage(PartitionId{5}) == Stage::stable);
    const Token token = epoch.token(BucketId{1}, "key");
    CHECK(token == token_of(BucketId{1}, "key", 42));
    CHECK(epoch.partition(token) == partition_of(token, epoch.partitions()));
  }
}

TEST_CASE("a moved epoch's lookups still hold") {
  Epoch first = *Epoch::make(drawn_contents(1));
  const Epoch second = std::move(first);
  CHECK(second.bucket("words")->name == "words");
  CHECK(second.owners(PartitionId{15}).size() == second.replicas());
}

TEST_CASE("a preference list begins with the owners and goes on clockwise, each node once") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const Epoch epoch = *Epoch::make(drawn_contents(seed));
    const PartitionId last{epoch.partitions() - 1};
    const auto list = epoch.preference_list(last, limits::nodes);
    REQUIRE(list.size() == epoch.members().size());
    REQUIRE(std::set(list.begin(), list.end()).size() == list.size());
    REQUIRE(std::ranges::equal(std::span(list).first(epoch.replicas()), epoch.owners(last)));
    if (list.size() > epoch.replicas()) {
      // The first fallback is the first node of partition 0, 1, ... that does not own the last one.
      NodeId expected{};
      for (std::uint32_t p = 0; p < epoch.partitions() && expected.is_zero(); ++p) {
        for (const NodeId node : epoch.owners(PartitionId{p})) {
          if (expected.is_zero() && !epoch.owns(node, last)) expected = node;
        }
      }
      if (!expected.is_zero()) CHECK(list[epoch.replicas()] == expected);
    }
    CHECK(epoch.preference_list(last, 1) == std::vector{epoch.owners(last)[0]});
    CHECK(epoch.preference_list(last, 0).empty());
  }
}

TEST_CASE("members that own nothing are the last fallbacks") {
  EpochContents contents = first_epoch(birth_of(3))->contents();
  const NodeId idle{.high = 1, .low = 0};
  contents.members.insert(contents.members.begin(),
                          {.id = idle, .zone = "z", .weight = 1, .address = "h:1"});
  const Epoch epoch = *Epoch::make(contents);
  CHECK(epoch.preference_list(PartitionId{0}, 9).back() == idle);
  CHECK(epoch.preference_list(PartitionId{0}, 9).size() == 4);
  CHECK(epoch.partitions_of(idle).empty());
}

TEST_CASE("the hash covers every part") {
  const EpochContents contents = drawn_contents(3);
  const std::uint64_t hash = Epoch::make(contents)->hash();
  const auto changed = [&](auto&& change) {
    EpochContents other = contents;
    change(other);
    const auto epoch = Epoch::make(other);
    REQUIRE(epoch);
    return epoch->hash() != hash;
  };
  CHECK(Epoch::make(contents)->hash() == hash);
  CHECK(changed([](auto& c) { ++c.number.lineage; }));
  CHECK(changed([](auto& c) { ++c.number.number; }));
  CHECK(changed([](auto& c) { ++c.cluster.low; }));
  CHECK(changed([](auto& c) { ++c.hash_seed; }));
  CHECK(changed([](auto& c) { ++c.members[0].weight; }));
  CHECK(changed([](auto& c) { c.members[0].zone = "elsewhere"; }));
  CHECK(changed([](auto& c) { c.members[0].address += "1"; }));
  CHECK(changed([](auto& c) { c.voters = {c.members[1].id}; }));
  CHECK(changed([](auto& c) { c.buckets[0].name += "x"; }));
  CHECK(changed([](auto& c) { c.buckets[1].sloppy = !c.buckets[1].sloppy; }));
  CHECK(changed([](auto& c) { ++c.buckets[1].default_ttl; }));
  CHECK(changed([](auto& c) { ++c.configurations[7].value; }));
  CHECK(changed([](auto& c) {
    if (c.replicas > 1) std::swap(c.owners[0], c.owners[1]);
    if (c.replicas == 1) c.owners[0] = c.members[c.owners[0] == c.members[0].id ? 1 : 0].id;
  }));
}

namespace {

/// Whether three members' epoch, good until `change`, is refused with this code.
bool refused(const std::function<void(EpochContents&)>& change,
             ErrorCode code = ErrorCode::invalid_argument) {
  EpochContents contents = first_epoch(birth_of(4))->contents();
  REQUIRE(Epoch::make(contents));
  change(contents);
  const auto epoch = Epoch::make(std::move(contents));
  return !epoch && epoch.error().code == code && !epoch.error().message.empty();
}

}  // namespace

TEST_CASE("what cannot be an epoch is refused: numbers and sizes") {
  CHECK(refused([](auto& c) { c.number.lineage = 0; }));
  CHECK(refused([](auto& c) { c.number.number = 0; }));
  CHECK(refused([](auto& c) { c.cluster = {}; }));
  CHECK(refused([](auto& c) { c.partitions = 17; }));
  CHECK(refused([](auto& c) { c.partitions = 8; }));
  CHECK(refused([](auto& c) { c.partitions = 32768; }));
  CHECK(refused([](auto& c) { c.replicas = 0; }));
  CHECK(refused([](auto& c) { c.replicas = limits::replicas_most + 1; }));
  CHECK(refused([](auto& c) { c.owners.pop_back(); }));
  CHECK(refused([](auto& c) { c.configurations.pop_back(); }));
  CHECK(refused([](auto& c) { c.stages.pop_back(); }));
}

TEST_CASE("what cannot be an epoch is refused: members and voters") {
  CHECK(refused([](auto& c) { std::swap(c.members[0], c.members[1]); }));
  CHECK(refused([](auto& c) { c.members[1] = c.members[0]; }));
  CHECK(refused([](auto& c) { c.members[0].id = {}; }));
  CHECK(refused([](auto& c) { c.members.clear(); }));
  CHECK(refused([](auto& c) { c.members[0].weight = 0; }));
  CHECK(refused([](auto& c) { c.members[0].weight = limits::weight_most + 1; }));
  CHECK(refused([](auto& c) { c.members[0].zone = ""; }));
  CHECK(refused([](auto& c) { c.members[0].zone = std::string(65, 'z'); }));
  CHECK(refused([](auto& c) { c.members[0].zone = "a b"; }));
  CHECK(refused([](auto& c) { c.members[0].address = ""; }));
  CHECK(refused([](auto& c) { c.members[0].address = std::string(321, 'a'); }));
  CHECK(refused([](auto& c) { c.voters.clear(); }));
  CHECK(refused([](auto& c) { c.voters.pop_back(); }));
  CHECK(refused([](auto& c) { std::swap(c.voters[0], c.voters[1]); }));
  CHECK(refused([](auto& c) { c.voters[0] = NodeId{.high = 0, .low = 5}; }));
  CHECK(refused([](auto& c) {
    for (std::uint64_t i = 0; c.members.size() <= limits::nodes; ++i) {
      c.members.push_back({.id = {.high = 0x2000 + i, .low = 0}, .address = "h:1"});
    }
  }));
  CHECK(refused([](auto& c) {
    for (std::uint64_t i = 0; i < limits::zones; ++i) {
      c.members.push_back(
          {.id = {.high = 0x2000 + i, .low = 0}, .zone = std::to_string(i), .address = "h:1"});
    }
  }));
}

TEST_CASE("what cannot be an epoch is refused: buckets") {
  CHECK(refused([](auto& c) { std::swap(c.buckets[0], c.buckets[1]); }));
  CHECK(refused([](auto& c) { c.buckets[0].id = {}; }));
  CHECK(refused([](auto& c) { c.buckets[1].id = c.buckets[0].id; }));
  CHECK(refused([](auto& c) { c.buckets[1].name = c.buckets[0].name; }));
  CHECK(refused([](auto& c) { c.buckets[0].name = ""; }));
  CHECK(refused([](auto& c) { c.buckets[0].name = std::string(65, 'b'); }));
  CHECK(refused([](auto& c) { c.buckets[0].name = "tab\t"; }));
  CHECK(refused([](auto& c) { c.buckets[0].r = 0; }));
  CHECK(refused([](auto& c) { c.buckets[0].w = 4; }));
  CHECK(refused([](auto& c) { c.buckets[0].r = c.buckets[0].w = 1; }));
  CHECK(refused([](auto& c) { c.buckets[0].default_ttl = std::chrono::milliseconds(-1); }));
  CHECK(refused([](auto& c) {
    c.buckets[0].default_ttl = limits::time_to_live_most + std::chrono::milliseconds(1);
  }));
  CHECK(refused([](auto& c) {
    for (std::uint32_t i = 3; c.buckets.size() <= limits::buckets; ++i) {
      c.buckets.push_back({.id = BucketId{i}, .name = std::to_string(i)});
    }
  }));
}

TEST_CASE("what cannot be an epoch is refused: partitions") {
  CHECK(refused([](auto& c) { c.owners[4] = c.owners[3]; }));
  CHECK(refused([](auto& c) { c.owners[4] = NodeId{.high = 7, .low = 7}; }));
  CHECK(refused([](auto& c) { c.configurations[2] = ConfigurationNumber{0}; }));
  CHECK(refused([](auto& c) { c.stages[2] = Stage::open; }));
}
