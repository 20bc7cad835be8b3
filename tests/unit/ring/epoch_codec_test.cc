#include "ring/epoch_codec.h"

#include <doctest/doctest.h>

#include <functional>

#include "base/codec.h"
#include "base/hash.h"
#include "tests/unit/ring/epoch_samples.h"

using namespace coterie;
using namespace coterie::epoch_samples;

namespace {

std::string hex_of(BytesView bytes) {
  std::string shown;
  for (const char c : bytes) shown += to_hex(static_cast<std::uint8_t>(c)).substr(14);
  return shown;
}

/// Bytes with a checksum that is right, whatever they say: what a fault before the checksum, or
/// an enemy, would write.
Bytes sealed(BytesView body) {
  Bytes bytes(body);
  ByteWriter(bytes).u64(hash64(body));
  return bytes;
}

Bytes body_of(const Epoch& epoch) {
  Bytes bytes = encode_epoch(epoch);
  bytes.resize(bytes.size() - 8);
  return bytes;
}

/// An error, or the epoch whose one encoding these bytes are.
bool refused_or_canonical(BytesView bytes) {
  const auto decoded = decode_epoch(bytes);
  return !decoded || encode_epoch(*decoded) == bytes;
}

}  // namespace

// clang-format off
TEST_CASE("an epoch's golden bytes") {
  EpochContents contents = first_epoch(birth_of(3))->contents();
  for (std::size_t i = 0; i < contents.owners.size(); ++i) {
    contents.owners[i] = contents.members[(i / 3 + i) % 3].id;
  }
  contents.configurations.back().value = 300;
  const Epoch epoch = *Epoch::make(contents);
  std::string expected =
      "0100" "01000000" "0100000000000000"                    // format, lineage, number
      "08070605040302010900000000000000" "2a00000000000000"   // cluster, hash seed
      "10000000" "03"                                         // partitions, replicas
      "03"                                                    // members
      "fe0f0000000000000200000000000000" "05" "7a6f6e6532" "01" "0e" "3132372e302e302e313a37303032"
      "ff0f0000000000000100000000000000" "05" "7a6f6e6531" "01" "0e" "3132372e302e302e313a37303031"
      "00100000000000000000000000000000" "05" "7a6f6e6530" "01" "0e" "3132372e302e302e313a37303030"
      "03" "000102"                                           // voters
      "02"                                                    // buckets
      "01" "08" "73657373696f6e73" "00" "01" "03" "01" "01" "01" "80dddb01"
      "02" "05" "776f726473" "00" "03" "03" "00" "00" "00" "00";
  // stage, configuration, owners of each partition; checksum
  for (int i = 0; i < 5; ++i) expected += "0001" "000102" "0001" "010200" "0001" "020001";
  expected += "00ac02" "000102" "b85294ff4d1c8bc9";
  CHECK(hex_of(encode_epoch(epoch)) == expected);
}
// clang-format on

TEST_CASE("golden bytes of buckets that have had smaller numbers") {
  EpochContents contents = first_epoch(birth_of(3))->contents();
  const Bytes before = body_of(*Epoch::make(contents));
  contents.buckets.back().least_w = 1;
  const Epoch epoch = *Epoch::make(contents);
  const Bytes after = body_of(epoch);
  CHECK(hex_of(after).starts_with("0300"));
  const std::string buckets = hex_of(after).substr(2 * before.find("sessions"));
  CHECK(
      buckets.starts_with("73657373696f6e73"
                          "00"
                          "01"
                          "03"
                          "01"
                          "01"
                          "01"
                          "80dddb01"
                          "0000"
                          "02"
                          "05"
                          "776f726473"
                          "00"
                          "03"
                          "03"
                          "00"
                          "00"
                          "00"
                          "00"
                          "0001"));
  CHECK(after.size() == before.size() + 2 * 2 + 1);
  CHECK(after.back() == 0);  // changes
  CHECK(*decode_epoch(encode_epoch(epoch)) == epoch);
  // Without any such number the format is another.
  Bytes plain = after;
  plain[after.find("words") + 5 + 8] = 0;
  CHECK(decode_epoch(sealed(plain)).error().code == ErrorCode::corrupt);
  plain[after.find("words") + 5 + 8] = 3;
  CHECK(decode_epoch(sealed(plain)).error().code == ErrorCode::corrupt);
}

TEST_CASE("an epoch comes back from its bytes") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    const Epoch epoch = *Epoch::make(drawn_contents(seed));
    const Bytes bytes = encode_epoch(epoch);
    const auto decoded = decode_epoch(bytes);
    REQUIRE(decoded);
    REQUIRE(*decoded == epoch);
    REQUIRE(decoded->hash() == epoch.hash());
    REQUIRE(encode_epoch(*decoded) == bytes);
  }
}

