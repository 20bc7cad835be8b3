#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/numbers.h"
#include "bench/plot.h"
#include "bench/sweep.h"

namespace coterie::bench {
namespace {

using Json = nlohmann::ordered_json;

struct Named {
  double quantile;
  const char* name;
};
constexpr Named quantiles[]{{0.5, "p50"}, {0.9, "p90"}, {0.99, "p99"}, {0.999, "p99.9"}};

std::string what(const Sweep& sweep) {
  const Settings& load = sweep.settings.load;
  const std::string system = sweep.settings.system.empty() ? "the cluster" : sweep.settings.system;
  return fmt::format("{}, {:.0f} % reads, {} connections, {} records of {} to {} bytes", system,
                     load.mix.read * 100, load.connections, grouped(sweep.records),
                     load.values.least, load.values.most);
}

double cpu_us(const PhaseReport& phase) {
  return phase.servers ? phase.per_million(phase.servers->cpu_seconds()) : 0;
}

bool is_noisy(const PhaseReport& phase) {
  return phase.disturbance && !phase.disturbance->is_quiet();
}

std::string line(const std::string& title, const PhaseReport& phase) {
  const KindTally all = phase.total.tally.operations();
  std::string out = fmt::format("{:<36}{:>11}", title, grouped(phase.rate()));
  for (const Named& each : quantiles) {
    out += fmt::format("{:>10.3f}", milliseconds(all.latency.at(each.quantile)));
  }
  return out + fmt::format("{:>9.2f}{:>9}{:>9}{}\n", cpu_us(phase), grouped(all.failed),
                           grouped(phase.total.unsent), is_noisy(phase) ? "  *" : "");
}

Json json_of(const PhaseReport& phase) {
  const KindTally all = phase.total.tally.operations();
  Json latency;
  for (const Named& each : quantiles) {
    latency[each.name] = milliseconds(all.latency.at(each.quantile));
  }
  Json out{{"per_second", phase.rate()}, {"answered", all.answered},
           {"failed", all.failed},       {"unsent", phase.total.unsent},
           {"latency_ms", latency},      {"bench_cpu_seconds", phase.total.cpu_seconds}};
  if (phase.servers) out["cpu_us"] = cpu_us(phase);
  if (phase.disturbance) out["quiet"] = phase.disturbance->is_quiet();
  return out;
}

Series series_of(const Sweep& sweep, std::size_t index) {
  Series series{.name = quantiles[index].name, .color = 2 * index, .points = {}};
  for (const LoadStep& step : sweep.loads) {
    const double ms =
        milliseconds(step.phase.total.tally.operations().latency.at(quantiles[index].quantile));
    series.points.push_back(
        {.x = step.share * 100,
         .y = ms,
         .note = fmt::format("{} a second: {:.3g} ms", grouped(step.rate), ms)});
  }
  return series;
}

Series ramp_of(const Sweep& sweep) {
  Series series{.name = "p99", .color = 4, .points = {}};
  for (const RampStep& step : sweep.ramp) {
    const double ms = milliseconds(step.phase.total.tally.operations().latency.at(0.99));
    series.points.push_back({.x = step.phase.rate(),
                             .y = ms,
                             .note = fmt::format("{} in progress on each: {} a second, {:.3g} ms",
                                                 step.pipeline, grouped(step.phase.rate()), ms)});
  }
  return series;
}

}  // namespace

std::string text_of(const Sweep& sweep) {
  const Machine& machine = sweep.machine;
  std::string out = what(sweep) + "\n";
  out += fmt::format("{} cores, {}, {}, load {:.2f}; Coterie {} of {}, {}\n\n", machine.cores,
                     machine.cpu, machine.kernel, machine.load_average, machine.version,
                     machine.commit, machine.compiler);
  out += fmt::format("{:<36}{:>11}{:>10}{:>10}{:>10}{:>10}{:>9}{:>9}{:>9}\n", "", "a second",
                     "p50 ms", "p90", "p99", "p99.9", "CPU us", "failed", "unsent");
  for (const RampStep& step : sweep.ramp) {
    out += line(fmt::format("closed loop, {} in progress on each", step.pipeline), step.phase);
  }
  out += fmt::format("peak: {} a second\n", grouped(sweep.peak));
  for (const LoadStep& step : sweep.loads) {
    out += line(fmt::format("open loop, {:.0f} % of the peak", step.share * 100), step.phase);
  }
  for (const LoadStep& step : sweep.loads) {
    if (!is_noisy(step.phase)) continue;
    out += "* something else kept cores busy, or the host took its time\n";
    break;
  }
  if (sweep.is_interrupted) out += "interrupted\n";
  return out;
}

std::string json_of(const Sweep& sweep) {
  const Machine& machine = sweep.machine;
  Json out{{"format", 1},
           {"tool", "coterie-bench sweep"},
           {"label", sweep.settings.label},
           {"machine",
            {{"cores", machine.cores},
             {"cpu", machine.cpu},
             {"kernel", machine.kernel},
             {"load", machine.load_average},
             {"version", machine.version},
             {"commit", machine.commit},
             {"compiler", machine.compiler}}},
           {"system", sweep.settings.system},
           {"connections", sweep.settings.load.connections},
           {"read", sweep.settings.load.mix.read},
           {"records", sweep.records},
           {"shards", sweep.settings.shards},
           {"value_bytes", {sweep.settings.load.values.least, sweep.settings.load.values.most}},
           {"interrupted", sweep.is_interrupted},
           {"peak_per_second", sweep.peak},
           {"ramp", Json::array()},
           {"loads", Json::array()}};
  for (const RampStep& step : sweep.ramp) {
    Json each = json_of(step.phase);
    each["pipeline"] = step.pipeline;
    out["ramp"].push_back(std::move(each));
  }
  for (const LoadStep& step : sweep.loads) {
    Json each = json_of(step.phase);
    each["share"] = step.share;
    each["rate"] = step.rate;
    out["loads"].push_back(std::move(each));
  }
  return out.dump(1, ' ', false, Json::error_handler_t::replace);
}

std::string html_of(const Sweep& sweep) {
  LinePlot loads{.x = {.title = "part of the peak, %"},
                 .y = {.title = "latency, ms", .is_log = true},
                 .series = {},
                 .x_ticks = {}};
  for (std::size_t i = 0; i < std::size(quantiles); ++i)
    loads.series.push_back(series_of(sweep, i));
  const LinePlot ramp{.x = {.title = "operations a second"},
                      .y = {.title = "99th percentile of latency, ms"},
                      .series = {ramp_of(sweep)},
                      .x_ticks = {}};
  const std::string intro =
      "<p>" + escaped(sweep.settings.label) + "</p>\n<p>" + escaped(what(sweep)) +
      fmt::format(". Peak: {} operations a second.</p>\n", grouped(sweep.peak));
  return page_of("Latency over load", intro,
                 {{.title = "Open loop, at parts of the peak",
                   .explanation = "Operations begin when they are due, whatever became of those "
                                  "before; latency counts from then.",
                   .svg = svg_of(loads)},
                  {.title = "Closed loop, up to the peak",
                   .explanation = "More and more in progress on each connection.",
                   .svg = svg_of(ramp)}},
                 "<div class=\"table\"><pre>" + escaped(text_of(sweep)) + "</pre></div>");
}

}  // namespace coterie::bench
