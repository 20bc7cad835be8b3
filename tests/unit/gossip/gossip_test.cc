#include "gossip/gossip.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/unit/gossip/bench.h"

using coterie::Bytes;
using coterie::BytesView;
using coterie::Instant;
using namespace coterie::gossip;
using namespace coterie::gossip::test;
using namespace std::chrono_literals;
namespace limits = coterie::limits;

TEST_CASE("an accusation is refuted with a higher incarnation, in the ack already") {
  Bench bench;
  bench.hear({SuspectClaim{.id = self_id, .incarnation = 150, .accusers = {other_id(1)}},
              Ping{.sequence = 5, .target = self_id}});
  CHECK(bench.gossip.self().incarnation == 151);
  CHECK(bench.gossip.counters().refutations == 1);
  CHECK(bench.gossip.local_health_multiplier() == 2);
  const auto claims = bench.sent<AliveClaim>(other_address(1));
  REQUIRE(claims.size() == 1);
  CHECK(claims[0].incarnation == 151);
  CHECK(claims[0].meta == "self");

  // The same accusation again is stale, and is answered without another incarnation.
  for (int i = 0; i < 20; ++i) {
    bench.hear({SuspectClaim{.id = self_id, .incarnation = 150, .accusers = {other_id(1)}}});
    CHECK(bench.gossip.self().incarnation == 151);
    CHECK(bench.sent<AliveClaim>(other_address(1)).size() >= 1);
  }
  bench.hear({DeadClaim{.id = self_id, .incarnation = 151}});
  CHECK(bench.gossip.self().incarnation == 152);
  bench.hear({LeftClaim{.id = self_id, .incarnation = 152}});
  CHECK(bench.gossip.self().incarnation == 153);
}

TEST_CASE("an absurd incarnation does not push ours over the end") {
  Bench bench;
  bench.hear({DeadClaim{.id = self_id, .incarnation = incarnation_end - 1}});
  CHECK(bench.gossip.self().incarnation == 100);
  bench.hear({DeadClaim{.id = self_id, .incarnation = 1000}});
  CHECK(bench.gossip.self().incarnation == 1001);
}

TEST_CASE("a higher incarnation outranks, and at one incarnation the graver state does") {
  Bench bench;
  const auto state = [&] { return bench.gossip.find(other_id(2))->state; };
  const auto suspect = [](std::uint64_t incarnation) {
    return SuspectClaim{.id = other_id(2), .incarnation = incarnation, .accusers = {other_id(1)}};
  };
  bench.hear({suspect(10)});
  CHECK(bench.gossip.find(other_id(2)) == nullptr);  // not known, nothing to suspect
  bench.hear({alive(2, 10)});
  CHECK(bench.events(EventKind::joined) == 1);
  bench.hear({suspect(9)});
  CHECK(state() == MemberState::alive);
  bench.hear({suspect(10)});
  CHECK(state() == MemberState::suspect);
  CHECK(bench.events(EventKind::suspect) == 1);
  bench.hear({alive(2, 10)});
  CHECK(state() == MemberState::suspect);
  bench.hear({alive(2, 11)});
  CHECK(state() == MemberState::alive);
  CHECK(bench.events(EventKind::alive_again) == 1);
  bench.hear({DeadClaim{.id = other_id(2), .incarnation = 10}});
  CHECK(state() == MemberState::alive);
  bench.hear({DeadClaim{.id = other_id(2), .incarnation = 11}});
  CHECK(state() == MemberState::suspect);  // nobody had accused it before
  bench.hear({DeadClaim{.id = other_id(2), .incarnation = 11}});
  CHECK(state() == MemberState::dead);
  CHECK(bench.events(EventKind::dead) == 1);
  bench.hear({suspect(11)});
  CHECK(state() == MemberState::dead);
  bench.hear({LeftClaim{.id = other_id(2), .incarnation = 11}});
  CHECK(state() == MemberState::left);
  bench.hear({DeadClaim{.id = other_id(2), .incarnation = 11}});
  CHECK(state() == MemberState::left);
  bench.hear({alive(2, 12)});
  CHECK(state() == MemberState::alive);
  AliveClaim moved = alive(2, 13);
  moved.address = other_address(77);
  bench.hear({moved});
  CHECK(bench.events(EventKind::updated) == 1);
  CHECK(bench.gossip.find(other_id(2))->address == other_address(77));
}

TEST_CASE("who accuses on stale grounds is told better at once") {
  Bench bench;
  bench.hear({alive(2, 10), alive(1, 10)});
  bench.hear({SuspectClaim{.id = other_id(2), .incarnation = 9, .accusers = {other_id(1)}}});
  bool told = false;
  for (const AliveClaim& claim : bench.sent<AliveClaim>(other_address(1))) {
    told |= claim.id == other_id(2) && claim.incarnation == 10;
  }
  CHECK(told);
  CHECK(bench.gossip.find(other_id(2))->state == MemberState::alive);
}

