#include "bench/arguments.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// CLI11 is heavy: of this program only this file and arguments_more.cc include it.
#include <CLI/CLI.hpp>

#include "base/limits.h"
#include "bench/arguments_more.h"
#include "bench/exit_codes.h"

namespace coterie::bench {
namespace {

constexpr const char* intro =
    "Measures a Coterie cluster: so many independent connections, each with operations of its own "
    "in progress, for a given time.\n\n"
    "Examples:\n"
    "  coterie-bench --load --read-ratio 0           only puts, 50 connections, 10 s\n"
    "  coterie-bench --read-ratio 1 --pipeline 16    only gets, 16 in progress on each\n"
    "  coterie-bench --load --workload a             YCSB's workload A\n"
    "  coterie-bench --rate 20000                    open loop: latency from the intended time\n"
    "  coterie-bench probe                           what the machine itself can do\n"
    "  coterie-bench compare --html page.html        beside Redis, memcached and etcd, here\n"
    "  coterie-bench sweep --system coterie-commit   the peak, and latency at parts of it\n";

/// What the options leave as text until all are read.
struct Raw {
  std::vector<std::string> seeds;
  std::string values = "100";
  std::string keys;
  std::string workload;
  std::string r;
  std::string w;
  std::string arrivals = "poisson";
  std::string progress = "auto";
  std::optional<double> read_ratio;
  double warm_up_s = 2;
  std::optional<double> duration_s;
  double rate = 0;
  bool is_load_only = false;
  std::int64_t deadline_ms = 5000;
};

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

Result<client::Quorum> parse_quorum(const std::string& text) {
  if (text.empty()) return client::Quorum{};
  if (text == "quorum") return client::Quorum{client::Quorum::quorum};
  if (text == "all") return client::Quorum{client::Quorum::all};
  if (text.size() == 1 && text[0] >= '1' && text[0] <= '7') {
    return client::Quorum{static_cast<std::uint8_t>(text[0] - '0')};
  }
  return wrong("\"" + text + "\" is no number of owners: 1 to 7, quorum or all");
}

std::vector<std::string> seeds_of_environment() {
  std::vector<std::string> seeds;
  const char* text = std::getenv("COTERIE_SEEDS");
  std::string_view rest = text == nullptr ? "" : text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    if (end > 0) seeds.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return seeds;
}

Result<void> interpret_seeds(const Raw& raw, Settings& out) {
  const auto texts = raw.seeds.empty() ? seeds_of_environment() : raw.seeds;
  if (texts.empty()) return {};
  out.seeds.clear();
  for (const auto& text : texts) {
    auto seed = Address::parse(text);
    if (!seed) return wrong("the seed \"" + text + "\" is no host:port: " + seed.error().message);
    out.seeds.push_back(std::move(*seed));
  }
  if (out.seeds.size() > limits::client_seeds) return wrong("too many seeds");
  return {};
}

Result<void> interpret_mix(const Raw& raw, Settings& out) {
  if (!raw.workload.empty()) {
    if (raw.read_ratio) return wrong("--workload says how much is read; leave out --read-ratio");
    auto mix = ycsb(raw.workload);
    if (!mix) return std::unexpected(mix.error());
    out.mix = *mix;
    out.workload = raw.workload;
  } else if (raw.read_ratio) {
    out.mix = {.read = *raw.read_ratio, .update = 1 - *raw.read_ratio};
  }
  if (raw.keys.empty()) return {};
  const auto keys = keys_named(raw.keys);
  if (!keys) return wrong("\"" + raw.keys + "\" is no choice of keys: uniform, zipfian or latest");
  out.mix.keys = *keys;
  return {};
}

Result<void> interpret(const Raw& raw, Settings& out) {
  if (auto done = interpret_seeds(raw, out); !done) return done;
  if (auto done = interpret_mix(raw, out); !done) return done;
  const auto r = parse_quorum(raw.r);
  if (!r) return std::unexpected(r.error());
  const auto w = parse_quorum(raw.w);
  if (!w) return std::unexpected(w.error());
  const auto values = parse_value_sizes(raw.values);
  if (!values) return std::unexpected(values.error());
  out.r = *r;
  out.w = *w;
  out.values = *values;
  out.deadline = std::chrono::milliseconds(raw.deadline_ms);
  out.warm_up = std::chrono::milliseconds(std::llround(raw.warm_up_s * 1000));
  if (raw.duration_s) {
    out.duration = std::chrono::milliseconds(std::llround(*raw.duration_s * 1000));
  } else if (out.count > 0) {
    out.duration = count_run_most;
  }
  if (raw.rate > 0) out.rate = raw.rate;
  if (raw.arrivals == "fixed") out.process = Arrivals::Process::fixed;
  if (raw.is_load_only) {
    out.is_loading = true;
    out.is_running = false;
  }
  out.has_progress =
      raw.progress == "lines" || (raw.progress == "auto" && ::isatty(STDERR_FILENO) != 0);
  // A thread without a connection has nothing to do.
  out.threads = std::min(out.threads, out.connections);
  if (out.backlog / out.connections > limits::client_calls / 2) {
    return wrong("each of the clients takes at most half of " +
                 std::to_string(limits::client_calls) + " operations of the backlog");
  }
  return {};
}

void add_cluster_options(CLI::App& app, Settings& out, Raw& raw) {
  app.add_option("-s,--seed", raw.seeds,
                 "client door of any node, host:port; repeatable; without it those of the "
                 "environment's COTERIE_SEEDS, separated by commas, or 127.0.0.1:7400")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("-b,--bucket", out.bucket, "the bucket")->capture_default_str();
  app.add_option("--r", raw.r, "owners that must answer: 1 to 7, quorum or all");
  app.add_option("--w", raw.w, "owners that must hold it: 1 to 7, quorum or all");
  app.add_option("--deadline", raw.deadline_ms, "milliseconds that an operation may take")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
}

void add_work_options(CLI::App& app, Settings& out, Raw& raw) {
  app.add_option("--workload", raw.workload,
                 "YCSB's a, b, c, d or f; says what is done and to which keys");
  app.add_option("--read-ratio", raw.read_ratio, "the part that are gets, the rest are puts [0.5]")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--keys", raw.keys,
                 "uniform, zipfian (YCSB's, scrambled, 0.99) or latest (the last inserted first)");
  app.add_option("--records", out.records, "how many records there are")
      ->check(CLI::Range(std::uint64_t{1}, records_most))
      ->capture_default_str();
  app.add_option("--value-size", raw.values, "bytes of a value: 100, or a range: 100-1000")
      ->capture_default_str();
  app.add_option("--key-prefix", out.key_prefix, "what keys begin with, before twelve digits")
      ->check([](const std::string& text) {
        return text.size() <= limits::key_bytes / 2 ? std::string() : "it is too long";
      })
      ->capture_default_str();
  app.add_flag("--load", out.is_loading, "write all records first, as fast as they are taken");
  app.add_flag("--learn", out.is_learning,
               "read all records before the run, so that its puts replace what is there: puts that "
               "know nothing of a record make siblings, and each is followed by a read");
  app.add_flag("--load-only", raw.is_load_only, "write all records, and end");
}

void add_loop_options(CLI::App& app, Settings& out, Raw& raw) {
  app.add_option("-c,--connections", out.connections, "independent clients")
      ->check(CLI::Range(std::size_t{1}, connections_most))
      ->capture_default_str();
  app.add_option("-p,--pipeline", out.pipeline, "operations in progress on each (closed loop)")
      ->check(CLI::Range(std::size_t{1}, limits::client_requests_a_connection))
      ->capture_default_str();
  app.add_option("-t,--threads", out.threads, "threads that drive the connections")
      ->check(CLI::Range(std::size_t{1}, threads_most))
      ->capture_default_str();
  app.add_option("--rate", raw.rate,
                 "open loop: so many operations a second, whatever became of those before; "
                 "latency counts from when each was meant to begin")
      ->check(CLI::Range(0.001, 1e8));
  app.add_option("--arrivals", raw.arrivals, "of the open loop: poisson or fixed distances")
      ->check(CLI::IsMember({"poisson", "fixed"}))
      ->capture_default_str();
  app.add_option("--backlog", out.backlog,
                 "operations of the open loop in progress at most; what comes beyond is not sent "
                 "and counted")
      ->check(CLI::Range(std::size_t{1}, backlog_most))
      ->capture_default_str();
  app.add_option("--in-flight", out.in_flight,
                 "requests that a client has at the nodes at once; others wait in it [all]")
      ->check(CLI::Range(std::size_t{1}, limits::client_calls));
  app.add_option("--warm-up", raw.warm_up_s, "seconds before counting begins")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--duration", raw.duration_s, "seconds that are counted [10, or until --count]")
      ->check(CLI::Range(0.001, 86400.0));
  app.add_option("--count", out.count, "end after so many counted operations")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 50));
  app.add_option("--random-seed", out.random_seed, "the same draws the same operations")
      ->capture_default_str();
}

