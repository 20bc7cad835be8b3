#include <fmt/format.h>

#include "bench/compare_summary.h"
#include "bench/numbers.h"

namespace coterie::bench {
namespace {

constexpr double bench_is_the_bound = bench_busy_much;

std::string heading(const Comparison& comparison) {
  const Settings& load = comparison.settings.load;
  const Machine& machine = comparison.machine;
  std::string out = fmt::format(
      "{} connections from {} thread{}, {} records (uniform keys) of {} to {} bytes, {:.1f} s "
      "counted after {:.1f} s; {} round{}; Coterie: {} shard{} a peer\n",
      load.connections, load.threads, load.threads == 1 ? "" : "s", grouped(load.records),
      load.values.least, load.values.most, static_cast<double>(load.duration.count()) / 1000,
      static_cast<double>(load.warm_up.count()) / 1000, comparison.settings.rounds,
      comparison.settings.rounds == 1 ? "" : "s", comparison.settings.shards,
      comparison.settings.shards == 1 ? "" : "s");
  out += fmt::format("{} cores, {}, {}, load {:.2f}; Coterie {} of {}, {}\n", machine.cores,
                     machine.cpu, machine.kernel, machine.load_average, machine.version,
                     machine.commit, machine.compiler);
  return out;
}

std::string probes(const Comparison& comparison) {
  std::string out;
  for (const std::size_t pipeline : comparison.settings.pipelines) {
    std::vector<double> rates;
    for (const RoundProbes& probe : comparison.probes) {
      rates.push_back(probe.echo.at(pipeline).rate());
    }
    const Spread spread = spread_of(std::move(rates));
    out += fmt::format("raw echo, pipeline {:<3}  {:>10} a second ({} to {})\n", pipeline,
                       grouped(spread.median), grouped(spread.least), grouped(spread.most));
  }
  std::vector<double> syncs;
  for (const RoundProbes& probe : comparison.probes) {
    syncs.push_back(milliseconds(probe.sync.latency.at(0.5)));
  }
  const Spread spread = spread_of(std::move(syncs));
  out += fmt::format("raw write and fdatasync  {:.3f} ms at the median ({:.3f} to {:.3f})\n",
                     spread.median, spread.least, spread.most);
  return out;
}

std::string line(const SummaryRow& row) {
  const std::string ratio = row.ratio ? fmt::format("{:.2f} ({:.2f}-{:.2f})", row.ratio->median,
                                                    row.ratio->least, row.ratio->most)
                                      : "";
  return fmt::format(
      "{:<18}{:>10}{:>10}{:>10}{:>18}{:>9.3f}{:>9.3f}{:>9.3f}{:>9.2f}{:>9.0f}{:>8.2f}{:>9.2f}"
      "{:>7.0f} %{}{}\n",
      row.system, grouped(row.rate.median), grouped(row.rate.least), grouped(row.rate.most), ratio,
      row.p50_ms.median, row.p99_ms.median, row.p99_9_ms.median, row.cpu_us.median, row.memory_mib,
      row.of_echo.median, row.p50_of_sync.median, row.bench_busy * 100, row.is_quiet() ? "" : "  *",
      row.failed > 0 ? "  failed: " + grouped(row.failed) : "");
}

/// Writes against those that promise as much, and what one writer alone waits for.
std::string sideways(const Comparison& comparison) {
  std::string out;
  for (const PairRow& row : pairs_of(comparison)) {
    out += fmt::format("writes, pipeline {:<3} {} / {}: {:.2f} ({:.2f}-{:.2f})\n", row.pipeline,
                       row.system, row.other, row.ratio.median, row.ratio.least, row.ratio.most);
  }
  for (const CurvePoint& point : comparison.curve) {
    if (point.connections != 1) continue;
    out +=
        fmt::format("a single writer, {:<17} p50 {:.3f} ms, p99 {:.3f}{}\n", point.system + ":",
                    milliseconds(point.p50), milliseconds(point.p99), point.is_quiet ? "" : "  *");
  }
  return out.empty() ? out : "\n" + out;
}

std::string notes(const Comparison& comparison, const std::vector<SummaryRow>& rows) {
  std::string out;
  bool is_any_noisy = false;
  bool is_bench_busy = false;
  for (const SummaryRow& row : rows) {
    is_any_noisy = is_any_noisy || !row.is_quiet();
    is_bench_busy = is_bench_busy || row.bench_busy > bench_is_the_bound;
    if (row.records < comparison.settings.load.records && row.work == Work::write &&
        row.pipeline == comparison.settings.pipelines.front()) {
      out += fmt::format("{} has {} records: more were not loaded in {:.0f} s\n", row.system,
                         grouped(row.records),
                         static_cast<double>(comparison.settings.load.load_most.count()) / 1000);
    }
  }
  if (is_any_noisy) {
    out += "* no round was quiet: something else kept cores busy, or the host took its time\n";
  }
  if (is_bench_busy) {
    out += "where the bench was busy nearly all the time it was the bound; then look at the CPU\n";
  }
  for (const Skipped& each : comparison.skipped) {
    out += fmt::format("skipped {}: {}\n", each.system, each.reason);
  }
  for (const Skipped& each : comparison.failures) {
    out += fmt::format("failed at {}: {}\n", each.system, each.reason);
  }
  if (comparison.is_interrupted) out += "interrupted; what had been measured is above\n";
  return out;
}

}  // namespace

std::string text_of(const Comparison& comparison) {
  std::string out = heading(comparison);
  if (!comparison.probes.empty()) out += probes(comparison);
  const auto rows = summary_of(comparison);
  const SummaryRow* before = nullptr;
  for (const SummaryRow& row : rows) {
    if (before == nullptr || before->work != row.work || before->pipeline != row.pipeline) {
      out += fmt::format(
          "\n{:<18}{:>10}{:>10}{:>10}{:>18}{:>9}{:>9}{:>9}{:>9}{:>9}{:>8}{:>9}{:>9}\n",
          fmt::format("{}, pipeline {}", name(row.work), row.pipeline), "a second", "least", "most",
          "of redis", "p50 ms", "p99", "p99.9", "CPU us", "MiB", "of echo", "p50/sync", "bench");
    }
    out += line(row);
    before = &row;
  }
  return out + sideways(comparison) + "\n" + notes(comparison, rows);
}

}  // namespace coterie::bench
