#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "bench/machine.h"
#include "bench/report.h"
#include "bench/settings.h"

namespace coterie::bench {

struct SweepSettings {
  /// Connections, records, values, the mix; the seeds where no system is named.
  Settings load;
  /// One to start; empty: the cluster at the seeds.
  std::string system;
  /// Of the peak, at which latency is measured.
  std::vector<double> shares{0.25, 0.5, 0.75, 0.9};
  std::string directory;
  std::string node;
  std::size_t shards = 1;
  std::string label;
  std::string html_file;
};

/// A closed loop with so many operations in progress on each connection.
struct RampStep {
  std::size_t pipeline = 1;
  PhaseReport phase;
};

/// An open loop at a part of the peak.
struct LoadStep {
  double share = 0;
  double rate = 0;  // asked for
  PhaseReport phase;
};

struct Sweep {
  SweepSettings settings;
  Machine machine;
  std::uint64_t records = 0;
  std::vector<RampStep> ramp;
  /// Operations a second: the most that a step of the ramp reached.
  double peak = 0;
  std::vector<LoadStep> loads;
  bool is_interrupted = false;
};

/// Whether the ramp goes on after steps with these rates: until two have brought nothing.
[[nodiscard]] bool is_rising(const std::vector<double>& rates);

/// Loads, finds the peak by closed loops of more and more in progress, and then measures open loops
/// at the shares of it. Blocks. Errors: those of run(), a system that is not there.
[[nodiscard]] Result<Sweep> sweep(const SweepSettings& settings,
                                  const std::function<void(const std::string&)>& on_step,
                                  const std::atomic<bool>& interrupted);

[[nodiscard]] std::string text_of(const Sweep& sweep);
[[nodiscard]] std::string json_of(const Sweep& sweep);
[[nodiscard]] std::string html_of(const Sweep& sweep);

}  // namespace coterie::bench
