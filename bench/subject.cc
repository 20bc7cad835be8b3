#include "bench/subject.h"

#include <utility>

namespace coterie::bench {
namespace {

const RunEvents no_events{.on_phase = [](const std::string&) {}, .on_second = [](const Second&) {}};
constexpr std::size_t load_pipeline = 16;

}  // namespace

Subject::Subject(const Settings& settings)
    : pids_(settings.server_pids),
      space_(std::make_shared<KeySpace>(settings.bucket, settings.key_prefix, settings.records)) {}

Result<Subject> Subject::start(const System& system, const Options& options,
                               const std::atomic<bool>& interrupted) {
  Subject subject(options.settings);
  auto directory = TemporaryDirectory::make(options.directory);
  if (!directory) return std::unexpected(directory.error());
  subject.directory_.emplace(std::move(*directory));
  auto running = system.start(
      system,
      {.directory = subject.directory_->path(), .node = options.node, .shards = options.shards});
  if (!running) return std::unexpected(running.error());
  subject.running_.emplace(std::move(*running));
  subject.pids_ = subject.running_->pids();
  subject.has_pipeline_ = system.has_pipeline;
  if (auto loaded = subject.load(options.settings, interrupted); !loaded) {
    return std::unexpected(loaded.error());
  }
  return subject;
}

Result<Subject> Subject::at_seeds(const Settings& settings, const std::atomic<bool>& interrupted) {
  Subject subject(settings);
  if (auto loaded = subject.load(settings, interrupted); !loaded) {
    return std::unexpected(loaded.error());
  }
  return subject;
}

Result<void> Subject::load(Settings settings, const std::atomic<bool>& interrupted) {
  settings.pipeline = load_pipeline;
  settings.is_loading = true;
  settings.is_running = false;
  adapt(settings);
  Target target{.make_session = {}, .space = space_};
  if (running_) target.make_session = running_->sessions(settings, *space_);
  auto report = run(settings, no_events, interrupted, target);
  if (!report) return std::unexpected(report.error());
  const Tally& tally = report->load->total.tally;
  if (!tally.errors.empty()) {
    return fail(ErrorCode::unavailable, "loading failed: " + tally.errors.begin()->second.message);
  }
  return {};
}

Result<PhaseReport> Subject::measure(Settings settings,
                                     const std::atomic<bool>& interrupted) const {
  settings.is_loading = false;
  settings.is_running = true;
  settings.records = records();
  adapt(settings);
  Target target{.make_session = {}, .space = space_};
  if (running_) target.make_session = running_->sessions(settings, *space_);
  auto report = run(settings, no_events, interrupted, target);
  if (!report) return std::unexpected(report.error());
  if (!report->run) return fail(ErrorCode::closed, "interrupted");
  return std::move(*report->run);
}

void Subject::adapt(Settings& settings) const {
  settings.server_pids = pids_;
  if (has_pipeline_) return;
  settings.connections *= settings.pipeline;
  settings.pipeline = 1;
}

}  // namespace coterie::bench
