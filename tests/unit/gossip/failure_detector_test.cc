#include "gossip/failure_detector.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "tests/unit/gossip/bench.h"

using coterie::Address;
using coterie::Instant;
using namespace coterie::gossip;
using namespace coterie::gossip::test;
using namespace std::chrono_literals;

TEST_CASE("a ping is acked to where it came from") {
  Bench bench;
  bench.hear({Ping{.sequence = 5, .target = self_id}});
  const auto acks = bench.sent<Ack>(other_address(1));
  REQUIRE(acks.size() == 1);
  CHECK(acks[0].sequence == 5);
  CHECK(acks[0].subject == self_id);
}

TEST_CASE("a ping for another node id at our address is not acked") {
  Bench bench;
  bench.hear({Ping{.sequence = 5, .target = other_id(3)}});
  CHECK(bench.out.packets.empty());
  CHECK(bench.gossip.counters().dropped_misdirected == 1);
}

TEST_CASE("one packet is worth one ack and one errand, whatever it asks") {
  Bench bench;
  const Ping ping{.sequence = 5, .target = self_id};
  const PingRequest request{.sequence = 6, .target = other_id(3), .address = other_address(3)};
  bench.hear({ping, ping, ping, request, request, request});
  CHECK(bench.out.packets.size() == 2);
}

TEST_CASE("an errand brings the ack, or a nack") {
  Bench bench;
  bench.hear({PingRequest{.sequence = 6, .target = other_id(3), .address = other_address(3)}});
  const auto pings = bench.sent<Ping>(other_address(3));
  REQUIRE(pings.size() == 1);
  const Ack ack{.sequence = pings[0].sequence, .subject = other_id(3)};

  SUBCASE("ack") {
    bench.hear({ack}, 3);
    const auto acks = bench.sent<Ack>(other_address(1));
    REQUIRE(acks.size() == 1);
    CHECK(acks[0].sequence == 6);
    CHECK(acks[0].subject == other_id(3));
    bench.hear({ack}, 3);
    CHECK(bench.sent<Ack>().empty());
  }
  SUBCASE("nack, and an ack that is late but not too late") {
    bench.out.clear();
    bench.run_for(70ms);
    const auto nacks = bench.sent<Nack>(other_address(1));
    REQUIRE(nacks.size() == 1);
    CHECK(nacks[0].sequence == 6);
    bench.hear({ack}, 3);
    CHECK(bench.sent<Ack>(other_address(1)).size() == 1);
  }
  SUBCASE("an ack for another subject is none") {
    bench.hear({Ack{.sequence = ack.sequence, .subject = other_id(4)}}, 3);
    CHECK(bench.out.packets.empty());
  }
  SUBCASE("too late") {
    bench.run_for(300ms);
    bench.hear({ack}, 3);
    CHECK(bench.sent<Ack>().empty());
  }
}

TEST_CASE("errands are bounded") {
  Bench bench;
  const PingRequest request{.sequence = 6, .target = other_id(3), .address = other_address(3)};
  std::size_t taken = 0;
  for (int i = 0; i < 1000; ++i) {
    bench.hear({request});
    taken += bench.out.packets.size();
  }
  CHECK(taken == 256);
}

TEST_CASE("whoever is suspect here is told so with the next packet to it") {
  Bench bench;
  bench.hear({alive(1), alive(2)});
  bench.hear({SuspectClaim{.id = other_id(1), .incarnation = 10, .accusers = {other_id(2)}}}, 2);
  bench.hear({Ping{.sequence = 1, .target = self_id}});
  const auto notices = bench.sent<SuspectClaim>(other_address(1));
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].id == other_id(1));
  bench.hear({DeadClaim{.id = other_id(1), .incarnation = 10}}, 2);
  CHECK(bench.events(EventKind::dead) == 1);
  bench.hear({Ping{.sequence = 2, .target = self_id}});
  CHECK(bench.sent<DeadClaim>(other_address(1)).size() == 1);
}

TEST_CASE("seeds are tried at once, then ever more seldom, and not ourselves") {
  Bench bench;
  bench.gossip.join(bench.now, {self_address, other_address(1), other_address(1)}, bench.out);
  REQUIRE(bench.out.exchanges.size() == 1);
  CHECK(bench.out.exchanges[0].to == other_address(1));
  bench.out.clear();
  bench.run_for(10s);
  CHECK(bench.out.exchanges.size() >= 4);
  CHECK(bench.out.exchanges.size() <= 10);
  bench.out.clear();
  bench.run_for(10min);
  CHECK(bench.out.exchanges.size() >= 19);
  CHECK(bench.out.exchanges.size() <= 50);
}