void add_output_options(CLI::App& app, Settings& out, Raw& raw) {
  app.add_option("--server-pids", out.server_pids,
                 "processes of the nodes on this machine, separated by commas: the summary tells "
                 "their CPU seconds and memory")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::PositiveNumber);
  app.add_flag("--json", out.is_json, "print the summary as JSON");
  app.add_option("--progress", raw.progress,
                 "a line each second on standard error: auto (on a terminal), lines or none")
      ->check(CLI::IsMember({"auto", "lines", "none"}))
      ->capture_default_str();
}

struct RawProbes {
  double duration_s = 2;
};

CLI::App* add_probe(CLI::App& app, Probes& out, RawProbes& raw) {
  auto* probe = app.add_subcommand(
      "probe", "echo over loopback between two threads, and fdatasync: what this machine can do");
  probe->add_option("-c,--connections", out.echo.connections, "of the echo")
      ->check(CLI::Range(std::size_t{1}, connections_most))
      ->capture_default_str();
  probe->add_option("-p,--pipeline", out.echo.pipeline, "messages in progress on each")
      ->check(CLI::Range(1, 512))
      ->capture_default_str();
  probe->add_option("--message-bytes", out.echo.message_bytes, "of the echo")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  probe->add_option("--directory", out.sync.directory, "where the file that is synced is made")
      ->capture_default_str();
  probe->add_option("--write-bytes", out.sync.write_bytes, "written before each fdatasync")
      ->check(CLI::Range(1, 16 << 20))
      ->capture_default_str();
  probe->add_option("--duration", raw.duration_s, "seconds of each")
      ->check(CLI::Range(0.01, 600.0))
      ->capture_default_str();
  probe->add_flag("--json", out.is_json, "print JSON");
  return probe;
}

