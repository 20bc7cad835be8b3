#include "gossip/packet.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "base/random.h"

namespace coterie::packet_test {

using coterie::Bytes;
using coterie::BytesView;
using coterie::NodeId;
using coterie::Random;
using coterie::SipKey;
using namespace coterie::gossip;
namespace limits = coterie::limits;

namespace {

const ClusterTag cluster{.name_hash = 0x1111, .id_hash = 0x2222};

const Header header{.cluster = cluster,
                    .sender = {.high = 1, .low = 2},
                    .instance = 3,
                    .epoch = {.number = {.lineage = 4, .number = 5}, .hash = 6}};

const SipSeal plain_seal;

std::vector<Message> make_one_of_each() {
  std::vector<Message> out;
  out.emplace_back(Ping{.sequence = 7, .target = {.high = 8, .low = 9}});
  out.emplace_back(Ack{.sequence = 10, .subject = {.high = 11, .low = 12}});
  out.emplace_back(Nack{.sequence = 13, .subject = {.high = 14, .low = 15}});
  out.emplace_back(
      PingRequest{.sequence = 16, .target = {.high = 17, .low = 18}, .address = {"::1", 7101}});
  AliveClaim alive;
  alive.id = {.high = 19, .low = 20};
  alive.incarnation = 21;
  alive.address = {"10.0.0.1", 7102};
  alive.meta = "meta";
  out.emplace_back(std::move(alive));
  out.emplace_back(SuspectClaim{.id = {.high = 22, .low = 23},
                                .incarnation = 24,
                                .accusers = {{.high = 25, .low = 26}, {.high = 27, .low = 28}}});
  out.emplace_back(DeadClaim{.id = {.high = 29, .low = 30}, .incarnation = 31});
  out.emplace_back(LeftClaim{.id = {.high = 32, .low = 33}, .incarnation = 34});
  out.emplace_back(ClockShown{.sequence = 35, .wall_ms = 36});
  return out;
}

const std::vector<Message> one_of_each = make_one_of_each();

Bytes body_of(const std::vector<Message>& messages) {
  Bytes out;
  for (const Message& message : messages) out += encode_message(message);
  return out;
}

Bytes sealed(BytesView body, const PacketSeal& seal = plain_seal,
             EnvelopeKind kind = EnvelopeKind::packet) {
  EnvelopeWriter writer(kind, header, seal, limits::gossip_packet_bytes);
  REQUIRE(writer.add(body));
  return writer.finish();
}

std::string hex(BytesView bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<std::uint8_t>(c) >> 4];
    out += "0123456789abcdef"[static_cast<std::uint8_t>(c) & 15];
  }
  return out;
}

EnvelopeFault fault_of(BytesView bytes, const ClusterTag& ours = cluster,
                       const PacketSeal& seal = plain_seal) {
  const auto opened = open_envelope(bytes, ours, seal);
  REQUIRE(!opened);
  return opened.error();
}

}  // namespace

TEST_CASE("a packet is opened as it was sealed") {
  const Bytes bytes = sealed(body_of(one_of_each));
  const auto opened = open_envelope(bytes, cluster, plain_seal);
  REQUIRE(opened);
  CHECK(opened->kind == EnvelopeKind::packet);
  CHECK(opened->header.sender == header.sender);
  CHECK(opened->header.instance == 3);
  CHECK(opened->header.epoch == header.epoch);
  const auto messages = decode_messages(opened->body);
  REQUIRE(messages);
  CHECK(messages->size() == one_of_each.size());
  CHECK(body_of(*messages) == body_of(one_of_each));
  CHECK(std::get<AliveClaim>((*messages)[4]).address.text() == "10.0.0.1:7102");
  CHECK(std::get<SuspectClaim>((*messages)[5]).accusers.size() == 2);
}

