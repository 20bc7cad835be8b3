// import and compare.

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "base/env/system.h"
#include "client/tool/commands.h"
#include "client/tool/import.h"
#include "client/tool/json.h"
#include "client/tool/record_file.h"
#include "client/tool/summary.h"

namespace coterie::tool {
namespace {

using namespace std::chrono_literals;

struct Run {
  Result<void> outcome;
  Duration time{};
};

/// Drives the flow to its end, also after an error of its source: what is under way is waited for.
Run drive(RecordFlow& flow, client::Client& client, const RecordFile& file, Progress& progress,
          const Clock& clock) {
  const Instant begun = clock.now();
  Run run;
  const auto state = [&] {
    const Tally& tally = flow.tally();
    return Progress::State{.done = tally.good,
                           .failed = tally.ended() - tally.good,
                           .total = file.total(),
                           .read = tally.read};
  };
  for (;;) {
    if (auto stepped = flow.step(); !stepped) run.outcome = std::move(stepped);
    if (flow.is_done()) break;
    client.poll(10ms);
    progress.show(state(), clock.now());
  }
  run.time = clock.now() - begun;
  progress.finish(state(), clock.now());
  return run;
}

RecordFlow::Options flow_options(const Arguments& arguments) {
  return {.in_flight = arguments.in_flight,
          .retry_for = std::chrono::seconds(arguments.retry_for_s)};
}

Result<RecordFile> open_file(const Arguments& arguments) {
  return RecordFile::open(arguments.file, arguments.format.value_or(format_of(arguments.file)));
}

Exit report(const Arguments& arguments, const RecordFlow& flow, const Run& run,
            const Summary& summary) {
  const Tally& tally = flow.tally();
  for (const auto& line : tally.complaints) std::fprintf(stderr, "coterie: %s\n", line.c_str());
  if (tally.complaints_left_out > 0) {
    std::fprintf(stderr, "coterie: and %s more\n", grouped(tally.complaints_left_out).c_str());
  }
  if (!run.outcome) std::fprintf(stderr, "coterie: %s\n", run.outcome.error().message.c_str());
  std::printf("%s\n", arguments.json ? summary.json(tally, run.time).c_str()
                                     : summary.text(tally, run.time).c_str());
  if (!run.outcome) return exit_of(run.outcome.error());
  if (tally.failed + tally.different + tally.missing > 0) return Exit::failed;
  if (tally.unknown > 0) return Exit::unknown;
  return tally.bad_lines > 0 ? Exit::usage : Exit::success;
}

}  // namespace

Exit run_import(const Arguments& arguments, client::Client& client) {
  auto file = open_file(arguments);
  if (!file) return complain(arguments, file.error());
  const SystemClock clock;
  ClientCalls calls(client, {.r = arguments.r}, {.w = arguments.w});
  Import import(
      {.bucket = arguments.bucket,
       .overwrite = arguments.overwrite,
       .flow = flow_options(arguments)},
      calls, [&file] { return file->next(); }, [&clock] { return clock.now(); });
  Progress progress(arguments.progress, "acknowledged", clock.now());
  const Run run = drive(import.flow(), client, *file, progress, clock);
  return report(arguments, import.flow(), run, Summary::of_import());
}

Exit run_compare(const Arguments& arguments, client::Client& client) {
  auto file = open_file(arguments);
  if (!file) return complain(arguments, file.error());
  const SystemClock clock;
  ClientCalls calls(client, {.r = arguments.r}, {});
  Compare compare(
      arguments.bucket, flow_options(arguments), calls, [&file] { return file->next(); },
      [&clock] { return clock.now(); });
  Progress progress(arguments.progress, "compared", clock.now());
  const Run run = drive(compare.flow(), client, *file, progress, clock);
  return report(arguments, compare.flow(), run, Summary::of_compare());
}

}  // namespace coterie::tool
