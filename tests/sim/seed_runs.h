#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/sim/oracles.h"
#include "tests/sim/story.h"

namespace coterie::sim {

/// The command line of a simulator of one thing: sim_NAME [--first S] [--seeds N] [--small N]
/// [--until-failure] [--trace], and one switch of its own.
struct SeedArguments {
  std::string program;
  std::string own_switch;  // empty: it has none
  std::uint64_t first = 1;
  std::uint64_t seeds = 1;
  bool stops_at_failure = false;
  bool has_trace = false;
  bool has_own = false;
};

/// Nothing: they are wrong; the usage has been printed.
[[nodiscard]] std::optional<SeedArguments> parse_seeds(int count, char** values,
                                                       const std::string& program,
                                                       const std::string& own_switch = "");

/// Runs the world of one seed, and tells its story to `listen`, which may be empty.
using RunSeed =
    std::function<std::optional<Violation>(std::uint64_t seed, const Story::Line& listen)>;
struct SeedsRun {
  std::uint64_t seeds = 0;
  std::uint64_t failed = 0;
};
/// One after the other; says of each that fails why, and how it is run again.
[[nodiscard]] SeedsRun run_seeds(const SeedArguments& arguments, const RunSeed& run);

}  // namespace coterie::sim