TEST_CASE("an epoch ahead of ours is reported, not at every packet") {
  Bench bench;
  bench.hear({});
  CHECK(bench.out.events.empty());
  bench.header.epoch = {.number = {1, 6}, .hash = 60};
  bench.hear({alive(1)});
  REQUIRE(bench.events(EventKind::epoch_ahead) == 1);
  CHECK(bench.out.events.back().member.address == other_address(1));
  CHECK(bench.out.events.back().member.epoch.number == coterie::EpochNumber{1, 6});
  bench.hear({});
  CHECK(bench.events(EventKind::epoch_ahead) == 0);
  bench.header.epoch.number = {2, 1};
  bench.hear({});
  CHECK(bench.events(EventKind::epoch_ahead) == 1);
  bench.run_for(1100ms);
  bench.hear({});
  CHECK(bench.events(EventKind::epoch_ahead) == 1);
  bench.gossip.set_epoch(bench.header.epoch);
  bench.run_for(1100ms);
  bench.hear({});
  CHECK(bench.out.events.empty());
  bench.header.epoch.hash = 61;
  bench.hear({});
  CHECK(bench.events(EventKind::epoch_differs) == 1);
  bench.hear({});
  CHECK(bench.events(EventKind::epoch_differs) == 0);
  CHECK(bench.gossip.find(other_id(1))->epoch.hash == 61);
}

TEST_CASE("our epoch goes with every packet") {
  Bench bench;
  bench.gossip.set_epoch({.number = {1, 9}, .hash = 90});
  bench.hear({Ping{.sequence = 5, .target = self_id}});
  const auto opened = open_envelope(bench.out.packets.at(0).bytes, cluster, bench.seal);
  CHECK(opened->header.epoch == EpochMark{.number = {1, 9}, .hash = 90});
}

TEST_CASE("another id at our address, and our id in another process, are reported once") {
  Bench bench;
  AliveClaim usurper = alive(2);
  usurper.address = self_address;
  bench.hear({usurper});
  REQUIRE(bench.events(EventKind::conflict) == 1);
  CHECK(bench.out.events.front().member.id == other_id(2));
  usurper.incarnation += 1;
  bench.hear({usurper});
  CHECK(bench.events(EventKind::conflict) == 0);

  bench.header.sender = self_id;
  bench.hear({Ping{.sequence = 1, .target = self_id}}, 9);
  REQUIRE(bench.events(EventKind::conflict) == 1);
  CHECK(bench.out.events.front().member.id == self_id);
  CHECK(bench.out.events.front().member.address == other_address(9));
  CHECK(bench.out.packets.empty());
  bench.hear({Ping{.sequence = 1, .target = self_id}}, 9);
  CHECK(bench.out.events.empty());
  CHECK(bench.gossip.counters().dropped_own == 2);
}

TEST_CASE("an earlier run of ours that counted further is overtaken") {
  Bench bench;
  bench.hear(
      {AliveClaim{.id = self_id, .incarnation = 500, .address = self_address, .meta = "earlier"}});
  CHECK(bench.gossip.self().incarnation == 501);
  CHECK(bench.gossip.self().meta == "self");
  CHECK(bench.events(EventKind::conflict) == 0);
}

TEST_CASE("what is dropped is counted by its kind") {
  Bench bench;
  const Bytes good = bench.packet({Ping{.sequence = 1, .target = self_id}});
  const auto give = [&](BytesView bytes) {
    bench.out.clear();
    bench.gossip.on_packet(bench.now, bench.wall(), other_address(1), bytes, bench.out);
    CHECK(bench.out.packets.empty());
  };
  const Counters& counters = bench.gossip.counters();
  give(BytesView(good).substr(0, 40));
  CHECK(counters.dropped_malformed == 1);
  give(Bytes(limits::gossip_packet_bytes + 1, 'x'));
  CHECK(counters.dropped_malformed == 2);
  Bytes changed = good;
  changed[4] = 9;
  give(changed);
  CHECK(counters.dropped_newer_version == 1);
  changed = good;
  changed[80] = static_cast<char>(changed[80] ^ 1);
  give(changed);
  CHECK(counters.dropped_unverified == 1);
  bench.header.cluster.id_hash = 77;
  give(bench.packet({}));
  CHECK(counters.dropped_other_cluster == 1);
  bench.header.cluster = cluster;
  EnvelopeWriter writer(EnvelopeKind::packet, bench.header, bench.seal, 1400);
  writer.add("\x01");
  give(writer.finish());
  CHECK(counters.dropped_malformed == 3);
  give(bench.exchange({{.member = alive(1)}}, EnvelopeKind::exchange_request));
  CHECK(counters.dropped_malformed == 4);
  CHECK(counters.packets_in == 7);
  CHECK(bench.gossip.members().size() == 1);
}

