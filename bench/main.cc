#include <atomic>
#include <csignal>
#include <cstdio>
#include <string>
#include <variant>

#include "bench/arguments.h"
#include "bench/exit_codes.h"
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

int measure(const Settings& settings) {
  for (const int signal : {SIGINT, SIGTERM}) {
    std::signal(signal, [](int) { interrupted.store(true); });
  }
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

int probe(const Probes& probes) {
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
  int code = 0;
  if (const int* exit = std::get_if<int>(&parsed)) {
    return *exit;
  } else if (const auto* settings = std::get_if<Settings>(&parsed)) {
    code = measure(*settings);
  } else {
    code = probe(std::get<Probes>(parsed));
  }
  // What was printed is only out when it has left.
  if (std::fflush(stdout) != 0 && code == 0) {
    std::perror("coterie-bench: standard output");
    return static_cast<int>(Exit::failed);
  }
  return code;
}
