#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bench/machine.h"
#include "bench/probe.h"
#include "bench/report.h"
#include "bench/settings.h"
#include "bench/systems.h"

namespace coterie::bench {

struct CompareSettings {
  /// Connections, records, values, times; each system's own loop is like the others'.
  Settings load;
  std::string systems = "all";
  std::size_t rounds = 3;
  std::vector<std::size_t> pipelines{1, 16};
  std::chrono::milliseconds probe_duration{1000};
  /// Also throughput and latency of writes over numbers of connections, in the last round.
  bool has_curve = true;
  std::string directory;
  std::string node;
  std::size_t shards = 1;
  /// What was compared, for readers of the results.
  std::string label;
  std::string json_file;
  std::string html_file;
  std::string result_file;
};

enum class Work : std::uint8_t { write, read };
[[nodiscard]] std::string_view name(Work work);

/// One system at one piece of work in one round.
struct Cell {
  std::string system;
  Work work = Work::write;
  std::size_t pipeline = 1;
  std::size_t round = 0;
  std::uint64_t records = 0;
  PhaseReport phase;
};

/// Writes without a pipeline, over so many connections.
struct CurvePoint {
  std::string system;
  std::size_t connections = 0;
  double rate = 0;
  Duration p50{};
  Duration p99{};
  bool is_quiet = false;
};

/// What the machine itself did in one round.
struct RoundProbes {
  std::map<std::size_t, ProbeResult> echo;  // by pipeline
  ProbeResult sync;
};

struct Skipped {
  std::string system;
  std::string reason;
};

struct Comparison {
  CompareSettings settings;
  Machine machine;
  std::vector<System> systems;  // those that were measured
  std::vector<Skipped> skipped;
  /// Of systems that did not start, or broke; by what they were at.
  std::vector<Skipped> failures;
  std::vector<RoundProbes> probes;
  std::vector<Cell> cells;
  std::vector<CurvePoint> curve;
  /// Before anything was started.
  Disturbance before;
  bool is_interrupted = false;
};

/// Measures the systems in turn, in every round from another one on. Blocks. Error: a system that
/// does not exist, or no system that can be started.
[[nodiscard]] Result<Comparison> compare(const CompareSettings& settings,
                                         const std::function<void(const std::string&)>& on_step,
                                         const std::atomic<bool>& interrupted);

/// For people: a table.
[[nodiscard]] std::string text_of(const Comparison& comparison);
/// Everything.
[[nodiscard]] std::string json_of(const Comparison& comparison);
/// What is worth keeping: a line for each system and piece of work, and the machine.
[[nodiscard]] std::string result_of(const Comparison& comparison);
/// A page with plots.
[[nodiscard]] std::string html_of(const Comparison& comparison);

}  // namespace coterie::bench
