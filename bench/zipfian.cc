#include "bench/zipfian.h"

#include <algorithm>
#include <cmath>

namespace coterie::bench {
namespace {

constexpr std::uint64_t scrambled_ranks = 10'000'000'000;
/// zeta(scrambled_ranks), as YCSB has it.
constexpr double scrambled_zeta = 26.46902820178302;

double zeta_of(std::uint64_t from, std::uint64_t to) {
  double sum = 0;
  for (std::uint64_t i = from; i < to; ++i) {
    sum += 1 / std::pow(static_cast<double>(i + 1), zipfian_theta);
  }
  return sum;
}

/// FNV-1a over the number's octets, lowest first, and the sign dropped: YCSB's fnvhash64.
std::uint64_t fnv(std::uint64_t number) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (int i = 0; i < 8; ++i) {
    hash ^= number & 0xff;
    hash *= 1099511628211;
    number >>= 8;
  }
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  return (hash & sign) != 0 ? 0 - hash : hash;
}

}  // namespace

Zipfian::Zipfian(std::uint64_t items) : Zipfian(items, zeta_of(0, items)) {}

Zipfian::Zipfian(std::uint64_t items, double zeta) : items_(items), zeta_(zeta) {
  derive();
}

void Zipfian::derive() {
  alpha_ = 1 / (1 - zipfian_theta);
  const double share = 2 / static_cast<double>(items_);
  eta_ = (1 - std::pow(share, 1 - zipfian_theta)) / (1 - zeta_of(0, 2) / zeta_);
}

std::uint64_t Zipfian::next(Random& random) const {
  const double unit = random.unit();
  const double sum = unit * zeta_;
  if (items_ == 1 || sum < 1) return 0;
  if (items_ == 2 || sum < 1 + std::pow(0.5, zipfian_theta)) return 1;
  const double number = static_cast<double>(items_) * std::pow(eta_ * unit - eta_ + 1, alpha_);
  return std::min(static_cast<std::uint64_t>(number), items_ - 1);
}

void Zipfian::grow(std::uint64_t items) {
  if (items <= items_) return;
  zeta_ += zeta_of(items_, items);
  items_ = items;
  derive();
}

ScrambledZipfian::ScrambledZipfian(std::uint64_t items)
    : items_(items), ranks_(scrambled_ranks, scrambled_zeta) {}

std::uint64_t ScrambledZipfian::next(Random& random) const {
  return item_of(ranks_.next(random));
}

std::uint64_t ScrambledZipfian::item_of(std::uint64_t rank) const {
  return fnv(rank) % items_;
}

double ScrambledZipfian::share(std::uint64_t rank) const {
  return 1 / std::pow(static_cast<double>(rank + 1), zipfian_theta) / ranks_.zeta();
}

}  // namespace coterie::bench
