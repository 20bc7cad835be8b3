#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/simulation.h"

namespace coterie::sim {

/// The simulator's command line.
struct Arguments {
  std::uint64_t seeds = 1;
  std::optional<std::uint64_t> small;
  double hours = 0;
  std::uint64_t first = 1;
  std::string corpus;
  std::size_t jobs = 0;  // 0: one a core
  std::string label;
  std::optional<std::uint64_t> minimised;
  bool is_verbose = false;
  bool has_trace = false;
  bool has_events = false;
  bool runs_twice = false;
  bool stops_at_failure = false;
  bool has_floors = false;
  /// All but the seed and who listens.
  RunOptions run;
};

extern const char* const usage;
/// Nothing: they are wrong, or ask for help.
[[nodiscard]] std::optional<Arguments> parse(int count, char** values);

/// What COTERIE_TEST_SCALE says: how much to do.
enum class Scale : std::uint8_t { small, normal, large };
[[nodiscard]] Scale test_scale();

/// What to add to a command that replays a run of these options; begins with a blank.
[[nodiscard]] std::string replay_options(const RunOptions& options);
/// "3,17,42".
[[nodiscard]] std::string list_text(const std::set<std::uint64_t>& numbers);

}  // namespace coterie::sim
