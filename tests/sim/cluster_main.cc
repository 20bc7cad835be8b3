// The cluster simulator's command line; tests/sim/run is its face, `--help` tells the options.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/simulation.h"

namespace coterie::sim {
namespace {

constexpr const char* usage = R"(usage: sim_cluster [options]
  --seeds N       run N seeds (default 1; times 4 if COTERIE_TEST_SCALE is long)
  --small N       how many if COTERIE_TEST_SCALE is small
  --first S       the first of them (default 1)
  --corpus FILE   run the seeds of a file, one a line, instead
  --nodes N       nodes of the cluster (default: drawn)
  --verbose       a line a seed
  --trace         tell what happens in each run
  --events        tell every event, too
  --twice         run each seed twice and compare
  --until-failure stop at the first seed that fails
  --label TEXT    print a TRACE line a seed, for ./check to compare between builds
)";

struct Arguments {
  std::uint64_t seeds = 1;
  std::optional<std::uint64_t> small;
  std::uint64_t first = 1;
  std::string corpus;
  std::size_t nodes = 0;
  bool is_verbose = false;
  bool has_trace = false;
  bool has_events = false;
  bool runs_twice = false;
  bool stops_at_failure = false;
  std::string label;
};

std::optional<Arguments> parse(int count, char** values) {
  Arguments out;
  for (int i = 1; i < count; ++i) {
    const std::string_view option = values[i];
    if (option == "--help") {
      return std::nullopt;
    } else if (option == "--verbose") {
      out.is_verbose = true;
    } else if (option == "--trace") {
      out.has_trace = true;
    } else if (option == "--events") {
      out.has_trace = out.has_events = true;
    } else if (option == "--twice") {
      out.runs_twice = true;
    } else if (option == "--until-failure") {
      out.stops_at_failure = true;
    } else if (i + 1 == count) {
      return std::nullopt;
    } else if (option == "--corpus") {
      out.corpus = values[++i];
    } else if (option == "--label") {
      out.label = values[++i];
    } else {
      const std::uint64_t number = std::strtoull(values[++i], nullptr, 10);
      if (option == "--seeds") {
        out.seeds = number;
      } else if (option == "--small") {
        out.small = number;
      } else if (option == "--first") {
        out.first = number;
      } else if (option == "--nodes") {
        out.nodes = number;
      } else {
        return std::nullopt;
      }
    }
  }
  return out;
}

std::vector<std::uint64_t> seeds_of(const Arguments& arguments) {
  std::vector<std::uint64_t> seeds;
  if (!arguments.corpus.empty()) {
    std::ifstream file(arguments.corpus);
    for (std::string line; std::getline(file, line);) {
      if (!line.empty() && line.front() != '#') {
        seeds.push_back(std::strtoull(line.c_str(), nullptr, 10));
      }
    }
    return seeds;
  }
  const char* scale = std::getenv("COTERIE_TEST_SCALE");
  std::uint64_t count = arguments.seeds;
  if (scale != nullptr && std::string_view(scale) == "small") {
    count = arguments.small.value_or(count);
  }
  if (scale != nullptr && std::string_view(scale) == "long") count *= 4;
  for (std::uint64_t i = 0; i < count; ++i) seeds.push_back(arguments.first + i);
  return seeds;
}

std::string hex(std::uint64_t value) {
  return to_hex(value);
}

struct Totals {
  std::uint64_t runs = 0;
  std::uint64_t failed = 0;
  std::uint64_t operations = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t unknown = 0;
  std::uint64_t events = 0;
  Duration time{};
  std::map<FaultKind, RunReport::Faults> faults;
};

void add(Totals& totals, const RunReport& report) {
  ++totals.runs;
  if (report.violation) ++totals.failed;
  totals.operations += report.gets + report.writes;
  totals.acknowledged += report.acknowledged;
  totals.unknown += report.unknown;
  totals.events += report.events;
  totals.time += report.time;
  for (const auto& [kind, faults] : report.faults) {
    totals.faults[kind].count += faults.count;
    totals.faults[kind].followed += faults.followed;
  }
}

void print(const Totals& totals) {
  const double hours = std::chrono::duration<double, std::ratio<3600>>(totals.time).count();
  std::printf(
      "%llu seeds, %.2f simulated hours, %llu operations (%llu acknowledged, %llu unknown), "
      "%llu events\n",
      static_cast<unsigned long long>(totals.runs), hours,
      static_cast<unsigned long long>(totals.operations),
      static_cast<unsigned long long>(totals.acknowledged),
      static_cast<unsigned long long>(totals.unknown),
      static_cast<unsigned long long>(totals.events));
  std::uint64_t all = 0;
  for (const auto& [kind, faults] : totals.faults) {
    all += faults.count;
    std::printf("  %-20s %6llu, %6llu followed by an acknowledged operation\n",
                std::string(name(kind)).c_str(), static_cast<unsigned long long>(faults.count),
                static_cast<unsigned long long>(faults.followed));
  }
  std::printf("%llu faults, %llu violations\n", static_cast<unsigned long long>(all),
              static_cast<unsigned long long>(totals.failed));
}

void print_failure(const Arguments& arguments, const RunReport& report) {
  std::printf("FAILED seed %llu: %s: %s\n", static_cast<unsigned long long>(report.seed),
              report.violation->oracle.c_str(), report.violation->story.c_str());
  std::printf("  again: tests/sim/run --first %llu%s --trace\n",
              static_cast<unsigned long long>(report.seed),
              arguments.nodes == 0 ? "" : (" --nodes " + std::to_string(arguments.nodes)).c_str());
}

int run(const Arguments& arguments) {
  Totals totals;
  for (const auto seed : seeds_of(arguments)) {
    RunOptions options{.seed = seed, .nodes = arguments.nodes, .line = nullptr};
    options.tells_events = arguments.has_events;
    if (arguments.has_trace) {
      options.line = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
    }
    auto report = run_simulation(options);
    if (arguments.runs_twice && run_simulation(options).hash != report.hash) {
      report.violation = Violation{"one seed is one run", "two runs of it had different hashes"};
    }
    add(totals, report);
    if (arguments.is_verbose) {
      std::printf("seed %llu: %zu nodes, %zu gets, %zu writes, %zu refused, %zu unknown, hash %s\n",
                  static_cast<unsigned long long>(seed), report.nodes, report.gets, report.writes,
                  report.refused, report.unknown, hex(report.hash).c_str());
    }
    if (!arguments.label.empty()) {
      std::printf("TRACE %s-%llu %s\n", arguments.label.c_str(),
                  static_cast<unsigned long long>(seed), hex(report.hash).c_str());
    }
    if (report.violation) print_failure(arguments, report);
    std::fflush(stdout);
    if (report.violation && arguments.stops_at_failure) break;
  }
  print(totals);
  return totals.failed == 0 && totals.runs > 0 ? 0 : 1;
}

}  // namespace
}  // namespace coterie::sim

int main(int count, char** values) {
  const auto arguments = coterie::sim::parse(count, values);
  if (!arguments) {
    std::fputs(coterie::sim::usage, stderr);
    return 2;
  }
  return coterie::sim::run(*arguments);
}
