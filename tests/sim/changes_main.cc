// Owners of partitions change, by one change at a time (changes.h) or by several (beside.h), with
// floors for how often each thing must have happened.

#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <utility>

#include "tests/sim/beside.h"
#include "tests/sim/changes.h"
#include "tests/sim/seed_runs.h"

namespace coterie::sim {
namespace {

/// From so many seeds on.
constexpr std::uint64_t floors_from = 100;

using Floor = std::pair<const char*, std::uint64_t>;

constexpr Floor floors[] = {
    {"finished", 35},
    {"aborted", 20},
    {"shuffled", 5},
    {"joined", 2},
    {"left", 2},
    {"replaced", 3},
    {"replaced dead", 5},
    {"removed", 5},
    {"came back", 5},
    {"wiped", 5},
    {"restored", 4},
    {"wiped and begun anew", 4},
    {"voters that forget", 8},
    {"filled again", 10},
    {"sloppy", 5},
    {"interval", 10},
    {"R=1", 5},
    {"crashes before open", 2},
    {"crashes after open", 10},
    {"crashes before cut over", 5},
    {"crashes after cut over", 5},
    {"crashes before aborting", 5},
    {"crashes after aborting", 5},
    {"crashes before end", 8},
    {"crashes after end", 8},
    {"pauses", 10},
    {"resumes", 10},
    {"one of two proposers refused", 15},
    {"aborts against a cut-over, decided", 4},
    {"aborts against a cut-over, refused", 1},
    {"streamed", 1000},
};

constexpr Floor floors_beside[] = {
    {"finished", 300},
    {"aborted", 40},
    {"begun beside", 120},
    {"finished while others go on", 100},
    {"aborted while others go on", 12},
    {"epochs with three changes or more", 50},
    {"epochs with one paused and one not", 60},
    {"epochs in which two changes take nodes out", 1},
    {"left", 60},
    {"finished without the dead", 12},
    {"aborted: it gave the dead something", 5},
    {"asked: join", 50},
    {"asked: weigh", 70},
    {"waited: leave", 60},
    {"waited: replace", 20},
    {"crashes", 700},
    {"buckets raised", 60},
    {"buckets lowered", 10},
    {"W lowered to 1 after a fence", 3},
};

bool reaches_floors(const Tally& totals, std::span<const Floor> wanted) {
  bool reaches = true;
  for (const auto& [what, least] : wanted) {
    const auto found = totals.find(what);
    if (found != totals.end() && found->second >= least) continue;
    std::printf("FAILED floor: %s, at least %llu\n", what, static_cast<unsigned long long>(least));
    reaches = false;
  }
  return reaches;
}

int run(const SeedArguments& arguments) {
  Tally totals;
  const auto run_in = [&totals](auto&& world, const Story::Line& listen) {
    world.listen(listen);
    auto violation = world.run();
    for (const auto& [what, count] : world.tally()) totals[what] += count;
    return violation;
  };
  const auto done = run_seeds(arguments, [&](std::uint64_t seed, const Story::Line& listen) {
    return arguments.has_own ? run_in(Beside(seed), listen) : run_in(Changes(seed), listen);
  });
  std::printf("%llu seeds, %llu violations\n", static_cast<unsigned long long>(done.seeds),
              static_cast<unsigned long long>(done.failed));
  for (const auto& [what, count] : totals) {
    std::printf("  %6llu %s\n", static_cast<unsigned long long>(count), what.c_str());
  }
  const bool is_many = done.seeds >= floors_from && !arguments.stops_at_failure;
  const auto wanted = arguments.has_own ? std::span<const Floor>(floors_beside) : floors;
  return done.failed == 0 && (!is_many || reaches_floors(totals, wanted)) ? 0 : 1;
}

}  // namespace
}  // namespace coterie::sim

int main(int count, char** values) {
  const auto arguments = coterie::sim::parse_seeds(count, values, "sim_changes", "--beside");
  return arguments ? coterie::sim::run(*arguments) : 2;
}