TEST_CASE("members beyond 256 have places of two bytes") {
  for (const std::size_t members : {256U, 257U}) {
    const Epoch epoch = *first_epoch(birth_of(members));
    const auto decoded = decode_epoch(encode_epoch(epoch));
    REQUIRE(decoded);
    CHECK(*decoded == epoch);
  }
}

TEST_CASE("the largest ring stays compact") {
  const Bytes bytes = encode_epoch(*first_epoch(birth_of(12, 3, 16384)));
  CHECK(bytes.size() <= 16384 * 5 + 1000);  // stage, configuration, three places
}

TEST_CASE("every truncation is refused, and so is anything after the end") {
  const Bytes bytes = encode_epoch(*first_epoch(birth_of(4)));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    REQUIRE_FALSE(decode_epoch(BytesView(bytes).substr(0, size)));
  }
  CHECK_FALSE(decode_epoch(bytes + '\0'));
  const Bytes body = body_of(*first_epoch(birth_of(4)));
  for (std::size_t size = 0; size < body.size(); ++size) {
    CAPTURE(size);
    REQUIRE_FALSE(decode_epoch(sealed(BytesView(body).substr(0, size))));
  }
  CHECK_FALSE(decode_epoch(sealed(body + '\0')));
}

TEST_CASE("every flipped bit is refused") {
  const Bytes bytes = encode_epoch(*first_epoch(birth_of(4)));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    CAPTURE(bit);
    Bytes flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    REQUIRE_FALSE(decode_epoch(flipped));
  }
}

TEST_CASE("flipped bits under a right checksum are refused, or another epoch's one encoding") {
  const Bytes body = body_of(*first_epoch(birth_of(4)));
  for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
    CAPTURE(bit);
    Bytes flipped = body;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    REQUIRE(refused_or_canonical(sealed(flipped)));
  }
}

TEST_CASE("bytes mangled at random under a right checksum are refused or canonical") {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Bytes body = body_of(*Epoch::make(drawn_contents(seed % 10)));
    for (std::uint64_t n = 1 + random.below(4); n > 0; --n) {
      const std::size_t place = random.below(random.chance(0.5) ? 80 : body.size());
      if (random.chance(0.2)) {
        body.erase(place, 1 + random.below(4));
      } else {
        body[place] = static_cast<char>(random.chance(0.3) ? 0xff : random.below(256));
      }
    }
    REQUIRE(refused_or_canonical(sealed(body)));
  }
}

TEST_CASE("what this build does not know is told from damage") {
  const Epoch epoch = *first_epoch(birth_of(4));
  const Bytes body = body_of(epoch);
  const auto code_after = [&](const std::function<void(Bytes&)>& change) {
    Bytes changed = body;
    change(changed);
    const auto decoded = decode_epoch(sealed(changed));
    REQUIRE_FALSE(decoded);
    return decoded.error().code;
  };
  const std::size_t bucket = body.find("words") + 5;  // kind, r, w, sloppy, ...
  const std::size_t partitions =
      body.size() - std::size_t{16} * (1 + 1 + 3);  // stage, number, places
  CHECK(code_after([](Bytes& b) { b[0] = 4; }) == ErrorCode::unsupported_version);
  CHECK(code_after([](Bytes& b) { b[0] = 0; }) == ErrorCode::corrupt);
  CHECK(code_after([&](Bytes& b) { b[bucket] = 1; }) == ErrorCode::unsupported_version);
  CHECK(code_after([&](Bytes& b) { b[bucket + 1] = 9; }) == ErrorCode::corrupt);
  CHECK(code_after([&](Bytes& b) { b[bucket + 3] = 2; }) == ErrorCode::corrupt);
  CHECK(code_after([&](Bytes& b) { b[bucket + 4] = 2; }) == ErrorCode::unsupported_version);
  CHECK(code_after([&](Bytes& b) { b[bucket + 5] = 2; }) == ErrorCode::unsupported_version);
  CHECK(code_after([&](Bytes& b) { b[partitions] = 3; }) == ErrorCode::unsupported_version);
  CHECK(code_after([&](Bytes& b) { b[partitions] = 6; }) == ErrorCode::unsupported_version);
  CHECK(code_after([&](Bytes& b) { b[partitions + 1] = 0; }) == ErrorCode::corrupt);
  CHECK(code_after([&](Bytes& b) { b[partitions + 2] = 4; }) == ErrorCode::corrupt);
  CHECK(code_after([&](Bytes& b) { b[partitions + 2] = b[partitions + 3]; }) == ErrorCode::corrupt);
  // A number written longer than it need be says the same, but is not what encode_epoch() writes.
  CHECK(code_after([&](Bytes& b) { b.replace(partitions + 1, 1, BytesView("\x81\x00", 2)); }) ==
        ErrorCode::corrupt);
}