TEST_CASE("before birth only the cluster's name counts") {
  Bench bench;
  bench.header.cluster.id_hash = 0;
  bench.hear({Ping{.sequence = 1, .target = self_id}});
  CHECK(bench.out.packets.size() == 1);
  bench.gossip.set_cluster_id(3);
  bench.header.cluster.id_hash = 2;
  bench.hear({Ping{.sequence = 1, .target = self_id}});
  CHECK(bench.out.packets.empty());
}

TEST_CASE("an exchange is answered with the whole table") {
  Bench bench;
  bench.hear({alive(2)});
  const auto reply = bench.gossip.on_stream_request(
      bench.now, bench.exchange({{.member = alive(1)}}, EnvelopeKind::exchange_request), bench.out);
  REQUIRE(reply);
  const auto opened = open_envelope(*reply, cluster, bench.seal);
  REQUIRE(opened);
  CHECK(opened->kind == EnvelopeKind::exchange_reply);
  const auto entries = decode_table(opened->body);
  REQUIRE(entries);
  CHECK(entries->size() == 3);
  CHECK(entries->front().member.id == self_id);

  CHECK(!bench.gossip.on_stream_request(bench.now, *reply, bench.out));
  CHECK(!bench.gossip.on_stream_request(bench.now, "", bench.out));
  CHECK(!bench.gossip.on_stream_request(bench.now, Bytes(100, 'x'), bench.out));
  bench.header.cluster.name_hash = 5;
  const auto foreign = bench.gossip.on_stream_request(
      bench.now, bench.exchange({{.member = alive(3)}}, EnvelopeKind::exchange_request), bench.out);
  REQUIRE(!foreign);
  CHECK(foreign.error().code == coterie::ErrorCode::refused);
  CHECK(bench.gossip.find(other_id(3)) == nullptr);
}

TEST_CASE("another's dead are only suspects here, if they were alive") {
  Bench bench;
  bench.hear({alive(2)});
  bench.gossip.on_stream_reply(
      bench.now, other_address(1),
      bench.exchange({{.member = alive(1)},
                      {.member = alive(2), .state = MemberState::dead},
                      {.member = alive(3), .state = MemberState::dead, .age_s = 5},
                      {.member = alive(4), .state = MemberState::left},
                      {.member = alive(5), .state = MemberState::dead, .age_s = 86400},
                      {.member = alive(6), .state = MemberState::suspect}},
                     EnvelopeKind::exchange_reply),
      bench.out);
  CHECK(bench.gossip.find(other_id(1))->state == MemberState::alive);
  CHECK(bench.gossip.find(other_id(2))->state == MemberState::suspect);
  CHECK(bench.gossip.find(other_id(3))->state == MemberState::dead);
  CHECK(bench.now - bench.gossip.find(other_id(3))->since == 5s);
  CHECK(bench.gossip.find(other_id(4))->state == MemberState::left);
  CHECK(bench.gossip.find(other_id(5)) == nullptr);
  CHECK(bench.gossip.find(other_id(6))->state == MemberState::suspect);
}

TEST_CASE("a bad or failed answer is counted") {
  Bench bench;
  bench.gossip.on_stream_reply(bench.now, other_address(1), "junk", bench.out);
  bench.gossip.on_stream_failed(bench.now, other_address(1), bench.out);
  CHECK(bench.gossip.counters().exchanges_failed == 2);
}

TEST_CASE("the table takes as many members as it may, and no more") {
  Bench bench;
  for (std::uint64_t i = 1; i <= limits::gossip_members + 5; ++i) {
    AliveClaim claim = alive(i);
    claim.address = {"h", 1};
    bench.hear({claim});
  }
  CHECK(bench.gossip.members().size() == limits::gossip_members);
  CHECK(bench.gossip.counters().dropped_table_full == 6);
  const auto reply = bench.gossip.on_stream_request(
      bench.now, bench.exchange({{.member = alive(1)}}, EnvelopeKind::exchange_request), bench.out);
  REQUIRE(reply);
  CHECK(reply->size() <= limits::gossip_state_bytes);
}

TEST_CASE("a node that leaves refutes nothing and joins nobody") {
  Bench bench;
  bench.hear({alive(1)});
  bench.out.clear();
  bench.gossip.leave(bench.now, bench.out);
  CHECK(bench.sent<LeftClaim>(other_address(1)).size() == 1);
  CHECK(!bench.gossip.may_stop());
  bench.hear({DeadClaim{.id = self_id, .incarnation = 100}});
  CHECK(bench.gossip.self().incarnation == 100);
  bench.hear({Ping{.sequence = 1, .target = self_id}});
  CHECK(bench.sent<Ack>().size() == 1);
  bench.out.clear();
  bench.run_for(2s);
  CHECK(bench.gossip.may_stop());
  CHECK(bench.sent<Ping>().empty());
  CHECK(bench.out.exchanges.empty());
}
