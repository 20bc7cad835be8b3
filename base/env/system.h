#pragma once

#include <cstdint>
#include <string>

#include "base/env/clock.h"

namespace coterie {

/// The machine's clocks (CLOCK_MONOTONIC, CLOCK_REALTIME). From any thread.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override;
  [[nodiscard]] WallTime wall_now() const override;
};

/// 64 unpredictable bits from the kernel, for ids, actors and seeds; waits only at boot.
[[nodiscard]] std::uint64_t random_bits();
/// An Id128 of 128 unpredictable bits, never zero.
template <class Id128>
[[nodiscard]] Id128 random_id() {
  Id128 id;
  while (id.is_zero()) {
    id.high = random_bits();
    id.low = random_bits();
  }
  return id;
}

/// Names this boot of the machine: another one after each loss of power. Empty where the system
/// does not tell.
[[nodiscard]] std::string boot_id();

/// Cores this process may run on, at least 1.
[[nodiscard]] unsigned usable_cores();
/// Memory of this process that is in RAM; 0 where the system does not tell.
[[nodiscard]] std::uint64_t resident_bytes();

/// While it lives, writing to a pipe or socket whose other end has gone raises no SIGPIPE on this
/// thread; it is an error only. Destroyed on the thread that made it.
class NoBrokenPipes {
 public:
  NoBrokenPipes();
  NoBrokenPipes(const NoBrokenPipes&) = delete;
  NoBrokenPipes& operator=(const NoBrokenPipes&) = delete;
  ~NoBrokenPipes();

 private:
  bool was_blocked_ = false;
  bool was_pending_ = false;
};

}  // namespace coterie
