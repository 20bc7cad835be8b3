#include "bench/run.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "base/env/system.h"
#include "bench/coterie_session.h"
#include "bench/machine_load.h"

namespace coterie::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto look_every = 20ms;  // of the thread that watches

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// What had been used at one moment.
struct Sample {
  ProcessUsage servers;
  ProcessUsage bench;
  CpuTimes machine;
  Instant at;
};

class Bench {
 public:
  Bench(const Settings& settings, const RunEvents& events, const std::atomic<bool>& interrupted,
        const Target& target)
      : settings_(settings),
        events_(events),
        interrupted_(interrupted),
        random_(settings.random_seed),
        space_(target.space ? target.space
                            : std::make_shared<KeySpace>(settings.bucket, settings.key_prefix,
                                                         settings.records)) {
    const MakeSession make_session =
        target.make_session ? target.make_session : coterie_target(settings, *space_);
    std::size_t first = 0;
    for (std::size_t i = 0; i < settings_.threads; ++i) {
      const std::size_t connections = connections_of(settings_, i);
      drivers_.push_back(std::make_unique<Driver>(Driver::Options{.make_session = make_session,
                                                                  .first_connection = first,
                                                                  .connections = connections,
                                                                  .pipeline = settings_.pipeline}));
      first += connections;
    }
  }

  Result<void> connect() {
    std::vector<Result<void>> results(drivers_.size());
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < drivers_.size(); ++i) {
        threads.emplace_back([this, &results, i] { results[i] = drivers_[i]->connect(); });
      }
    }
    for (const auto& result : results) {
      if (!result) return result;
    }
    return {};
  }

  Result<PhaseReport> load() {
    events_.on_phase("loading " + std::to_string(settings_.records) + " records");
    const bool is_bounded = settings_.load_most > 0ms;
    std::atomic<std::uint64_t> next = 0;
    auto report = perform(over_all(
        Kind::update, next, is_bounded ? clock_.now() + settings_.load_most : Instant::max()));
    // Those that were begun were answered, too, and they are the first ones.
    if (is_bounded) space_->end_at(std::min(next.load(), settings_.records));
    return report;
  }

  /// Reads all records for their contexts: puts then replace what is there.
  Result<PhaseReport> learn() {
    events_.on_phase("reading " + std::to_string(settings_.records) + " contexts");
    std::atomic<std::uint64_t> next = 0;
    return perform(over_all(Kind::resolve, next, Instant::max()));
  }

  Result<PhaseReport> go() {
    events_.on_phase("running");
    const Instant now = clock_.now();
    const Instant from = now + settings_.warm_up;
    const Instant end = from + settings_.duration;
    std::atomic<std::uint64_t> counted = 0;
    std::vector<Phase> phases;
    for (std::size_t i = 0; i < drivers_.size(); ++i) {
      auto work = workload();
      Phase phase{
          .next = [this, &counted, work, from](Instant begins) -> std::optional<Operation> {
            if (settings_.count > 0 && begins >= from && counted.fetch_add(1) >= settings_.count) {
              return std::nullopt;
            }
            return work->next();
          },
          .next_value = [work] { return work->next_value(); },
          .measure_from = from,
          .end = end,
          .backlog = std::max<std::size_t>(1, settings_.backlog / settings_.threads),
          .late_most = settings_.deadline};
      if (settings_.rate) {
        const double rate = *settings_.rate / static_cast<double>(settings_.threads);
        phase.arrivals.emplace(settings_.process, rate, now, random_.fork());
      }
      phases.push_back(std::move(phase));
    }
    return perform(std::move(phases));
  }

 private:
  /// One operation of the kind for each record, until `end`.
  std::vector<Phase> over_all(Kind kind, std::atomic<std::uint64_t>& next, Instant end) {
    std::vector<Phase> phases;
    const Instant now = clock_.now();
    for (std::size_t i = 0; i < drivers_.size(); ++i) {
      auto values = workload();
      phases.push_back({.next = [this, kind, &next](Instant) -> std::optional<Operation> {
                          const std::uint64_t record = next.fetch_add(1);
                          if (record >= settings_.records) return std::nullopt;
                          return Operation{.kind = kind, .record = record};
                        },
                        .next_value = [values] { return values->next_value(); },
                        .measure_from = now,
                        .end = end});
    }
    return phases;
  }

  std::shared_ptr<Workload> workload() {
    return std::make_shared<Workload>(settings_.mix, settings_.values, *space_, random_.fork());
  }

  Result<PhaseReport> perform(std::vector<Phase> phases) {
    const Instant from = phases.front().measure_from;
    const Instant end = phases.front().end;
    const Instant begun = clock_.now();
    std::vector<PhaseTally> tallies(drivers_.size());
    std::atomic<std::size_t> working = drivers_.size();
    PhaseReport report;
    Result<void> watched;
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < drivers_.size(); ++i) {
        threads.emplace_back([&, i] {
          tallies[i] = drivers_[i]->run(std::move(phases[i]));
          --working;
        });
      }
      watched = watch(working, from, end, report);
      if (!watched) {
        for (const auto& driver : drivers_) driver->stop();
      }
    }
    if (!watched) return std::unexpected(watched.error());
    report.seconds_in_all = seconds(clock_.now() - begun);
    for (const auto& tally : tallies) report.total.add(tally);
    const Instant last = report.total.last_answer;
    report.seconds = seconds(std::min(end, std::max(last, from)) - from);
    // Bounded by time, it took that time, also if its last answer came a little earlier.
    if (settings_.count == 0 && end != Instant::max() && !report.is_interrupted) {
      report.seconds = seconds(end - from);
    }
    return report;
  }

  /// Until all drivers have ended: the lines of the seconds, and the servers' usage from `from` to
  /// `end` or to the drivers' end.
  Result<void> watch(const std::atomic<std::size_t>& working, Instant from, Instant end,
                     PhaseReport& report) {
    const Instant begun = clock_.now();
    Instant second_begun = begun;
    std::optional<Sample> before;
    std::optional<Sample> after;
    while (true) {
      const bool is_done = working == 0;
      const Instant now = clock_.now();
      if (!before && now >= from) {
        if (auto done = sample(before); !done) return done;
      }
      if (before && !after && (is_done || now >= end)) {
        if (auto done = sample(after); !done) return done;
      }
      if (now - second_begun >= 1s || is_done) {
        take_second(begun, second_begun, now, from, report);
        second_begun = now;
      }
      if (is_done) break;
      if (interrupted_ && !std::exchange(report.is_interrupted, true)) {
        for (const auto& driver : drivers_) driver->stop();
      }
      std::this_thread::sleep_for(std::min<Duration>(look_every, next_look(now, from, end)));
    }
    if (before && after) account(*before, *after, report);
    return {};
  }

  void account(const Sample& before, const Sample& after, PhaseReport& report) const {
    if (settings_.server_pids.empty()) return;  // nobody can tell servers from others
    const double servers = after.servers.cpu_seconds() - before.servers.cpu_seconds();
    const double bench = after.bench.cpu_seconds() - before.bench.cpu_seconds();
    report.disturbance = disturbance(after.machine.since(before.machine), servers + bench,
                                     seconds(after.at - before.at));
    report.servers = after.servers;
    report.servers->user_seconds -= before.servers.user_seconds;
    report.servers->system_seconds -= before.servers.system_seconds;
  }

  static Duration next_look(Instant now, Instant from, Instant end) {
    if (now < from) return from - now;
    return now < end && end != Instant::max() ? end - now : Duration(look_every);
  }

  Result<void> sample(std::optional<Sample>& out) const {
    const auto servers = usage_of(settings_.server_pids);
    if (!servers) return std::unexpected(servers.error());
    const auto bench = usage_of({::getpid()});
    if (!bench) return std::unexpected(bench.error());
    const auto machine = cpu_times();
    if (!machine) return std::unexpected(machine.error());
    out = Sample{.servers = *servers, .bench = *bench, .machine = *machine, .at = clock_.now()};
    return {};
  }

  void take_second(Instant begun, Instant second_begun, Instant now, Instant from,
                   PhaseReport& report) {
    Tally tally;
    for (const auto& driver : drivers_) tally.add(driver->take_second());
    const KindTally all = tally.operations();
    const Second second{.ended_s = seconds(now - begun),
                        .took_s = seconds(now - second_begun),
                        .is_warm_up = second_begun < from,
                        .answered = all.answered,
                        .failed = all.failed,
                        .p50 = all.latency.at(0.5),
                        .p99 = all.latency.at(0.99),
                        .p99_9 = all.latency.at(0.999)};
    events_.on_second(second);
    report.each_second.push_back(second);
  }

  const Settings& settings_;
  const RunEvents& events_;
  const std::atomic<bool>& interrupted_;
  SystemClock clock_;
  Random random_;
  std::shared_ptr<KeySpace> space_;
  std::vector<std::unique_ptr<Driver>> drivers_;
};

}  // namespace

