#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/compare_summary.h"
#include "bench/numbers.h"

namespace coterie::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int format = 1;

/// Four digits are more than rounds agree in.
double rounded(double number) {
  return std::isfinite(number) ? std::stod(fmt::format("{:.4g}", number)) : 0;
}

Json json_of(const Spread& spread) {
  return {rounded(spread.median), rounded(spread.least), rounded(spread.most)};
}

Json json_of(const Machine& machine) {
  return {{"cores", machine.cores},       {"cpu", machine.cpu},
          {"kernel", machine.kernel},     {"memory_bytes", machine.memory_bytes},
          {"load", machine.load_average}, {"version", machine.version},
          {"commit", machine.commit},     {"compiler", machine.compiler}};
}

Json settings_of(const CompareSettings& settings) {
  const Settings& load = settings.load;
  return {{"connections", load.connections},
          {"threads", load.threads},
          {"records", load.records},
          {"value_bytes", {load.values.least, load.values.most}},
          {"keys", "uniform"},
          {"rounds", settings.rounds},
          {"warm_up_ms", load.warm_up.count()},
          {"duration_ms", load.duration.count()},
          {"shards", settings.shards}};
}

Json row_of(const SummaryRow& row) {
  return {{"system", row.system},
          {"work", name(row.work)},
          {"pipeline", row.pipeline},
          {"records", row.records},
          {"rounds", row.rounds},
          {"quiet", row.quiet},
          {"per_second", json_of(row.rate)},
          {"of_redis", row.ratio ? json_of(*row.ratio) : Json()},
          {"of_echo", rounded(row.of_echo.median)},
          {"p50_of_sync", rounded(row.p50_of_sync.median)},
          {"cpu_us", json_of(row.cpu_us)},
          {"p50_ms", rounded(row.p50_ms.median)},
          {"p99_ms", rounded(row.p99_ms.median)},
          {"p99_9_ms", rounded(row.p99_9_ms.median)},
          {"memory_mib", rounded(row.memory_mib)},
          {"bench_busy", rounded(row.bench_busy)},
          {"failed", row.failed}};
}

/// Of those that promise as much of the disk.
Json pairs_json(const Comparison& comparison) {
  Json out = Json::array();
  for (const PairRow& row : pairs_of(comparison)) {
    out.push_back({{"system", row.system},
                   {"other", row.other},
                   {"pipeline", row.pipeline},
                   {"ratio", json_of(row.ratio)}});
  }
  return out;
}

Json single_writers(const Comparison& comparison) {
  Json out = Json::array();
  for (const CurvePoint& point : comparison.curve) {
    if (point.connections != 1) continue;
    out.push_back({{"system", point.system},
                   {"p50_ms", rounded(milliseconds(point.p50))},
                   {"p99_ms", rounded(milliseconds(point.p99))},
                   {"quiet", point.is_quiet}});
  }
  return out;
}

Json list_of(const std::vector<Skipped>& skipped) {
  Json out = Json::array();
  for (const Skipped& each : skipped) {
    out.push_back({{"system", each.system}, {"reason", each.reason}});
  }
  return out;
}

Json json_of(const Cell& cell) {
  const KindTally all = cell.phase.total.tally.operations();
  Json quantiles = Json::array();
  for (const double quantile : {0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999}) {
    quantiles.push_back({quantile, milliseconds(all.latency.at(quantile))});
  }
  Json seconds = Json::array();
  for (const Second& second : cell.phase.each_second) {
    if (second.is_warm_up) continue;
    seconds.push_back({second.ended_s, second.rate(), milliseconds(second.p99)});
  }
  Json out{
      {"system", cell.system},     {"work", name(cell.work)}, {"pipeline", cell.pipeline},
      {"round", cell.round},       {"records", cell.records}, {"per_second", cell.phase.rate()},
      {"answered", all.answered},  {"missing", all.missing},  {"failed", all.failed},
      {"quantiles_ms", quantiles}, {"seconds", seconds}};
  if (cell.phase.servers) {
    out["cpu_us"] = cell.phase.per_million(cell.phase.servers->cpu_seconds());
    out["user_seconds"] = cell.phase.servers->user_seconds;
    out["system_seconds"] = cell.phase.servers->system_seconds;
    out["resident_anon_bytes"] = cell.phase.servers->resident_anon_bytes;
  }
  if (cell.phase.disturbance) {
    out["others_cores"] = cell.phase.disturbance->others_cores;
    out["stolen_share"] = cell.phase.disturbance->stolen_share;
    out["quiet"] = cell.phase.disturbance->is_quiet();
  }
  return out;
}

