#include "bench/sweep.h"

#include <algorithm>

#include "base/limits.h"
#include "bench/numbers.h"
#include "bench/subject.h"
#include "bench/systems.h"

namespace coterie::bench {
namespace {

constexpr double worth_going_on = 1.03;
constexpr std::size_t pipeline_most = 64;

Result<Subject> prepare(const SweepSettings& settings, const std::atomic<bool>& interrupted) {
  if (settings.system.empty()) return Subject::at_seeds(settings.load, interrupted);
  const auto systems = systems_named(settings.system);
  if (!systems) return std::unexpected(systems.error());
  if (systems->size() != 1) {
    return fail(ErrorCode::invalid_argument, "a sweep is of one system: \"" + settings.system +
                                                 "\" names " + std::to_string(systems->size()));
  }
  const System& system = systems->front();
  const std::string reason = why_not(system, {.directory = {}, .node = settings.node});
  if (!reason.empty()) return fail(ErrorCode::not_found, reason);
  return Subject::start(system,
                        {.settings = settings.load,
                         .directory = settings.directory,
                         .node = settings.node,
                         .shards = settings.shards},
                        interrupted);
}

Result<void> climb(const Subject& subject, Sweep& out,
                   const std::function<void(const std::string&)>& on_step,
                   const std::atomic<bool>& interrupted) {
  std::vector<double> rates;
  for (std::size_t pipeline = 1; pipeline <= pipeline_most && is_rising(rates) && !interrupted;
       pipeline *= 2) {
    Settings settings = out.settings.load;
    settings.pipeline = pipeline;
    settings.rate.reset();
    auto phase = subject.measure(settings, interrupted);
    if (!phase) return std::unexpected(phase.error());
    rates.push_back(phase->rate());
    on_step("closed loop, " + std::to_string(pipeline) +
            " in progress on each: " + grouped(rates.back()) + " a second");
    out.ramp.push_back({.pipeline = pipeline, .phase = std::move(*phase)});
  }
  if (!rates.empty()) out.peak = std::ranges::max(rates);
  return {};
}

Result<void> hold(const Subject& subject, Sweep& out,
                  const std::function<void(const std::string&)>& on_step,
                  const std::atomic<bool>& interrupted) {
  for (const double share : out.settings.shares) {
    if (interrupted || out.peak <= 0) break;
    Settings settings = out.settings.load;
    settings.rate = share * out.peak;
    auto phase = subject.measure(settings, interrupted);
    if (!phase) return std::unexpected(phase.error());
    on_step("open loop at " + grouped(*settings.rate) + " a second: p99 " +
            std::to_string(milliseconds(phase->total.tally.operations().latency.at(0.99))) + " ms");
    out.loads.push_back({.share = share, .rate = *settings.rate, .phase = std::move(*phase)});
  }
  return {};
}

}  // namespace

bool is_rising(const std::vector<double>& rates) {
  constexpr std::size_t patience = 2;  // one step may have been disturbed
  if (rates.size() <= patience) return true;
  const auto last = rates.end() - patience;
  return *std::max_element(last, rates.end()) >
         worth_going_on * *std::max_element(rates.begin(), last);
}

Result<Sweep> sweep(const SweepSettings& settings,
                    const std::function<void(const std::string&)>& on_step,
                    const std::atomic<bool>& interrupted) {
  Sweep out{.settings = settings, .machine = this_machine(), .ramp = {}, .loads = {}};
  on_step("loading " + grouped(settings.load.records) + " records");
  const auto subject = prepare(settings, interrupted);
  if (!subject) return std::unexpected(subject.error());
  out.records = subject->records();
  if (auto climbed = climb(*subject, out, on_step, interrupted); !climbed) {
    return std::unexpected(climbed.error());
  }
  if (auto held = hold(*subject, out, on_step, interrupted); !held) {
    return std::unexpected(held.error());
  }
  out.is_interrupted = interrupted;
  return out;
}

}  // namespace coterie::bench
