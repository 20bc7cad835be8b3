#include <nlohmann/json.hpp>

#include "bench/report.h"

namespace coterie::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int format = 1;

double microseconds(Duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

Json json_of(const Machine& machine) {
  return {{"cores", machine.cores},
          {"cpu", machine.cpu},
          {"kernel", machine.kernel},
          {"memory_bytes", machine.memory_bytes},
          {"load_average", machine.load_average},
          {"version", machine.version},
          {"compiler", machine.compiler},
          {"commit", machine.commit}};
}

Json json_of(const Settings& settings) {
  Json seeds = Json::array();
  for (const auto& seed : settings.seeds) seeds.push_back(seed.text());
  return {{"seeds", seeds},
          {"bucket", settings.bucket},
          {"key_prefix", settings.key_prefix},
          {"r", settings.r.count},
          {"w", settings.w.count},
          {"records", settings.records},
          {"value_bytes", {settings.values.least, settings.values.most}},
          {"workload", settings.workload.empty() ? Json() : Json(settings.workload)},
          {"keys", name(settings.mix.keys)},
          {"read", settings.mix.read},
          {"update", settings.mix.update},
          {"insert", settings.mix.insert},
          {"read_modify_write", settings.mix.read_modify_write},
          {"connections", settings.connections},
          {"pipeline", settings.pipeline},
          {"threads", settings.threads},
          {"loop", settings.rate ? "open" : "closed"},
          {"rate", settings.rate ? Json(*settings.rate) : Json()},
          {"backlog", settings.backlog},
          {"warm_up_ms", settings.warm_up.count()},
          {"duration_ms", settings.duration.count()},
          {"count", settings.count},
          {"deadline_ms", settings.deadline.count()},
          {"random_seed", settings.random_seed}};
}

Json json_of(const Histogram& latency) {
  return {{"mean", microseconds(latency.mean())},        {"p50", microseconds(latency.at(0.5))},
          {"p90", microseconds(latency.at(0.9))},        {"p95", microseconds(latency.at(0.95))},
          {"p99", microseconds(latency.at(0.99))},       {"p99_9", microseconds(latency.at(0.999))},
          {"greatest", microseconds(latency.greatest())}};
}

Json json_of(const KindTally& tally) {
  Json out{{"answered", tally.answered},
           {"missing", tally.missing},
           {"failed", tally.failed},
           {"latency_us", json_of(tally.latency)}};
  if (tally.failed > 0) out["failed_latency_us"] = json_of(tally.failing);
  return out;
}

Json json_of(const ProbeResult& result) {
  const Histogram& latency = result.latency;
  return {{"operations", result.operations},
          {"seconds", result.seconds},
          {"operations_per_second", result.rate()},
          {"latency_us",
           {{"p50", microseconds(latency.at(0.5))},
            {"p99", microseconds(latency.at(0.99))},
            {"p99_9", microseconds(latency.at(0.999))},
            {"greatest", microseconds(latency.greatest())}}}};
}

Json json_of(const client::Counters& counters) {
  return {{"calls", counters.calls},
          {"tries", counters.tries},
          {"retries", counters.retries},
          {"retries_denied", counters.retries_denied},
          {"refused", counters.refused},
          {"in_doubt", counters.in_doubt},
          {"replies_late", counters.replies_late},
          {"dials", counters.dials},
          {"dials_failed", counters.dials_failed},
          {"connections_lost", counters.connections_lost}};
}

Json json_of(const std::vector<Second>& seconds) {
  Json out = Json::array();
  for (const Second& second : seconds) {
    out.push_back({{"ended_s", second.ended_s},
                   {"took_s", second.took_s},
                   {"warm_up", second.is_warm_up},
                   {"answered", second.answered},
                   {"failed", second.failed},
                   {"p50_us", microseconds(second.p50)},
                   {"p99_us", microseconds(second.p99)},
                   {"p99_9_us", microseconds(second.p99_9)}});
  }
  return out;
}

Json json_of(const PhaseReport& phase, std::size_t threads) {
  const Tally& tally = phase.total.tally;
  const KindTally all = tally.operations();
  Json by_kind = Json::object();
  for (std::size_t i = 0; i < kinds; ++i) {
    const KindTally& each = tally.by_kind[i];
    if (each.answered + each.failed > 0) {
      by_kind[std::string(name(static_cast<Kind>(i)))] = json_of(each);
    }
  }
  Json errors = Json::array();
  for (const auto& [code, error] : tally.errors) {
    errors.push_back({{"code", name(code)}, {"count", error.count}, {"first", error.message}});
  }
  Json servers;
  if (phase.servers) {
    servers = {{"cpu_seconds", phase.servers->cpu_seconds()},
               {"user_seconds", phase.servers->user_seconds},
               {"system_seconds", phase.servers->system_seconds},
               {"cpu_seconds_per_million", phase.per_million(phase.servers->cpu_seconds())},
               {"resident_anon_bytes", phase.servers->resident_anon_bytes},
               {"resident_bytes", phase.servers->resident_bytes}};
  }
  Json disturbance;
  if (phase.disturbance) {
    disturbance = {{"others_cores", phase.disturbance->others_cores},
                   {"stolen_share", phase.disturbance->stolen_share},
                   {"quiet", phase.disturbance->is_quiet()}};
  }
  return {
      {"seconds", phase.seconds},
      {"interrupted", phase.is_interrupted},
      {"operations", all.answered + all.failed},
      {"answered_in_window", phase.total.answered_in_window},
      {"operations_per_second", phase.rate()},
      {"all", json_of(all)},
      {"kinds", by_kind},
      {"errors", errors},
      {"unsent", phase.total.unsent},
      {"longest_call_us", microseconds(phase.total.longest_call)},
      {"backlog_most", phase.total.backlog_most},
      {"client", json_of(phase.total.counters)},
      {"bench", {{"cpu_seconds", phase.total.cpu_seconds}, {"busy", phase.bench_busy(threads)}}},
      {"servers", servers},
      {"disturbance", disturbance},
      {"each_second", json_of(phase.each_second)}};
}

}  // namespace

std::string json_of(const Report& report) {
  const std::size_t threads = report.settings.threads;
  const Json out = {{"format", format},
                    {"tool", "coterie-bench"},
                    {"machine", json_of(report.machine)},
                    {"settings", json_of(report.settings)},
                    {"load", report.load ? json_of(*report.load, threads) : Json()},
                    {"run", report.run ? json_of(*report.run, threads) : Json()}};
  // Messages come from servers and may hold anything.
  return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string json_of(const ProbeResult& echo, const ProbeResult& sync) {
  return Json{{"format", format},
              {"tool", "coterie-bench probe"},
              {"machine", json_of(this_machine())},
              {"echo", json_of(echo)},
              {"sync", json_of(sync)}}
      .dump(2);
}

}  // namespace coterie::bench