TEST_CASE("a table is read as it was written") {
  const std::vector<TableEntry> entries = {
      {.member = std::get<AliveClaim>(one_of_each[4]), .state = MemberState::alive, .age_s = 1},
      {.member = {.id = {.high = 1}, .incarnation = 2, .address = {"b", 3}, .meta = ""},
       .state = MemberState::left,
       .age_s = 4}};
  const Bytes bytes = encode_table(entries);
  const auto read = decode_table(bytes);
  REQUIRE(read);
  CHECK(encode_table(*read) == bytes);
  CHECK((*read)[1].state == MemberState::left);
  CHECK(!decode_table(encode_table({})));
  CHECK(!decode_table(bytes + "x"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(!decode_table(BytesView(bytes).substr(0, size)));
  }
}

TEST_CASE("the bytes of version 1 are these") {
  const std::string expected =
      "43544750"                                                  // magic
      "01010000"                                                  // version, kind, key, zero
      "1111000000000000"                                          // cluster name
      "2222000000000000"                                          // cluster id
      "01000000000000000200000000000000"                          // sender
      "0300000000000000"                                          // instance
      "04000000"                                                  // lineage
      "0500000000000000"                                          // number
      "0600000000000000"                                          // hash
      "01140700000008000000000000000900000000000000"              // ping
      "02140a0000000b000000000000000c00000000000000"              // ack
      "03140d0000000e000000000000000f00000000000000"              // nack
      "041a1000000011000000000000001200000000000000033a3a31bd1b"  // ping request
      "05281300000000000000140000000000000015000000000000000831302e302e302e31be"  // alive
      "1b046d657461"
      "06391600000000000000170000000000000018000000000000000219000000000000001a"  // suspect
      "000000000000001b000000000000001c00000000000000"
      "07181d000000000000001e000000000000001f00000000000000"  // dead
      "0818200000000000000021000000000000002200000000000000"  // left
      "090c230000002400000000000000"                          // clock shown
      "da5577c5fde45911";                                     // tag
  CHECK(hex(sealed(body_of(one_of_each))) == expected);
}

TEST_CASE("a packet cut short anywhere is refused") {
  const Bytes bytes = sealed(body_of(one_of_each));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const EnvelopeFault fault = fault_of(BytesView(bytes).substr(0, size));
    CHECK((fault == EnvelopeFault::malformed || fault == EnvelopeFault::unverified));
  }
}

TEST_CASE("a packet with any bit flipped is refused") {
  const Bytes bytes = sealed(body_of(one_of_each));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    CHECK(!open_envelope(changed, cluster, plain_seal));
  }
}

TEST_CASE("what is foreign is told apart") {
  const Bytes bytes = sealed(body_of(one_of_each));
  CHECK(fault_of(bytes, {.name_hash = 0x9999, .id_hash = 0x2222}) == EnvelopeFault::other_cluster);
  CHECK(fault_of(bytes, {.name_hash = 0x1111, .id_hash = 0x9999}) == EnvelopeFault::other_cluster);
  CHECK(fault_of(bytes, cluster, SipSeal(0, {.low = 1})) == EnvelopeFault::unverified);
  CHECK(fault_of(bytes, cluster, SipSeal(1, {})) == EnvelopeFault::unverified);
  Bytes newer = bytes;
  newer[4] = 2;
  CHECK(fault_of(newer) == EnvelopeFault::newer_version);
  CHECK(fault_of(BytesView(newer).substr(0, 5)) == EnvelopeFault::newer_version);
  CHECK(fault_of("") == EnvelopeFault::malformed);
  CHECK(fault_of(Bytes(2000, 'x')) == EnvelopeFault::malformed);
  // Before birth a node knows only the name.
  CHECK(open_envelope(bytes, {.name_hash = 0x1111, .id_hash = 0}, plain_seal));
}

TEST_CASE("a secret is changed node by node") {
  const SipKey old_key{.low = 1};
  const SipKey new_key{.low = 2};
  SipSeal both(2, new_key);
  both.accept(1, old_key);
  CHECK(open_envelope(sealed("", SipSeal(1, old_key)), cluster, both));
  CHECK(open_envelope(sealed("", both), cluster, both));
  CHECK(!open_envelope(sealed("", both), cluster, SipSeal(1, old_key)));
}

