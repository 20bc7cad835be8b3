#include "bench/report.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "bench/numbers.h"

namespace coterie::bench {
namespace {

double mebibytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / (1U << 20);
}

std::string quorum_text(client::Quorum quorum) {
  switch (quorum.count) {
    case client::Quorum::bucket_default:
      return "of the bucket";
    case client::Quorum::quorum:
      return "quorum";
    case client::Quorum::all:
      return "all";
    default:
      return std::to_string(quorum.count);
  }
}

std::string heading(const Settings& settings) {
  const std::string values =
      settings.values.least == settings.values.most
          ? std::to_string(settings.values.least)
          : fmt::format("{} to {}", settings.values.least, settings.values.most);
  const std::string loop =
      settings.rate ? fmt::format("open loop of {} operations a second", grouped(*settings.rate))
                    : fmt::format("closed loop, {} in progress on each", settings.pipeline);
  return fmt::format(
      "bucket {}, R {}, W {}; {} records, keys {}, values of {} bytes\n"
      "{} connections from {} thread{}, {}\n",
      settings.bucket, quorum_text(settings.r), quorum_text(settings.w), grouped(settings.records),
      name(settings.mix.keys), values, settings.connections, settings.threads,
      settings.threads == 1 ? "" : "s", loop);
}

std::string row(std::string_view title, const KindTally& tally, double rate) {
  const Histogram& latency = tally.latency;
  return fmt::format("{:<18}{:>12}{:>11}{:>9.3f}{:>9.3f}{:>9.3f}{:>9.3f}{:>10.3f}{:>9}{:>9}\n",
                     title, grouped(tally.answered), grouped(rate), milliseconds(latency.mean()),
                     milliseconds(latency.at(0.5)), milliseconds(latency.at(0.99)),
                     milliseconds(latency.at(0.999)), milliseconds(latency.greatest()),
                     grouped(tally.missing), grouped(tally.failed));
}

std::string table(const PhaseReport& phase) {
  const Tally& tally = phase.total.tally;
  std::string out =
      fmt::format("{:<18}{:>12}{:>11}{:>9}{:>9}{:>9}{:>9}{:>10}{:>9}{:>9}\n", "", "answered",
                  "a second", "mean ms", "p50", "p99", "p99.9", "greatest", "missing", "failed");
  out += row("all", tally.operations(), phase.rate());
  for (std::size_t i = 0; i < kinds; ++i) {
    const KindTally& each = tally.by_kind[i];
    if (each.answered + each.failed == 0) continue;
    const double rate = phase.seconds > 0 ? static_cast<double>(each.answered) / phase.seconds : 0;
    out += row(name(static_cast<Kind>(i)), each, rate);
  }
  return out;
}

std::string errors(const Tally& tally) {
  std::string out;
  for (const auto& [code, error] : tally.errors) {
    out += fmt::format("failed with {}: {}, first: {}\n", name(code), grouped(error.count),
                       error.message);
  }
  if (tally.errors.contains(ErrorCode::too_many_siblings)) {
    out += "concurrent puts of one key make siblings; a bucket with resolver = \"lww\" keeps one\n";
  }
  return out;
}

std::string phase_text(const PhaseReport& phase, const Settings& settings) {
  std::string out = table(phase) + errors(phase.total.tally);
  if (settings.rate) {
    out += fmt::format("backlog: at most {}; not sent since it was full or the bench behind: {}\n",
                       grouped(phase.total.backlog_most), grouped(phase.total.unsent));
  }
  if (phase.servers) {
    out += fmt::format(
        "servers: {:.2f} CPU seconds (user {:.2f}, system {:.2f}), {:.1f} for each million "
        "operations; memory of their own {:.1f} MiB\n",
        phase.servers->cpu_seconds(), phase.servers->user_seconds, phase.servers->system_seconds,
        phase.per_million(phase.servers->cpu_seconds()),
        mebibytes(phase.servers->resident_anon_bytes));
  }
  const double busy = phase.bench_busy(settings.threads);
  out +=
      fmt::format("bench: {:.2f} CPU seconds, {:.0f} % of {} thread{}\n", phase.total.cpu_seconds,
                  busy * 100, settings.threads, settings.threads == 1 ? "" : "s");
  if (busy > bench_busy_much && !settings.rate) {
    out += "the bench itself was nearly always busy and may be the bound: try more --threads\n";
  }
  return out;
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return text;
}

std::string grouped(double number) {
  return grouped(static_cast<std::uint64_t>(std::max(0.0, number) + 0.5));
}

double PhaseReport::rate() const {
  return seconds > 0 ? static_cast<double>(total.answered_in_window) / seconds : 0;
}

double PhaseReport::per_million(double cpu_seconds) const {
  const auto operations = static_cast<double>(total.answered_in_window);
  return operations > 0 ? cpu_seconds / operations * 1e6 : 0;
}

double PhaseReport::bench_busy(std::size_t threads) const {
  const double had = seconds_in_all * static_cast<double>(threads);
  return had > 0 ? total.cpu_seconds / had : 0;
}

std::string second_line(const Second& second) {
  return fmt::format(
      "{:6.0f} s {:>9}/s   p50 {:7.3f} ms   p99 {:7.3f}   p99.9 {:7.3f}   failed {}{}",
      second.ended_s, grouped(second.rate()), milliseconds(second.p50), milliseconds(second.p99),
      milliseconds(second.p99_9), grouped(second.failed), second.is_warm_up ? "   (warm-up)" : "");
}

std::string text_of(const Report& report) {
  const Machine& machine = report.machine;
  std::string out = heading(report.settings);
  out += fmt::format("{} cores, {}, {}, load {:.2f}; Coterie {}, {}\n", machine.cores, machine.cpu,
                     machine.kernel, machine.load_average, machine.version, machine.compiler);
  if (report.load) {
    out += fmt::format("\nloaded in {:.2f} s\n", report.load->seconds);
    Settings settings = report.settings;
    settings.rate.reset();  // loading is a closed loop
    out += phase_text(*report.load, settings);
  }
  if (report.run) {
    out += fmt::format("\n{:.2f} s counted{}\n", report.run->seconds,
                       report.run->is_interrupted ? " (interrupted)" : "");
    out += phase_text(*report.run, report.settings);
  }
  return out;
}

std::string text_of(const ProbeResult& echo, const ProbeResult& sync) {
  const auto line = [](std::string_view title, const ProbeResult& result) {
    const Histogram& latency = result.latency;
    return fmt::format("{:<22}{:>12}/s   p50 {:.3f} ms   p99 {:.3f}   p99.9 {:.3f}\n", title,
                       grouped(result.rate()), milliseconds(latency.at(0.5)),
                       milliseconds(latency.at(0.99)), milliseconds(latency.at(0.999)));
  };
  return line("echo over loopback", echo) + line("write and fdatasync", sync);
}

}  // namespace coterie::bench
