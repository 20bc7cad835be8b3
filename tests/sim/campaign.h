#pragma once

#include <cstdint>
#include <functional>

#include "tests/sim/simulation.h"

namespace coterie::sim {

/// Runs of many seeds, several at once; each is one thread's.
struct Campaign {
  /// The seed of the run with this number, from 0.
  std::function<std::uint64_t(std::uint64_t)> seed_of;
  std::function<RunReport(std::uint64_t seed)> run;
  /// Hears of the runs in order, on the caller's thread; false: it is enough.
  std::function<bool(const RunReport&)> on_report;
  std::size_t jobs = 1;
  /// No run with a higher number begins.
  std::uint64_t runs_most = UINT64_MAX;
};

/// Returns once on_report has said that it is enough and no run is under way. It says so at the
/// last of runs_most.
void run_campaign(const Campaign& campaign);

}  // namespace coterie::sim