Json json_of(const RoundProbes& probes) {
  Json echo = Json::array();
  for (const auto& [pipeline, result] : probes.echo)
    echo.push_back({pipeline, rounded(result.rate())});
  return {{"echo_per_second", echo},
          {"sync_p50_ms", rounded(milliseconds(probes.sync.latency.at(0.5)))}};
}

}  // namespace

std::string json_of(const Comparison& comparison) {
  Json out{{"format", format},
           {"tool", "coterie-bench compare"},
           {"label", comparison.settings.label},
           {"machine", json_of(comparison.machine)},
           {"others_cores_before", comparison.before.others_cores},
           {"settings", settings_of(comparison.settings)},
           {"interrupted", comparison.is_interrupted},
           {"skipped", list_of(comparison.skipped)},
           {"failures", list_of(comparison.failures)}};
  for (const RoundProbes& probes : comparison.probes) out["probes"].push_back(json_of(probes));
  out["rows"] = Json::array();
  for (const SummaryRow& row : summary_of(comparison)) out["rows"].push_back(row_of(row));
  out["pairs"] = pairs_json(comparison);
  out["curve"] = Json::array();
  for (const CurvePoint& point : comparison.curve) {
    out["curve"].push_back({{"system", point.system},
                            {"connections", point.connections},
                            {"per_second", point.rate},
                            {"p50_ms", milliseconds(point.p50)},
                            {"p99_ms", milliseconds(point.p99)},
                            {"quiet", point.is_quiet}});
  }
  out["cells"] = Json::array();
  for (const Cell& cell : comparison.cells) out["cells"].push_back(json_of(cell));
  return out.dump(1, ' ', false, Json::error_handler_t::replace);
}

std::string result_of(const Comparison& comparison) {
  const auto line = [](const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  const auto lines = [&line](const Json& list) {
    std::string out = "[";
    std::string_view before = "\n  ";
    for (const Json& each : list) out.append(std::exchange(before, ",\n  ")).append(line(each));
    return out + "]";
  };
  Json probes = Json::array();
  for (const RoundProbes& each : comparison.probes) probes.push_back(json_of(each));
  Json columns = Json::array();
  Json rows = Json::array();
  for (const SummaryRow& row : summary_of(comparison)) {
    const Json all = row_of(row);
    columns = Json::array();
    Json values = Json::array();
    for (const auto& [column, value] : all.items()) {
      columns.push_back(column);
      values.push_back(value);
    }
    rows.push_back(std::move(values));
  }
  return "{\"format\": 1, \"tool\": \"coterie-bench compare\", \"label\": " +
         line(comparison.settings.label) + ",\n \"machine\": " + line(json_of(comparison.machine)) +
         ",\n \"settings\": " + line(settings_of(comparison.settings)) +
         ",\n \"probes\": " + lines(probes) +
         ",\n \"lists\": \"median, least, most; over the quiet rounds if there are any\"" +
         ",\n \"pairs\": " + lines(pairs_json(comparison)) +
         ",\n \"single_writers\": " + lines(single_writers(comparison)) +
         ",\n \"columns\": " + line(columns) + ",\n \"rows\": " + lines(rows) + "}\n";
}

}  // namespace coterie::bench
