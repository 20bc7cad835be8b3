#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/limits.h"
#include "base/random.h"
#include "gossip/local_health.h"
#include "gossip/member_table.h"
#include "gossip/packet.h"
#include "gossip/probe_round.h"
#include "gossip/rumour_queue.h"
#include "gossip/suspicion.h"

using coterie::Bytes;
using coterie::Duration;
using coterie::Instant;
using coterie::NodeId;
using coterie::Random;
using namespace coterie::gossip;
using namespace std::chrono_literals;

namespace {

NodeId id(std::uint64_t number) {
  return {.high = 0, .low = number};
}

MemberTable table_of(std::uint64_t members) {
  MemberTable table;
  for (std::uint64_t i = 0; i < members; ++i) {
    table.add({.id = id(i), .address = {"host", static_cast<std::uint16_t>(i + 1)}});
  }
  return table;
}

/// The subjects of the rumours that go into one packet.
std::vector<std::uint64_t> told(RumourQueue& rumours, const NodeId& reader, std::uint32_t limit,
                                std::size_t packet_bytes = 1400) {
  const SipSeal seal;
  EnvelopeWriter packet(EnvelopeKind::packet, {}, seal, packet_bytes);
  rumours.fill(packet, reader, limit);
  const Bytes bytes = packet.finish();
  const auto opened = open_envelope(bytes, {}, seal);
  const std::vector<Message> messages = decode_messages(opened->body).value();
  std::vector<std::uint64_t> out;
  for (const Message& message : messages) {
    out.push_back(std::get<DeadClaim>(message).id.low);
  }
  return out;
}

}  // namespace

TEST_CASE("a rumour is sent at most factor * ceil(log10(n + 1)) times") {
  for (std::size_t n = 1; n <= 2000; ++n) {
    const double exact = std::ceil(std::log10(static_cast<double>(n) + 1) - 1e-12);
    CHECK(retransmit_limit(4, n) == 4 * static_cast<std::uint32_t>(exact));
  }
  RumourQueue rumours;
  rumours.add(id(1), encode_message(DeadClaim{.id = id(1)}));
  for (int i = 0; i < 8; ++i) CHECK(told(rumours, id(9), 8).size() == 1);
  CHECK(rumours.empty());
  CHECK(told(rumours, id(9), 8).empty());
}

TEST_CASE("the least told rumour goes first, then the newest; a newer one replaces an older") {
  RumourQueue rumours;
  for (std::uint64_t i = 1; i <= 3; ++i) rumours.add(id(i), encode_message(DeadClaim{.id = id(i)}));
  const std::size_t room_for_two = envelope_bytes + 2 * encode_message(DeadClaim{}).size();
  CHECK(told(rumours, id(9), 10, room_for_two) == std::vector<std::uint64_t>{3, 2});
  CHECK(told(rumours, id(9), 10, room_for_two) == std::vector<std::uint64_t>{1, 3});
  rumours.add(id(3), encode_message(DeadClaim{.id = id(3), .incarnation = 5}));
  CHECK(rumours.size() == 3);
  CHECK(told(rumours, id(9), 10, room_for_two).front() == 3);
}

TEST_CASE("nobody is told a rumour about himself") {
  RumourQueue rumours;
  rumours.add(id(1), encode_message(DeadClaim{.id = id(1)}));
  CHECK(told(rumours, id(1), 1).empty());
  CHECK(rumours.size() == 1);
  CHECK(told(rumours, id(2), 1).size() == 1);
}

TEST_CASE("a suspect's time shrinks with the logarithm of its accusers") {
  const SuspicionTerms terms{.least = 1s, .most = 6s, .confirmations = 3};
  CHECK(suspicion_timeout(terms, 0) == 6s);
  CHECK(suspicion_timeout(terms, 1) == 3500ms);  // log 2 / log 4 is a half
  CHECK(suspicion_timeout(terms, 2) > 1s);
  CHECK(suspicion_timeout(terms, 2) < 3500ms);
  CHECK(suspicion_timeout(terms, 3) == 1s);
  CHECK(suspicion_timeout(terms, 9) == 1s);

  const Instant start{};
  Suspicion suspicion(start, 1, terms);
  CHECK(suspicion.accuse(id(5)));
  CHECK(suspicion.deadline() == start + 6s);
  CHECK(!suspicion.accuse(id(5)));
  CHECK(suspicion.deadline() == start + 6s);
  CHECK(suspicion.accuse(id(3)));
  CHECK(suspicion.deadline() == start + 3500ms);
  CHECK(suspicion.accuse(id(4)));
  CHECK(suspicion.accuse(id(9)));
  CHECK(suspicion.deadline() == start + 1s);
  CHECK(!suspicion.accuse(id(2)));
  CHECK(suspicion.accusers() == std::vector<NodeId>{id(3), id(4), id(5), id(9)});

  suspicion.skip(2s);
  CHECK(suspicion.deadline() == start + 3s);
  suspicion.grant(start + 2900ms, 400ms);
  CHECK(suspicion.deadline() == start + 3300ms);
  suspicion.grant(start, 400ms);
  CHECK(suspicion.deadline() == start + 3300ms);
}

