#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/driver.h"
#include "bench/machine.h"
#include "bench/machine_load.h"
#include "bench/probe.h"
#include "bench/process_usage.h"
#include "bench/settings.h"

namespace coterie::bench {

/// One second as it went by.
struct Second {
  double ended_s = 0;  // since the phase began
  double took_s = 0;
  bool is_warm_up = false;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  Duration p50{};
  Duration p99{};
  Duration p99_9{};

  [[nodiscard]] double rate() const {
    return took_s > 0 ? static_cast<double>(answered) / took_s : 0;
  }
};

struct PhaseReport {
  PhaseTally total;
  /// What was counted took so long.
  double seconds = 0;
  std::vector<Second> each_second;
  /// Of the server processes, over the counted time; memory as it was at the end.
  std::optional<ProcessUsage> servers;
  /// What else the machine did in that time; known where the servers' processes are.
  std::optional<Disturbance> disturbance;
  /// From the beginning of the warm-up to the last answer.
  double seconds_in_all = 0;
  /// Ended by a signal.
  bool is_interrupted = false;

  /// Answered operations a second.
  [[nodiscard]] double rate() const;
  /// For each million operations answered in that time.
  [[nodiscard]] double per_million(double cpu_seconds) const;
  /// The part of their time that the bench's threads, so many, were computing.
  [[nodiscard]] double bench_busy(std::size_t threads) const;
};

struct Report {
  Settings settings;
  Machine machine;
  std::optional<PhaseReport> load;
  std::optional<PhaseReport> run;
};

/// From here on the bench's own threads may be what bounds a closed loop.
inline constexpr double bench_busy_much = 0.85;

/// The line of one second, without line end.
[[nodiscard]] std::string second_line(const Second& second);
/// The summary for people.
[[nodiscard]] std::string text_of(const Report& report);
/// The summary for programs: one JSON object with "format": 1. Its shape only grows.
[[nodiscard]] std::string json_of(const Report& report);

/// The same of the machine's probes.
[[nodiscard]] std::string text_of(const ProbeResult& echo, const ProbeResult& sync);
[[nodiscard]] std::string json_of(const ProbeResult& echo, const ProbeResult& sync);

}  // namespace coterie::bench