MakeSession coterie_target(const Settings& settings, KeySpace& space) {
  // A driver bounds what is in progress; resolve comes on top of it.
  const client::Options options{
      .deadline = settings.deadline,
      .in_flight = settings.in_flight > 0 ? settings.in_flight
                                          : 2 * std::max(settings.pipeline, settings.backlog)};
  return coterie_sessions(
      {.seeds = settings.seeds, .client = options, .r = settings.r, .w = settings.w}, space);
}

Result<Report> run(const Settings& settings, const RunEvents& events,
                   const std::atomic<bool>& interrupted, const Target& target) {
  Report report{.settings = settings, .machine = this_machine(), .load = {}, .run = {}};
  if (auto usage = usage_of(settings.server_pids); !usage) {
    return std::unexpected(usage.error());
  }
  Bench bench(settings, events, interrupted, target);
  if (auto connected = bench.connect(); !connected) return std::unexpected(connected.error());
  if (settings.is_loading) {
    auto load = bench.load();
    if (!load) return std::unexpected(load.error());
    report.load = std::move(*load);
  }
  if (settings.is_learning && !interrupted) {
    if (auto learned = bench.learn(); !learned) return std::unexpected(learned.error());
  }
  if (settings.is_running && !interrupted) {
    auto went = bench.go();
    if (!went) return std::unexpected(went.error());
    report.run = std::move(*went);
  }
  return report;
}

}  // namespace coterie::bench
