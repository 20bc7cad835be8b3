#include "bench/arguments_more.h"

#include <cmath>

#include <CLI/CLI.hpp>

#include "base/limits.h"

namespace coterie::bench {
namespace {

constexpr double load_most_s = 30;
constexpr std::uint64_t compared_records = 1'000'000;

std::chrono::milliseconds whole(double seconds) {
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

/// What both take.
struct Common {
  Settings load;
  std::string values = "100";
  double warm_up_s = 1;
  double duration_s = 5;
  double load_most = load_most_s;
  std::string directory;
  std::string node = beside_this_program("coterie-node");
  std::size_t shards = 1;
  std::string label;
  std::string html_file;

  Result<void> interpret() {
    const auto sizes = parse_value_sizes(values);
    if (!sizes) return std::unexpected(sizes.error());
    load.values = *sizes;
    load.warm_up = whole(warm_up_s);
    load.duration = whole(duration_s);
    load.load_most = whole(load_most);
    load.threads = std::min(load.threads, load.connections);
    return {};
  }
};

void add_common(CLI::App& app, Common& out) {
  app.add_option("-c,--connections", out.load.connections, "independent clients")
      ->check(CLI::Range(std::size_t{1}, connections_most))
      ->capture_default_str();
  app.add_option("-t,--threads", out.load.threads, "threads that drive them")
      ->check(CLI::Range(std::size_t{1}, threads_most))
      ->capture_default_str();
  app.add_option("--records", out.load.records, "how many are loaded")
      ->check(CLI::Range(std::uint64_t{1}, records_most))
      ->capture_default_str();
  app.add_option("--load-most", out.load_most,
                 "seconds after which loading ends, with the records that there are then")
      ->check(CLI::Range(0.1, 36000.0))
      ->capture_default_str();
  app.add_option("--value-size", out.values, "bytes of a value: 100, or a range: 100-1000")
      ->capture_default_str();
  app.add_option("--warm-up", out.warm_up_s, "seconds before counting begins, each time")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--duration", out.duration_s, "seconds that are counted, each time")
      ->check(CLI::Range(0.05, 3600.0))
      ->capture_default_str();
  app.add_option("--directory", out.directory,
                 "where servers keep their data, in directories that are made and removed");
  app.add_option("--node", out.node, "the coterie-node to start [the one beside this program]");
  app.add_option("--shards", out.shards, "of each peer of Coterie that is started")
      ->check(CLI::Range(std::size_t{1}, std::size_t{limits::shards_most}))
      ->capture_default_str();
  app.add_option("--label", out.label, "kept with the results: what was measured");
  app.add_option("--html", out.html_file, "write a page with plots to this file");
  app.add_flag("--json", out.load.is_json, "print JSON");
}

}  // namespace

struct MoreCommands::Raw {
  CLI::App* compare = nullptr;
  CLI::App* sweep = nullptr;
  Common for_compare;
  Common for_sweep;
  CompareSettings comparison;
  double probe_s = 1;
  bool has_no_curve = false;
  SweepSettings sweeping;
  std::vector<std::string> seeds;
  double read_ratio = 0.5;
};

MoreCommands::MoreCommands(CLI::App& app) : raw_(std::make_unique<Raw>()) {
  Raw& raw = *raw_;
  raw.for_compare.load.records = compared_records;
  raw.compare = app.add_subcommand(
      "compare",
      "starts Redis, memcached, etcd and Coterie here, in turn, and measures them alike");
  raw.compare
      ->add_option("--systems", raw.comparison.systems,
                   "names separated by commas: redis, redis-everysec, redis-always, "
                   "redis-cluster, memcached, etcd, coterie-interval, coterie-commit; "
                   "coterie, redis-aof and all stand for several")
      ->capture_default_str();
  raw.compare->add_option("--rounds", raw.comparison.rounds, "times that all are measured")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  raw.compare
      ->add_option("-p,--pipeline", raw.comparison.pipelines,
                   "operations in progress on each connection; several, separated by commas")
      ->delimiter(',')
      ->check(CLI::Range(1, 512))
      ->capture_default_str();
  raw.compare->add_option("--probe", raw.probe_s, "seconds of each probe of the machine itself")
      ->check(CLI::Range(0.05, 600.0))
      ->capture_default_str();
  raw.compare->add_flag("--no-curve", raw.has_no_curve,
                        "leave out throughput and latency over numbers of connections");
  raw.compare->add_option("--save", raw.comparison.json_file,
                          "write everything to this file, JSON");
  raw.compare->add_option("--result", raw.comparison.result_file,
                          "write what is worth keeping to this file, small");
  add_common(*raw.compare, raw.for_compare);

  raw.sweep = app.add_subcommand(
      "sweep", "finds the peak load, and the latency at parts of it in an open loop");
  raw.sweep->add_option("-s,--seed", raw.seeds, "client door of any node, host:port; repeatable")
      ->delimiter(',')
      ->allow_extra_args(false);
  raw.sweep->add_option("--system", raw.sweeping.system,
                        "start this one, of those of compare, instead of asking a cluster");
  raw.sweep->add_option("-b,--bucket", raw.for_sweep.load.bucket, "the bucket of a cluster")
      ->capture_default_str();
  raw.sweep->add_option("--read-ratio", raw.read_ratio, "the part that are gets, the rest are puts")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  raw.sweep->add_option("--shares", raw.sweeping.shares, "parts of the peak, separated by commas")
      ->delimiter(',')
      ->check(CLI::Range(0.01, 10.0))
      ->capture_default_str();
  raw.sweep
      ->add_option("--server-pids", raw.for_sweep.load.server_pids,
                   "processes of the cluster's nodes on this machine")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_common(*raw.sweep, raw.for_sweep);
}

MoreCommands::~MoreCommands() = default;

Result<std::optional<std::variant<CompareSettings, SweepSettings>>> MoreCommands::asked() {
  Raw& raw = *raw_;
  const auto take = [](Common& common, auto& out) -> Result<void> {
    if (auto done = common.interpret(); !done) return done;
    out.load = common.load;
    out.directory = common.directory;
    out.node = common.node;
    out.shards = common.shards;
    out.label = common.label;
    out.html_file = common.html_file;
    return {};
  };
  if (raw.compare->parsed()) {
    if (auto done = take(raw.for_compare, raw.comparison); !done) {
      return std::unexpected(done.error());
    }
    raw.comparison.probe_duration = whole(raw.probe_s);
    raw.comparison.has_curve = !raw.has_no_curve;
    return raw.comparison;
  }
  if (!raw.sweep->parsed()) return std::nullopt;
  if (auto done = take(raw.for_sweep, raw.sweeping); !done) return std::unexpected(done.error());
  if (!raw.seeds.empty()) raw.sweeping.load.seeds.clear();
  for (const auto& text : raw.seeds) {
    auto seed = Address::parse(text);
    if (!seed) return fail(ErrorCode::invalid_argument, "\"" + text + "\" is no host:port");
    raw.sweeping.load.seeds.push_back(std::move(*seed));
  }
  raw.sweeping.load.mix = {.read = raw.read_ratio, .update = 1 - raw.read_ratio};
  return raw.sweeping;
}

}  // namespace coterie::bench
