#include "bench/compare.h"

#include <algorithm>
#include <array>
#include <thread>

#include "bench/subject.h"

namespace coterie::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::size_t, 8> curve_connections{1, 2, 5, 10, 20, 50, 100, 200};
constexpr auto curve_warm_up = 300ms;
constexpr auto curve_duration_most = 1500ms;
constexpr auto look_at_machine_for = 1s;

class Comparing {
 public:
  Comparing(Comparison& out, const std::function<void(const std::string&)>& on_step,
            const std::atomic<bool>& interrupted)
      : settings_(out.settings), out_(out), on_step_(on_step), interrupted_(interrupted) {}

  Result<void> go() {
    if (auto looked = look_at_machine(); !looked) return looked;
    for (std::size_t round = 0; round < settings_.rounds && !interrupted_; ++round) {
      if (auto probed = probe(); !probed) return probed;
      const std::size_t count = out_.systems.size();
      for (std::size_t i = 0; i < count && !interrupted_; ++i) {
        // Another one is first in each round: none always follows the same.
        measure(out_.systems[(round + i) % count], round);
      }
    }
    out_.is_interrupted = interrupted_;
    return {};
  }

 private:
  Result<void> look_at_machine() {
    const auto before = cpu_times();
    if (!before) return std::unexpected(before.error());
    std::this_thread::sleep_for(look_at_machine_for);
    const auto after = cpu_times();
    if (!after) return std::unexpected(after.error());
    out_.before = disturbance(after->since(*before), 0,
                              std::chrono::duration<double>(look_at_machine_for).count());
    if (!out_.before.is_quiet()) {
      on_step_("the machine is not quiet: others keep " + std::to_string(out_.before.others_cores) +
               " cores busy; what they disturb is marked");
    }
    return {};
  }

  Result<void> probe() {
    RoundProbes probes;
    for (const std::size_t pipeline : settings_.pipelines) {
      auto echo = probe_echo({.connections = settings_.load.connections,
                              .pipeline = pipeline,
                              .duration = settings_.probe_duration});
      if (!echo) return std::unexpected(echo.error());
      probes.echo.emplace(pipeline, *echo);
    }
    auto place = TemporaryDirectory::make(settings_.directory);
    if (!place) return std::unexpected(place.error());
    auto sync = probe_sync({.directory = place->path(), .duration = settings_.probe_duration});
    if (!sync) return std::unexpected(sync.error());
    probes.sync = *sync;
    out_.probes.push_back(std::move(probes));
    return {};
  }

  void measure(const System& system, std::size_t round) {
    const std::string at = "round " + std::to_string(round + 1) + ", " + std::string(system.name);
    on_step_(at + ": starting and loading");
    const auto subject = Subject::start(system,
                                        {.settings = settings_.load,
                                         .directory = settings_.directory,
                                         .node = settings_.node,
                                         .shards = settings_.shards},
                                        interrupted_);
    if (!subject) return failed(at, subject.error());
    for (const std::size_t pipeline : settings_.pipelines) {
      for (const Work work : {Work::write, Work::read}) {
        if (interrupted_) return;
        measure(*subject, {.system = std::string(system.name),
                           .work = work,
                           .pipeline = pipeline,
                           .round = round,
                           .records = subject->records(),
                           .phase = {}});
      }
    }
    if (settings_.has_curve && round + 1 == settings_.rounds) measure_curve(*subject, system);
  }

  void measure(const Subject& subject, Cell cell) {
    Settings settings = settings_.load;
    settings.pipeline = cell.pipeline;
    settings.mix = cell.work == Work::write ? Mix{.update = 1} : Mix{.read = 1};
    const std::string at = "round " + std::to_string(cell.round + 1) + ", " + cell.system + ", " +
                           std::string(name(cell.work)) + ", pipeline " +
                           std::to_string(cell.pipeline);
    auto phase = subject.measure(settings, interrupted_);
    if (!phase) return failed(at, phase.error());
    on_step_(at + ": " + std::to_string(static_cast<std::uint64_t>(phase->rate())) + " a second" +
             (phase->disturbance && !phase->disturbance->is_quiet() ? " (not quiet)" : ""));
    if (phase->is_interrupted) return;
    cell.phase = std::move(*phase);
    out_.cells.push_back(std::move(cell));
  }

  void measure_curve(const Subject& subject, const System& system) {
    on_step_(std::string(system.name) + ": throughput and latency over connections");
    for (const std::size_t connections : curve_connections) {
      if (interrupted_) return;
      Settings settings = settings_.load;
      settings.mix = {.update = 1};
      settings.connections = connections;
      settings.threads = std::min(settings.threads, connections);
      settings.warm_up = curve_warm_up;
      settings.duration =
          std::min<std::chrono::milliseconds>(settings.duration, curve_duration_most);
      const auto phase = subject.measure(settings, interrupted_);
      if (!phase) return failed(std::string(system.name) + ", curve", phase.error());
      const KindTally all = phase->total.tally.operations();
      out_.curve.push_back({.system = std::string(system.name),
                            .connections = connections,
                            .rate = phase->rate(),
                            .p50 = all.latency.at(0.5),
                            .p99 = all.latency.at(0.99),
                            .is_quiet = phase->disturbance && phase->disturbance->is_quiet()});
    }
  }

  void failed(const std::string& at, const Error& error) {
    if (interrupted_) return;
    on_step_(at + " failed: " + error.message);
    out_.failures.push_back({.system = at, .reason = error.message});
  }

  const CompareSettings& settings_;
  Comparison& out_;
  const std::function<void(const std::string&)>& on_step_;
  const std::atomic<bool>& interrupted_;
};

}  // namespace

std::string_view name(Work work) {
  return work == Work::write ? "write" : "read";
}

Result<Comparison> compare(const CompareSettings& settings,
                           const std::function<void(const std::string&)>& on_step,
                           const std::atomic<bool>& interrupted) {
  const auto chosen = systems_named(settings.systems);
  if (!chosen) return std::unexpected(chosen.error());
  Comparison out{.settings = settings, .machine = this_machine()};
  for (const System& system : *chosen) {
    const std::string reason = why_not(system, {.directory = {}, .node = settings.node});
    if (reason.empty()) {
      out.systems.push_back(system);
    } else {
      out.skipped.push_back({.system = std::string(system.name), .reason = reason});
      on_step("skipped " + std::string(system.name) + ": " + reason);
    }
  }
  if (out.systems.empty()) {
    return fail(ErrorCode::not_found, "none of the systems named is installed here");
  }
  if (auto done = Comparing(out, on_step, interrupted).go(); !done) {
    return std::unexpected(done.error());
  }
  return out;
}

}  // namespace coterie::bench
