// The cluster simulator's program; tests/sim/run is its face, `--help` tells the options.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/sim/arguments.h"
#include "tests/sim/campaign.h"
#include "tests/sim/minimise.h"
#include "tests/sim/totals.h"

namespace coterie::sim {
namespace {

/// Of so many seeds one is run twice, to see that a seed is one run.
constexpr std::uint64_t twice_each = 100;

unsigned long long wide(std::uint64_t number) {
  return number;
}

std::vector<std::uint64_t> corpus(const std::string& path) {
  std::vector<std::uint64_t> seeds;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    seeds.push_back(std::strtoull(line.c_str(), nullptr, 10));
  }
  return seeds;
}

void print_failure(const RunOptions& options, const RunReport& report) {
  const std::string replay = replay_options(options);
  std::printf("FAILED seed %llu: %s: %s\n", wide(report.seed), report.violation->oracle.c_str(),
              report.violation->story.c_str());
  std::printf("  again: tests/sim/run --first %llu%s --trace\n", wide(report.seed), replay.c_str());
  std::printf("  with fewer faults: tests/sim/run --minimise %llu%s\n", wide(report.seed),
              replay.c_str());
}

class Program {
 public:
  explicit Program(Arguments arguments) : arguments_(std::move(arguments)) {
    const auto scale = test_scale();
    wanted_ = arguments_.seeds * (scale == Scale::large ? 4 : 1);
    if (scale == Scale::small) {
      wanted_ = arguments_.small.value_or(wanted_);
      arguments_.hours = 0;
      arguments_.has_floors = false;
    }
    if (!arguments_.corpus.empty()) {
      corpus_ = corpus(arguments_.corpus);
      wanted_ = corpus_.size();
    }
    if (arguments_.jobs == 0) arguments_.jobs = std::max(1U, std::thread::hardware_concurrency());
    if (arguments_.has_trace) arguments_.jobs = 1;
    arguments_.jobs = static_cast<std::size_t>(std::min<std::uint64_t>(arguments_.jobs, wanted_));
  }

  int run() {
    if (arguments_.minimised) return minimise_seed(*arguments_.minimised);
    if (wanted_ == 0) return 1;
    run_campaign({.seed_of = [this](std::uint64_t number) { return seed_of(number); },
                  .run = [this](std::uint64_t seed) { return run_seed(seed); },
                  .on_report = [this](const RunReport& report) { return take(report); },
                  .jobs = arguments_.jobs,
                  .runs_most = arguments_.hours > 0 ? UINT64_MAX : wanted_});
    totals_.print();
    if (totals_.failed() != 0) return 1;
    if (!arguments_.has_floors) return 0;
    const auto below = totals_.below_floors();
    for (const auto& line : below) std::printf("below the floor: %s\n", line.c_str());
    return below.empty() ? 0 : 1;
  }

 private:
  [[nodiscard]] std::uint64_t seed_of(std::uint64_t number) const {
    // Runs may begin that nobody waits for any more.
    if (!corpus_.empty()) return corpus_[static_cast<std::size_t>(number % corpus_.size())];
    return arguments_.first + number;
  }

  [[nodiscard]] RunOptions options_of(std::uint64_t seed) const {
    RunOptions options = arguments_.run;
    options.seed = seed;
    options.tells_events = arguments_.has_events;
    if (arguments_.has_trace) {
      options.line = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
    }
    return options;
  }

  [[nodiscard]] RunReport run_seed(std::uint64_t seed) const {
    auto report = run_simulation(options_of(seed));
    const bool runs_twice =
        arguments_.runs_twice || (seed % twice_each == 0 && !arguments_.has_trace);
    if (!runs_twice) return report;
    if (run_simulation(options_of(seed)).hash != report.hash) {
      report.violation = Violation{"one seed is one run", "two runs of it had different hashes"};
    }
    return report;
  }

  /// False: it was the last.
  bool take(const RunReport& report) {
    totals_.add(report);
    if (arguments_.is_verbose) {
      std::printf(
          "seed %llu: %zu nodes, %zu gets, %zu scans, %zu writes, %zu refused, %zu unknown, %zu "
          "faults, hash %s\n",
          wide(report.seed), report.nodes, report.gets, report.scans, report.writes, report.refused,
          report.unknown, report.strikes.size(), to_hex(report.hash).c_str());
    }
    if (!arguments_.label.empty()) {
      std::printf("TRACE %s-%llu %s\n", arguments_.label.c_str(), wide(report.seed),
                  to_hex(report.hash).c_str());
    }
    if (report.violation) print_failure(arguments_.run, report);
    std::fflush(stdout);
    if (report.violation && arguments_.stops_at_failure) return false;
    return totals_.runs() < wanted_ || totals_.hours() < arguments_.hours;
  }

  [[nodiscard]] int minimise_seed(std::uint64_t seed) const {
    const auto options = options_of(seed);
    const auto report = run_simulation(options);
    if (!report.violation) {
      std::printf("seed %llu does not fail\n", wide(seed));
      return 2;
    }
    const auto found = minimise(options, report);
    std::printf("of %zu faults these are left, after %zu runs:\n", report.strikes.size(),
                found.runs);
    for (const auto& strike : found.report.strikes) {
      std::printf("  %4llu %s s: %s\n", wide(strike.number), seconds_text(strike.when).c_str(),
                  std::string(name(strike.kind)).c_str());
    }
    print_failure(found.options, found.report);
    return 1;
  }

  Arguments arguments_;
  std::uint64_t wanted_ = 0;
  std::vector<std::uint64_t> corpus_;
  Totals totals_;
};

}  // namespace
}  // namespace coterie::sim

int main(int count, char** values) {
  const auto arguments = coterie::sim::parse(count, values);
  if (!arguments) {
    std::fputs(coterie::sim::usage, stderr);
    return 2;
  }
  return coterie::sim::Program(*arguments).run();
}
