#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace coterie {

/// 128 secret bits.
struct SipKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  bool operator==(const SipKey&) const = default;
};

/// SipHash-2-4 (Aumasson and Bernstein 2012): a 64-bit tag that nobody without the key can make.
/// It keeps strangers and strayed packets out; it hides nothing, and does not stop a replay.
[[nodiscard]] std::uint64_t siphash24(const SipKey& key, BytesView bytes);

/// A key from a configured secret of any length; an empty secret gives the all-zero key.
[[nodiscard]] SipKey sip_key_from(BytesView secret);

}  // namespace coterie
