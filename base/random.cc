#include "base/random.h"

#include <bit>

#include "base/check.h"

namespace coterie {

__extension__ using uint128 = unsigned __int128;

Random::Random(std::uint64_t seed) {
  // splitmix64 spreads one word over the state, as the generator's authors advise.
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    word = z ^ (z >> 31);
  }
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
  check(bound > 0, "a draw below zero has no result");
  // Lemire's multiplication without the last bit of unbiasing: a bias of bound / 2^64.
  const auto product = static_cast<uint128>(next()) * bound;
  return static_cast<std::uint64_t>(product >> 64);
}

double Random::unit() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

}  // namespace coterie
