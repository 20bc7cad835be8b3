#pragma once

#include <cstdint>

#include "base/instant.h"
#include "base/random.h"

namespace coterie::bench {

/// When the operations of an open loop are meant to begin, whatever became of those before.
class Arrivals {
 public:
  enum class Process : std::uint8_t {
    poisson,  // independent of each other, as many users are
    fixed,    // evenly spaced
  };

  /// `rate` a second, above 0.
  Arrivals(Process process, double rate, Instant from, Random random);

  [[nodiscard]] Instant next() const { return next_; }
  void advance();

 private:
  Process process_;
  double gap_ns_;
  Instant from_;
  double elapsed_ns_ = 0;
  Random random_;
  Instant next_;
};

}  // namespace coterie::bench
