#include "tests/sim/seed_runs.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "tests/sim/arguments.h"

namespace coterie::sim {
namespace {

/// Nothing: wrong.
std::optional<SeedArguments> read(int count, char** values, SeedArguments out) {
  std::optional<std::uint64_t> small;
  for (int i = 1; i < count; ++i) {
    const std::string_view option = values[i];
    if (option == "--until-failure") {
      out.stops_at_failure = true;
    } else if (!out.own_switch.empty() && option == out.own_switch) {
      out.has_own = true;
    } else if (option == "--trace") {
      out.has_trace = true;
    } else if (i + 1 < count && option == "--first") {
      out.first = std::strtoull(values[++i], nullptr, 10);
    } else if (i + 1 < count && option == "--seeds") {
      out.seeds = std::strtoull(values[++i], nullptr, 10);
    } else if (i + 1 < count && option == "--small") {
      small = std::strtoull(values[++i], nullptr, 10);
    } else {
      return std::nullopt;
    }
  }
  if (small && test_scale() == Scale::small) out.seeds = *small;
  return out;
}

}  // namespace

std::optional<SeedArguments> parse_seeds(int count, char** values, const std::string& program,
                                         const std::string& own_switch) {
  auto out = read(count, values, {.program = program, .own_switch = own_switch});
  if (out) return out;
  const std::string own = own_switch.empty() ? "" : " [" + own_switch + "]";
  std::fprintf(stderr,
               "usage: %s [--first S] [--seeds N] [--small N] [--until-failure] [--trace]%s\n"
               "--small: how many seeds if COTERIE_TEST_SCALE is small\n",
               program.c_str(), own.c_str());
  return std::nullopt;
}

SeedsRun run_seeds(const SeedArguments& arguments, const RunSeed& run) {
  SeedsRun out;
  Story::Line listen;
  if (arguments.has_trace) {
    listen = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  }
  const std::string own = arguments.has_own ? " " + arguments.own_switch : "";
  while (out.seeds < arguments.seeds) {
    const unsigned long long seed = arguments.first + out.seeds++;
    const auto violation = run(seed, listen);
    if (!violation) continue;
    ++out.failed;
    std::printf("FAILED seed %llu: %s: %s\n  again: %s --first %llu%s --trace\n", seed,
                violation->oracle.c_str(), violation->story.c_str(), arguments.program.c_str(),
                seed, own.c_str());
    if (arguments.stops_at_failure) break;
  }
  return out;
}

}  // namespace coterie::sim
