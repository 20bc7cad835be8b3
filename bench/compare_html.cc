#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "bench/compare_summary.h"
#include "bench/numbers.h"
#include "bench/plot.h"

namespace coterie::bench {
namespace {

/// Its place in the list of all: the same color in every page.
std::size_t color_of(std::string_view system) {
  const auto& all = all_systems();
  return static_cast<std::size_t>(std::ranges::find(all, system, &System::name) - all.begin());
}

std::string title_of(Work work, std::size_t pipeline) {
  return fmt::format("{}s, {}", name(work),
                     pipeline == 1 ? "one request in progress a connection"
                                   : fmt::format("{} in progress a connection", pipeline));
}

using Choose = Spread SummaryRow::*;

BarPlot bars(const std::vector<SummaryRow>& rows, Work work, std::size_t pipeline, Choose figure,
             const std::string& unit) {
  BarPlot plot{.unit = unit, .bars = {}};
  for (const SummaryRow& row : rows) {
    if (row.work != work || row.pipeline != pipeline) continue;
    const Spread& spread = row.*figure;
    plot.bars.push_back({.name = row.system,
                         .color = color_of(row.system),
                         .value = spread.median,
                         .least = spread.least,
                         .most = spread.most,
                         .is_doubtful = !row.is_quiet()});
  }
  return plot;
}

/// 99.9 % lies as far from 99 % as that from 90 %.
double place_of(double quantile) {
  return 1 / (1 - quantile);
}

LinePlot percentiles(const Comparison& comparison, Work work, std::size_t pipeline) {
  constexpr std::array quantiles{0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999};
  LinePlot plot{.x = {.title = "part of the requests answered within that time, %", .is_log = true},
                .y = {.title = "latency, ms", .is_log = true},
                .series = {},
                .x_ticks = {}};
  for (const double quantile : {0.5, 0.9, 0.99, 0.999, 0.9999}) {
    plot.x_ticks.push_back({.at = place_of(quantile), .text = fmt::format("{:g}", quantile * 100)});
  }
  for (const System& system : comparison.systems) {
    Histogram latency;
    for (const Cell& cell : comparison.cells) {
      if (cell.system == system.name && cell.work == work && cell.pipeline == pipeline) {
        latency.add(cell.phase.total.tally.operations().latency);
      }
    }
    Series series{.name = std::string(system.name), .color = color_of(system.name), .points = {}};
    for (const double quantile : quantiles) {
      const double ms = milliseconds(latency.at(quantile));
      // So few requests have no such percentile.
      if (static_cast<double>(latency.count()) * (1 - quantile) < 1) continue;
      series.points.push_back({.x = place_of(quantile),
                               .y = ms,
                               .note = fmt::format("{:g} % within {:.3g} ms", quantile * 100, ms)});
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

LinePlot over_time(const Comparison& comparison, Work work, std::size_t pipeline) {
  LinePlot plot{.x = {.title = "seconds"},
                .y = {.title = "requests a second, in thousands"},
                .series = {},
                .x_ticks = {}};
  std::map<std::string, const Cell*> last;  // of each system
  for (const Cell& cell : comparison.cells) {
    if (cell.work == work && cell.pipeline == pipeline) last[cell.system] = &cell;
  }
  for (const auto& [system, cell] : last) {
    Series series{.name = system, .color = color_of(system), .points = {}};
    double begun = -1;
    for (const Second& second : cell->phase.each_second) {
      // A rest of a second at the end says little.
      if (second.is_warm_up || second.took_s < 0.5) continue;
      if (begun < 0) begun = second.ended_s - second.took_s;
      series.points.push_back(
          {.x = second.ended_s - begun,
           .y = second.rate() / 1000,
           .note = fmt::format("{} a second, p99 {:.3g} ms", grouped(second.rate()),
                               milliseconds(second.p99))});
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

LinePlot curve(const Comparison& comparison) {
  LinePlot plot{.x = {.title = "writes a second", .is_log = true},
                .y = {.title = "99th percentile of latency, ms", .is_log = true},
                .series = {},
                .x_ticks = {}};
  for (const System& system : comparison.systems) {
    Series series{.name = std::string(system.name), .color = color_of(system.name), .points = {}};
    for (const CurvePoint& point : comparison.curve) {
      if (point.system != system.name) continue;
      series.points.push_back(
          {.x = point.rate,
           .y = milliseconds(point.p99),
           .note = fmt::format("{} connections: {} a second, p50 {:.3g} ms, p99 {:.3g} ms",
                               point.connections, grouped(point.rate), milliseconds(point.p50),
                               milliseconds(point.p99))});
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

std::vector<Figure> figures_of(const Comparison& comparison, const std::vector<SummaryRow>& rows) {
  std::vector<Figure> out;
  const auto each = [&](const auto& make) {
    for (const Work work : {Work::write, Work::read}) {
      for (const std::size_t pipeline : comparison.settings.pipelines) {
        out.push_back(make(work, pipeline));
      }
    }
  };
  each([&](Work work, std::size_t pipeline) -> Figure {
    return {.title = "Throughput: " + title_of(work, pipeline),
            .explanation = "Median of the rounds; the thin line spans them all.",
            .svg = svg_of(bars(rows, work, pipeline, &SummaryRow::rate, "requests a second"))};
  });
  each([&](Work work, std::size_t pipeline) -> Figure {
    return {.title = "CPU: " + title_of(work, pipeline),
            .explanation = "Of all processes of a system, for one request. Less is better.",
            .svg = svg_of(
                bars(rows, work, pipeline, &SummaryRow::cpu_us, "microseconds of CPU a request"))};
  });
  if (!comparison.curve.empty()) {
    out.push_back({.title = "Throughput against latency",
                   .explanation = "Writes, one in progress a connection; from 1 to 200 "
                                  "connections along each line. Down and right is better.",
                   .svg = svg_of(curve(comparison))});
  }
  each([&](Work work, std::size_t pipeline) -> Figure {
    return {.title = "Percentiles: " + title_of(work, pipeline),
            .explanation = "Of all rounds together. Down is better.",
            .svg = svg_of(percentiles(comparison, work, pipeline))};
  });
  each([&](Work work, std::size_t pipeline) -> Figure {
    return {.title = "Over time: " + title_of(work, pipeline),
            .explanation = "Each second of the last round.",
            .svg = svg_of(over_time(comparison, work, pipeline))};
  });
  return out;
}

std::string table_of(const Comparison& comparison, const std::vector<SummaryRow>& rows) {
  std::string out;
  for (const Work work : {Work::write, Work::read}) {
    for (const std::size_t pipeline : comparison.settings.pipelines) {
      out += "<div class=\"table\"><h2>" + title_of(work, pipeline) +
             "</h2><table><tr><th>system</th><th>a second</th><th>least</th><th>most</th>"
             "<th>of redis</th><th>of raw echo</th><th>p50, ms</th><th>p99, ms</th>"
             "<th>p99.9, ms</th><th>p50, fdatasyncs</th><th>CPU, µs</th><th>memory, MiB</th>"
             "<th>records</th><th>quiet rounds</th></tr>\n";
      for (const SummaryRow& row : rows) {
        if (row.work != work || row.pipeline != pipeline) continue;
        out += fmt::format(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.2f}</td>"
            "<td>{:.3f}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.2f}</td><td>{:.2f}</td>"
            "<td>{:.0f}</td><td>{}</td><td>{} of {}</td></tr>\n",
            row.system, grouped(row.rate.median), grouped(row.rate.least), grouped(row.rate.most),
            row.ratio ? fmt::format("{:.2f} ({:.2f} to {:.2f})", row.ratio->median,
                                    row.ratio->least, row.ratio->most)
                      : "",
            row.of_echo.median, row.p50_ms.median, row.p99_ms.median, row.p99_9_ms.median,
            row.p50_of_sync.median, row.cpu_us.median, row.memory_mib, grouped(row.records),
            row.quiet, row.rounds);
      }
      out += "</table></div>\n";
    }
  }
  return out;
}

std::string pairs_table(const Comparison& comparison) {
  std::string out =
      "<div class=\"table\"><h2>Writes against those that promise as much of the disk</h2><table>"
      "<tr><th>systems</th><th>in progress</th><th>of the other's rate</th></tr>\n";
  const auto rows = pairs_of(comparison);
  for (const PairRow& row : rows) {
    out += fmt::format("<tr><td>{} / {}</td><td>{}</td><td>{:.2f} ({:.2f} to {:.2f})</td></tr>\n",
                       row.system, row.other, row.pipeline, row.ratio.median, row.ratio.least,
                       row.ratio.most);
  }
  return rows.empty() ? std::string() : out + "</table></div>\n";
}

std::string intro_of(const Comparison& comparison) {
  const Settings& load = comparison.settings.load;
  const Machine& machine = comparison.machine;
  std::string out = escaped(fmt::format(
      "{} cores, {}, {}, load {:.2f} before. {} connections from {} thread(s), {} records, uniform "
      "keys, values of {} to {} bytes, {} rounds of {:.1f} s each. Servers and load generator "
      "share "
      "the machine. Coterie {} of {}, {}, {} shard(s) a peer.",
      machine.cores, machine.cpu, machine.kernel, machine.load_average, load.connections,
      load.threads, grouped(load.records), load.values.least, load.values.most,
      comparison.settings.rounds, static_cast<double>(load.duration.count()) / 1000,
      machine.version, machine.commit, machine.compiler, comparison.settings.shards));
  out = "<p>" + escaped(comparison.settings.label) + "</p>\n<p>" + out + "</p>\n<p>";
  for (const System& system : comparison.systems) {
    out += "<b>" + escaped(system.name) + "</b>: " + escaped(system.title) + ". ";
  }
  out += "A * marks what was measured while something else kept the machine busy.</p>\n";
  for (const Skipped& each : comparison.skipped) {
    out += "<p>Skipped " + escaped(each.system) + ": " + escaped(each.reason) + "</p>\n";
  }
  for (const Skipped& each : comparison.failures) {
    out += "<p>Failed at " + escaped(each.system) + ": " + escaped(each.reason) + "</p>\n";
  }
  return out;
}

}  // namespace

std::string html_of(const Comparison& comparison) {
  const auto rows = summary_of(comparison);
  return page_of("Coterie beside others", intro_of(comparison), figures_of(comparison, rows),
                 table_of(comparison, rows) + pairs_table(comparison));
}

}  // namespace coterie::bench
