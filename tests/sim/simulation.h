#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "tests/sim/nemesis.h"
#include "tests/sim/oracles.h"
#include "tests/sim/story.h"

namespace coterie::sim {

struct RunOptions {
  std::uint64_t seed = 1;
  /// 0: drawn.
  std::size_t nodes = 0;
  /// How long clients and faults have; none: drawn.
  std::optional<Duration> faults_time;
  /// In two of three runs clients are not in a hurry: more faults for each of their operations.
  bool is_calm = false;
  Nemesis::Selection strikes;
  /// Hears the story of the run.
  Story::Line line;
  /// Hears of every event, too.
  bool tells_events = false;
};

struct RunReport {
  std::uint64_t seed = 0;
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  Duration time{};
  std::size_t nodes = 0;
  std::size_t gets = 0;
  std::size_t scans = 0;  // pages
  std::size_t writes = 0;
  std::size_t acknowledged = 0;
  std::size_t refused = 0;
  std::size_t unknown = 0;
  struct Faults {
    std::uint64_t count = 0;
    /// Of these: an operation that began later, before everything healed, was acknowledged.
    std::uint64_t followed = 0;
  };
  std::map<FaultKind, Faults> faults;
  std::vector<Nemesis::Strike> strikes;
  std::optional<Violation> violation;
};

/// One run: the cluster is born, clients and faults have their time, everything heals, all keys are
/// read with R = N, written and read again; then the oracles are asked.
[[nodiscard]] RunReport run_simulation(const RunOptions& options);

}  // namespace coterie::sim