TEST_CASE("the terms of a suspicion grow with the cluster") {
  const Settings settings;
  CHECK(suspicion_terms(settings, 3).least == 1s);
  CHECK(suspicion_terms(settings, 100).least == 1s);
  CHECK(suspicion_terms(settings, 1000).least == 1500ms);
  CHECK(suspicion_terms(settings, 1000).most == 9s);
  CHECK(suspicion_terms(settings, 100).confirmations == 3);
  CHECK(suspicion_terms(settings, 4).confirmations == 2);
  CHECK(suspicion_terms(settings, 3).confirmations == 1);
  CHECK(suspicion_terms(settings, 2).confirmations == 0);
  CHECK(suspicion_terms(settings, 0).confirmations == 0);
  Settings eager;
  eager.confirmations = 1000;
  CHECK(suspicion_terms(eager, 500).confirmations == accusers_most - 1);
}

TEST_CASE("local health stays between one and its most") {
  LocalHealth health(8);
  CHECK(health.multiplier() == 1);
  health.add(-1);
  CHECK(health.multiplier() == 1);
  health.add(3);
  CHECK(health.multiplier() == 4);
  health.add(100);
  CHECK(health.multiplier() == 8);
  health.add(-1);
  CHECK(health.multiplier() == 7);
}

TEST_CASE("each round probes every living member once, in another order") {
  MemberTable table = table_of(20);
  table.set_state(*table.find(id(7)), MemberState::dead, {});
  table.set_state(*table.find(id(8)), MemberState::left, {});
  Random random(1);
  ProbeRound round;
  std::set<std::vector<std::uint64_t>> orders;
  for (int i = 0; i < 10; ++i) {
    std::vector<std::uint64_t> order;
    for (int turn = 0; turn < 17; ++turn) {
      order.push_back(round.next(table, id(0), random)->id.low);
    }
    orders.insert(order);
    const std::set<std::uint64_t> different(order.begin(), order.end());
    CHECK(different.size() == 17);
    CHECK(!different.contains(0));
    CHECK(!different.contains(7));
    CHECK(!different.contains(8));
  }
  CHECK(orders.size() == 10);
}

TEST_CASE("nobody to probe is no endless search") {
  MemberTable table = table_of(1);
  Random random(3);
  ProbeRound round;
  CHECK(round.next(table, id(0), random) == nullptr);
  MemberTable two = table_of(2);
  two.set_state(*two.find(id(1)), MemberState::dead, {});
  CHECK(round.next(two, id(0), random) == nullptr);
}

TEST_CASE("members are picked evenly, without repetition, and only those wanted") {
  MemberTable table = table_of(10);
  Random random(4);
  std::map<std::uint64_t, int> picked;
  for (int i = 0; i < 10000; ++i) {
    const auto some = table.pick(random, 3, [](const Member& m) { return m.id.low != 5; });
    REQUIRE(some.size() == 3);
    std::set<std::uint64_t> different;
    for (const Member* member : some) {
      different.insert(member->id.low);
      ++picked[member->id.low];
    }
    REQUIRE(different.size() == 3);
  }
  CHECK(!picked.contains(5));
  for (const auto& [number, times] : picked) {
    CHECK(times > 3100);  // 3333 expected, deviation 47
    CHECK(times < 3570);
  }
  CHECK(table.pick(random, 99, [](const Member&) { return true; }).size() == 10);
}

TEST_CASE("the table counts who lives") {
  MemberTable table = table_of(3);
  CHECK(table.living() == 3);
  table.set_state(*table.find(id(1)), MemberState::suspect, {});
  CHECK(table.living() == 3);
  table.set_state(*table.find(id(1)), MemberState::dead, {});
  CHECK(table.living() == 2);
  table.remove(id(1));
  table.remove(id(1));
  CHECK(table.living() == 2);
  table.remove(id(2));
  CHECK(table.living() == 1);
  CHECK(table.size() == 1);
}
