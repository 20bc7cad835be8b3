#pragma once

#include <cstdint>

namespace coterie {

/// A seeded generator (xoshiro256**, Blackman and Vigna 2018): the same seed gives the same draws
/// on every platform. Handed in by whoever starts the run; there is no global one.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  /// 64 uniform bits.
  std::uint64_t next();
  /// Uniform in [0, bound); `bound` must not be 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double unit();
  /// True with this probability.
  bool chance(double probability) { return unit() < probability; }
  /// A generator whose draws are independent of what is drawn from this one afterwards.
  Random fork() { return Random(next()); }

 private:
  std::uint64_t state_[4];
};

}  // namespace coterie
