#pragma once

#include <xxhash.h>

#include <cstdint>

#include "base/bytes.h"

namespace coterie {

/// XXH3-64 with a seed. Not against adversaries: for placement, checksums and tree leaves.
[[nodiscard]] inline std::uint64_t hash64(BytesView bytes, std::uint64_t seed = 0) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace coterie
