#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace coterie::bench {

/// What the machine's processors have done since it started, in seconds of one of them.
struct CpuTimes {
  double running = 0;  // processes: user, nice, system
  double stolen = 0;   // kept back by the host of a virtual machine
  double all = 0;      // with interrupts and idleness

  [[nodiscard]] CpuTimes since(const CpuTimes& before) const;
};

/// The text of /proc/stat. Error: it is not that.
[[nodiscard]] Result<CpuTimes> parse_cpu_times(std::string_view stat, double ticks_a_second);
[[nodiscard]] Result<CpuTimes> cpu_times();

/// What else went on while something was measured.
struct Disturbance {
  /// Cores that other processes kept busy, on average.
  double others_cores = 0;
  /// The part of the machine's time that its host kept back.
  double stolen_share = 0;

  /// Little enough to trust a figure.
  [[nodiscard]] bool is_quiet() const;
};

/// `ours_seconds`: CPU of the servers and of the bench in that time.
[[nodiscard]] Disturbance disturbance(const CpuTimes& spent, double ours_seconds, double seconds);

}  // namespace coterie::bench
