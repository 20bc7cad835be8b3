#pragma once

#include <cstdint>

#include "base/random.h"

namespace coterie::bench {

/// YCSB's constant: item i (from 0) is drawn in proportion to 1 / (i + 1)^theta.
inline constexpr double zipfian_theta = 0.99;

/// Zipfian numbers by the rejection-free method of Gray et al., "Quickly Generating Billion-Record
/// Synthetic Databases" (SIGMOD 1994), as YCSB has it. Number 0 is the most frequent.
class Zipfian {
 public:
  /// `items` at least 1. Takes time in proportion to `items`.
  explicit Zipfian(std::uint64_t items);
  /// With zeta(items) known beforehand.
  Zipfian(std::uint64_t items, double zeta);

  /// Below items().
  [[nodiscard]] std::uint64_t next(Random& random) const;
  /// More items; takes time in proportion to how many are added. Fewer: nothing.
  void grow(std::uint64_t items);

  [[nodiscard]] std::uint64_t items() const { return items_; }
  /// The sum of 1 / (i + 1)^theta over all items: the share of item i is 1 / (i + 1)^theta / zeta.
  [[nodiscard]] double zeta() const { return zeta_; }

 private:
  void derive();

  std::uint64_t items_;
  double zeta_;
  double alpha_ = 0;
  double eta_ = 0;
};

/// YCSB's scrambled zipfian: the ranks of ten thousand million items, hashed onto `items`, so that
/// the frequent ones lie anywhere and their shares do not depend on `items`.
class ScrambledZipfian {
 public:
  explicit ScrambledZipfian(std::uint64_t items);

  /// Below the items.
  [[nodiscard]] std::uint64_t next(Random& random) const;
  /// The item that this rank falls on; several may share one.
  [[nodiscard]] std::uint64_t item_of(std::uint64_t rank) const;
  /// The share of one rank.
  [[nodiscard]] double share(std::uint64_t rank) const;

 private:
  std::uint64_t items_;
  Zipfian ranks_;
};

}  // namespace coterie::bench
