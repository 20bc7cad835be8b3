#include "base/siphash.h"

#include <doctest/doctest.h>

#include <set>

using coterie::Bytes;
using coterie::sip_key_from;
using coterie::siphash24;
using coterie::SipKey;

namespace {

// Key 00 01 .. 0f; the message of length i is 00 01 .. i-1: the authors' own vectors.
constexpr SipKey reference_key{.low = 0x0706050403020100ULL, .high = 0x0f0e0d0c0b0a0908ULL};

Bytes counting(std::size_t size) {
  Bytes out;
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(i));
  return out;
}

}  // namespace

TEST_CASE("siphash-2-4 agrees with its authors' vectors") {
  CHECK(siphash24(reference_key, counting(0)) == 0x726fdb47dd0e0e31ULL);
  CHECK(siphash24(reference_key, counting(1)) == 0x74f839c593dc67fdULL);
  CHECK(siphash24(reference_key, counting(2)) == 0x0d6c8009d9a94f5aULL);
  CHECK(siphash24(reference_key, counting(3)) == 0x85676696d7fb7e2dULL);
  CHECK(siphash24(reference_key, counting(7)) == 0xab0200f58b01d137ULL);
  CHECK(siphash24(reference_key, counting(8)) == 0x93f5f5799a932462ULL);
  CHECK(siphash24(reference_key, counting(15)) == 0xa129ca6149be45e5ULL);
  CHECK(siphash24(reference_key, counting(63)) == 0x958a324ceb064572ULL);
}

TEST_CASE("another key or another byte gives another tag") {
  std::set<std::uint64_t> tags;
  const Bytes message = counting(40);
  for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
    Bytes changed = message;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    tags.insert(siphash24(reference_key, changed));
  }
  tags.insert(siphash24({}, message));
  tags.insert(siphash24(reference_key, message));
  CHECK(tags.size() == 8 * message.size() + 2);
}

TEST_CASE("a secret gives a key; no secret gives the zero key") {
  CHECK(sip_key_from("") == SipKey{});
  CHECK(sip_key_from("a") != sip_key_from("b"));
  CHECK(sip_key_from("a") != SipKey{});
}
