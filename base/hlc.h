#pragma once

#include <compare>
#include <cstdint>

#include "base/instant.h"

namespace coterie {

/// A hybrid logical timestamp: 48 bits of wall milliseconds, then 16 bits of counter. It orders lww
/// and expiry, never causality.
struct Timestamp {
  std::uint64_t value = 0;

  constexpr auto operator<=>(const Timestamp&) const = default;
  [[nodiscard]] constexpr std::uint64_t wall_ms() const { return value >> 16; }
};

/// A hybrid logical clock (Kulkarni et al. 2014, "Logical Physical Clocks"). Not thread-safe: one a
/// shard.
class HybridClock {
 public:
  /// A timestamp above every one made or adopted here, and at or above `now`.
  Timestamp make(WallTime now);
  /// A timestamp that is also above `floor` (an lww put must exceed what it replaces).
  Timestamp make_above(WallTime now, Timestamp floor);
  /// Learns a peer's timestamp. One more than `limits::max_clock_skew` ahead of `now` is not
  /// adopted; returns whether it was.
  bool observe(WallTime now, Timestamp theirs);
  [[nodiscard]] Timestamp last() const { return last_; }

 private:
  Timestamp last_;
};

}  // namespace coterie