TEST_CASE("a message of a later build is skipped, one of kind 0 is malformed") {
  Bytes body = encode_message(one_of_each[0]);
  body += Bytes("\x63\x03", 2) + "new";
  body += encode_message(one_of_each[1]);
  const auto messages = decode_messages(body);
  REQUIRE(messages);
  CHECK(messages->size() == 2);
  CHECK(!decode_messages(Bytes("\x00\x00", 2)));
}

TEST_CASE("a message is neither longer nor shorter than it is") {
  for (const Message& message : one_of_each) {
    const Bytes bytes = encode_message(message);
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      CHECK(!decode_messages(BytesView(bytes).substr(0, size)));
    }
    Bytes longer = bytes + "x";
    ++longer[1];
    CHECK(!decode_messages(longer));
  }
}

TEST_CASE("messages at and over their limits") {
  AliveClaim claim = std::get<AliveClaim>(one_of_each[4]);
  claim.meta = Bytes(limits::gossip_meta_bytes, 'm');
  claim.address.host = std::string(limits::address_host_bytes, 'h');
  claim.incarnation = incarnation_end - 1;
  CHECK(decode_messages(encode_message(claim)));
  const auto refused = [&](auto change) {
    AliveClaim wrong = claim;
    change(wrong);
    return !decode_messages(encode_message(wrong));
  };
  CHECK(refused([](AliveClaim& wrong) { wrong.meta += 'm'; }));
  CHECK(refused([](AliveClaim& wrong) { wrong.address.host += 'h'; }));
  CHECK(refused([](AliveClaim& wrong) { wrong.address.host.clear(); }));
  CHECK(refused([](AliveClaim& wrong) { ++wrong.incarnation; }));
  CHECK(!decode_messages(encode_message(DeadClaim{.id = {}, .incarnation = incarnation_end})));

  SuspectClaim suspect = std::get<SuspectClaim>(one_of_each[5]);
  std::swap(suspect.accusers[0], suspect.accusers[1]);
  CHECK(!decode_messages(encode_message(suspect)));
  suspect.accusers[1] = suspect.accusers[0];
  CHECK(!decode_messages(encode_message(suspect)));
}

TEST_CASE("the largest messages of a packet fit into it") {
  const NodeId id;
  SuspectClaim notice{.id = id, .incarnation = 1, .accusers = {}};
  for (std::uint64_t i = 0; i < accusers_most; ++i) notice.accusers.push_back({.low = i});
  const PingRequest request{
      .sequence = 1, .target = id, .address = {std::string(limits::address_host_bytes, 'h'), 1}};
  const AliveClaim claim{.id = id,
                         .incarnation = 1,
                         .address = request.address,
                         .meta = Bytes(limits::gossip_meta_bytes, 'm')};
  CHECK(sealed(body_of({notice, request, claim})).size() <= limits::gossip_packet_bytes);
}

TEST_CASE("a writer takes what fits and no more") {
  EnvelopeWriter writer(EnvelopeKind::packet, header, plain_seal, 100);
  CHECK(writer.empty());
  CHECK(!writer.add(Bytes(25, 'x')));
  CHECK(writer.empty());
  CHECK(writer.add(Bytes(24, 'x')));
  CHECK(writer.room() == 0);
  CHECK(!writer.empty());
  CHECK(writer.finish().size() == 100);
}

TEST_CASE("no row of bytes makes a decoder do more than refuse") {
  Random random(1);
  const Bytes good = body_of(one_of_each);
  std::size_t accepted = 0;
  for (int run = 0; run < 200000; ++run) {
    Bytes bytes = good;
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    bytes.resize(random.below(bytes.size() + 1));
    const auto messages = decode_messages(bytes);
    if (messages) {
      ++accepted;
      // What was understood is written as it was read, but for what was skipped.
      CHECK(decode_messages(body_of(*messages)));
    }
    static_cast<void>(decode_table(bytes));
  }
  CHECK(accepted > 0);
}

}  // namespace coterie::packet_test
