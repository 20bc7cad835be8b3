#pragma once

#include <cstdint>

#include "base/instant.h"

namespace coterie::transfer {

/// What may go at once after a pause: a tenth of a second's worth.
inline constexpr std::uint64_t burst_part = 10;

/// A token bucket over bytes: on the long run not more than the rate goes, and after a pause a
/// burst at once. Pure; whoever uses it waits.
class Throttle {
 public:
  /// `bytes_a_second` at least 1.
  Throttle(std::uint64_t bytes_a_second, std::uint64_t burst_bytes);

  /// When the next bytes may go; `now` if they may at once.
  [[nodiscard]] Instant ready(Instant now) const;
  /// Takes `bytes`, however many, and tells when they may go. Who sends them at once all the same,
  /// as one who asked ready() before may, has later ones wait the longer.
  Instant take(Instant now, std::uint64_t bytes);

 private:
  [[nodiscard]] Duration time_of(std::uint64_t bytes) const;

  std::uint64_t bytes_a_second_;
  Duration burst_;
  Instant paid_at_ = Instant::min();  // when all that was taken is paid for
};

}  // namespace coterie::transfer
