#pragma once

#include <cstdint>

namespace coterie::transfer {

/// A 64-bit hash in 32 bits, under a salt (Dietzfelbinger's multiply-shift): two hashes that fold
/// alike do so under one salt in 2^31 or so, and each comparison draws its own. For the wire:
/// docs/protocol.md.
[[nodiscard]] constexpr std::uint32_t folded(std::uint64_t hash, std::uint64_t salt) {
  return static_cast<std::uint32_t>((hash * (salt | 1)) >> 32);
}

/// In 16 bits: one in 2^15 folds alike. What rests on it is checked by whole hashes.
[[nodiscard]] constexpr std::uint16_t folded_short(std::uint64_t hash, std::uint64_t salt) {
  return static_cast<std::uint16_t>(folded(hash, salt) >> 16);
}

}  // namespace coterie::transfer