CLI::App* add_plot(CLI::App& app, Plots& out) {
  auto* plot = app.add_subcommand(
      "plot", "makes pictures (SVG) of what --result of compare or of bench/scaling wrote");
  plot->add_option("result", out.result_file, "that file")->required();
  plot->add_option("--directory", out.directory, "where the pictures are written")
      ->capture_default_str();
  return plot;
}

}  // namespace

Asked parse_arguments(int argc, char** argv) {
  Settings settings;
  Raw raw;
  Probes probes;
  RawProbes raw_probes;
  CLI::App app(intro, "coterie-bench");
  app.set_version_flag("--version", std::string("coterie-bench ") + COTERIE_VERSION);
  app.footer(exit_codes_help);
  add_cluster_options(app, settings, raw);
  add_work_options(app, settings, raw);
  add_loop_options(app, settings, raw);
  add_output_options(app, settings, raw);
  const auto* probe = add_probe(app, probes, raw_probes);
  MoreCommands more(app);
  Plots plots;
  const auto* plot = add_plot(app, plots);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  if (probe->parsed()) {
    const std::chrono::milliseconds duration(std::llround(raw_probes.duration_s * 1000));
    probes.echo.duration = probes.sync.duration = duration;
    return probes;
  }
  if (plot->parsed()) return plots;
  const auto wrong_usage = [](const Error& error) {
    std::fprintf(stderr, "coterie-bench: %s\n", error.message.c_str());
    return static_cast<int>(Exit::usage);
  };
  auto asked = more.asked();
  if (!asked) return wrong_usage(asked.error());
  if (*asked) return std::visit([](auto& each) -> Asked { return each; }, **asked);
  if (auto done = interpret(raw, settings); !done) return wrong_usage(done.error());
  return settings;
}

}  // namespace coterie::bench
