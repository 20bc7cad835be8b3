#include "base/siphash.h"

#include <bit>
#include <cstddef>
#include <cstring>

namespace coterie {

namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  void absorb(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

std::uint64_t little_endian_word(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

}  // namespace

std::uint64_t siphash24(const SipKey& key, BytesView bytes) {
  SipState state{.v0 = key.low ^ 0x736f6d6570736575ULL,
                 .v1 = key.high ^ 0x646f72616e646f6dULL,
                 .v2 = key.low ^ 0x6c7967656e657261ULL,
                 .v3 = key.high ^ 0x7465646279746573ULL};
  const std::size_t whole = bytes.size() / 8 * 8;
  for (std::size_t at = 0; at < whole; at += 8) {
    state.absorb(little_endian_word(bytes.data() + at));
  }
  std::uint64_t last = static_cast<std::uint64_t>(bytes.size() & 0xffU) << 56;
  for (std::size_t at = whole; at < bytes.size(); ++at) {
    last |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes[at])) << (8 * (at - whole));
  }
  state.absorb(last);
  state.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

SipKey sip_key_from(BytesView secret) {
  if (secret.empty()) return {};
  return {.low = siphash24({.low = 1, .high = 0}, secret),
          .high = siphash24({.low = 2, .high = 0}, secret)};
}

}  // namespace coterie
