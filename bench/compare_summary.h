#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/compare.h"

namespace coterie::bench {

/// What figures of several rounds have in common.
struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
};

/// Of at least one figure.
[[nodiscard]] Spread spread_of(std::vector<double> figures);

/// One system at one piece of work, over the rounds: over those in which the machine was quiet, or
/// over all where it never was.
struct SummaryRow {
  std::string system;
  Work work = Work::write;
  std::size_t pipeline = 1;
  std::uint64_t records = 0;
  std::size_t rounds = 0;  // in which it was measured
  std::size_t quiet = 0;   // of them
  Spread rate;
  /// Of the baseline's rate in the same round; none without it.
  std::optional<Spread> ratio;
  /// Of the raw echo's rate in the same round.
  Spread of_echo;
  /// The median latency as a multiple of the raw fdatasync's in the same round.
  Spread p50_of_sync;
  Spread cpu_us;  // of all server processes, a request
  Spread p50_ms;
  Spread p99_ms;
  Spread p99_9_ms;
  double memory_mib = 0;  // of all processes' own, the median
  double bench_busy = 0;  // the most
  std::uint64_t failed = 0;
  std::uint64_t missing = 0;

  [[nodiscard]] bool is_quiet() const { return quiet > 0; }
};

/// What rates are held against.
inline constexpr std::string_view baseline = "redis";

[[nodiscard]] std::vector<SummaryRow> summary_of(const Comparison& comparison);

/// Writes of a system against those of another that promises as much of the disk.
struct PairRow {
  std::string system;
  std::string other;
  std::size_t pipeline = 1;
  Spread ratio;  // of rates in the same round
};
[[nodiscard]] std::vector<PairRow> pairs_of(const Comparison& comparison);

}  // namespace coterie::bench