TEST_CASE("of many seeds a few are asked at once, and those that are known by then never") {
  std::vector<Address> seeds;
  for (std::uint64_t number = 1; number <= 100; ++number) seeds.push_back(other_address(number));
  Bench bench;
  bench.gossip.join(bench.now, seeds, bench.out);
  CHECK(bench.out.exchanges.size() == coterie::limits::gossip_seeds_at_once);
  // Nobody answers: all get their turn.
  bench.run_for(20s);
  std::set<Address> asked;
  for (const auto& exchange : bench.out.exchanges) asked.insert(exchange.to);
  CHECK(asked.size() == 100);

  Bench other;
  other.gossip.join(other.now, seeds, other.out);
  std::vector<TableEntry> all;
  for (std::uint64_t number = 1; number <= 100; ++number) all.push_back({.member = alive(number)});
  other.gossip.on_stream_reply(other.now, other_address(1),
                               other.exchange(all, EnvelopeKind::exchange_reply), other.out);
  other.run_for(5s);
  CHECK(other.gossip.living() == 101);
  CHECK(other.out.exchanges.size() == coterie::limits::gossip_seeds_at_once);
}

TEST_CASE("a node woken late blames itself") {
  Bench bench;
  bench.hear({alive(1), alive(2), alive(3)});
  bench.gossip.on_timer(bench.now, bench.out);
  bench.now = bench.out.wake + 49ms;
  bench.gossip.on_timer(bench.now, bench.out);
  CHECK(bench.gossip.counters().stalls == 0);
  for (int i = 0; i < 20; ++i) {
    bench.now = bench.out.wake + 10s;
    bench.gossip.on_timer(bench.now, bench.out);
  }
  CHECK(bench.gossip.counters().stalls == 20);
  CHECK(bench.gossip.local_health_multiplier() == 8);
  CHECK(bench.gossip.counters().suspicions == 0);
}

TEST_CASE("silent helpers cast doubt on this node, nacks on the target") {
  for (const bool helpers_answer : {false, true}) {
    Bench bench;
    bench.hear({alive(1), alive(2), alive(3), alive(4)});
    bench.gossip.on_timer(bench.now, bench.out);
    while (bench.gossip.counters().probes_failed == 0) {
      const std::vector<OutPacket> packets = bench.out.packets;
      const auto wake = bench.out.wake;
      for (std::uint64_t helper = 1; helper <= 4 && helpers_answer; ++helper) {
        bench.out.packets = packets;
        const auto requests = bench.sent<PingRequest>(other_address(helper));
        if (requests.empty()) continue;
        bench.header.sender = other_id(helper);
        bench.hear({Nack{.sequence = requests[0].sequence, .subject = requests[0].target}}, helper);
      }
      bench.out.clear();
      bench.now = wake;
      bench.gossip.on_timer(bench.now, bench.out);
    }
    CHECK(bench.gossip.local_health_multiplier() == (helpers_answer ? 1 : 4));
    CHECK(bench.gossip.counters().suspicions == 1);
  }
}

TEST_CASE("a member that is back is probed in the round that is under way") {
  Bench bench;
  for (std::uint64_t i = 1; i <= 10; ++i) bench.hear({alive(i)});
  bench.hear({SuspectClaim{.id = other_id(4), .incarnation = 10, .accusers = {other_id(1)}}});
  bench.hear({DeadClaim{.id = other_id(4), .incarnation = 10}});
  // Whoever is probed answers, so that nobody is suspect and the round goes on.
  std::size_t of_the_returned = 0;
  bench.gossip.on_timer(bench.now, bench.out);
  const Instant back = bench.now + 1s;
  const Instant end = back + 1200ms;
  bool is_back = false;
  while (bench.out.wake <= end) {
    bench.now = bench.out.wake;
    if (!is_back && bench.now >= back) {
      is_back = true;
      bench.hear({alive(4, 11)});
    }
    bench.out.clear();
    bench.gossip.on_timer(bench.now, bench.out);
    const std::vector<OutPacket> packets = bench.out.packets;
    const auto wake = bench.out.wake;
    for (std::uint64_t i = 1; i <= 10; ++i) {
      bench.out.packets = packets;
      for (const Ping& ping : bench.sent<Ping>(other_address(i))) {
        if (i == 4 && !is_back) continue;
        if (i == 4) ++of_the_returned;
        bench.header.sender = other_id(i);
        bench.hear({Ack{.sequence = ping.sequence, .subject = other_id(i)}}, i);
      }
    }
    bench.out.clear();
    bench.out.wake = wake;
  }
  CHECK(of_the_returned >= 1);
}
