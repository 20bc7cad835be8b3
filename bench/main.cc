#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <type_traits>
#include <variant>

#include "bench/arguments.h"
#include "bench/exit_codes.h"
#include "bench/plot_results.h"
#include "bench/run.h"

namespace coterie::bench {
namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

int complain(const Error& error) {
  std::fprintf(stderr, "coterie-bench: %s\n", error.message.c_str());
  switch (error.code) {
    case ErrorCode::unavailable:
      std::fprintf(stderr, "Is a node running there? --seed names the client door of any node.\n");
      return static_cast<int>(Exit::unavailable);
    case ErrorCode::invalid_argument:
    case ErrorCode::not_found:
    case ErrorCode::unknown_bucket:
      return static_cast<int>(Exit::usage);
    default:
      return static_cast<int>(Exit::failed);
  }
}

bool has_failures(const std::optional<PhaseReport>& phase) {
  return phase && !phase->total.tally.errors.empty();
}

void notice_signals() {
  for (const int signal : {SIGINT, SIGTERM}) {
    std::signal(signal, [](int) { interrupted.store(true); });
  }
}

bool write_file(const std::string& path, const std::string& text) {
  if (path.empty()) return true;
  std::ofstream out(path);
  out << text;
  out.close();
  if (out) return true;
  std::fprintf(stderr, "coterie-bench: %s cannot be written\n", path.c_str());
  return false;
}

void say(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
}

int measure(const Settings& settings) {
  RunEvents events{.on_phase = [](const std::string&) {}, .on_second = [](const Second&) {}};
  if (settings.has_progress) {
    events.on_phase = [](const std::string& phase) { std::fprintf(stderr, "%s\n", phase.c_str()); };
    events.on_second = [](const Second& second) {
      std::fprintf(stderr, "%s\n", second_line(second).c_str());
    };
  }
  const auto report = run(settings, events, interrupted);
  if (!report) return complain(report.error());
  std::puts((settings.is_json ? json_of(*report) : text_of(*report)).c_str());
  if (interrupted) return static_cast<int>(Exit::interrupted);
  const bool failed = has_failures(report->load) || has_failures(report->run);
  return static_cast<int>(failed ? Exit::failed : Exit::success);
}

int measure(const CompareSettings& settings) {
  const auto comparison = compare(settings, say, interrupted);
  if (!comparison) return complain(comparison.error());
  std::puts((settings.load.is_json ? json_of(*comparison) : text_of(*comparison)).c_str());
  const bool is_written = write_file(settings.json_file, json_of(*comparison)) &&
                          write_file(settings.result_file, result_of(*comparison)) &&
                          write_file(settings.html_file, html_of(*comparison));
  if (interrupted) return static_cast<int>(Exit::interrupted);
  return static_cast<int>(is_written && comparison->failures.empty() ? Exit::success
                                                                     : Exit::failed);
}

int measure(const SweepSettings& settings) {
  const auto result = sweep(settings, say, interrupted);
  if (!result) return complain(result.error());
  std::puts((settings.load.is_json ? json_of(*result) : text_of(*result)).c_str());
  const bool is_written = write_file(settings.html_file, html_of(*result));
  if (interrupted) return static_cast<int>(Exit::interrupted);
  return static_cast<int>(is_written ? Exit::success : Exit::failed);
}

int measure(const Plots& plots) {
  std::ifstream in(plots.result_file);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in) {
    return complain(
        {.code = ErrorCode::not_found, .message = plots.result_file + " cannot be read"});
  }
  const auto files = plots_of(text);
  if (!files) return complain(files.error());
  for (const PlotFile& file : *files) {
    const std::string path = plots.directory + "/" + file.name;
    if (!write_file(path, file.contents)) return static_cast<int>(Exit::failed);
    std::puts(path.c_str());
  }
  return static_cast<int>(Exit::success);
}

int measure(const Probes& probes) {
  const auto echo = probe_echo(probes.echo);
  if (!echo) return complain(echo.error());
  const auto sync = probe_sync(probes.sync);
  if (!sync) return complain(sync.error());
  std::puts((probes.is_json ? json_of(*echo, *sync) : text_of(*echo, *sync)).c_str());
  return static_cast<int>(Exit::success);
}

}  // namespace
}  // namespace coterie::bench

int main(int argc, char** argv) {
  using namespace coterie::bench;
  const auto parsed = parse_arguments(argc, argv);
  if (const int* exit = std::get_if<int>(&parsed)) return *exit;
  notice_signals();
  const int code = std::visit(
      [](const auto& asked) {
        if constexpr (std::is_same_v<decltype(asked), const int&>) {
          return asked;
        } else {
          return measure(asked);
        }
      },
      parsed);
  // What was printed is only out when it has left.
  if (std::fflush(stdout) != 0 && code == 0) {
    std::perror("coterie-bench: standard output");
    return static_cast<int>(Exit::failed);
  }
  return code;
}
