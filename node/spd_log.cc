#include "node/spd_log.h"

#include <utility>

// spdlog is heavy: this file alone includes it.
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace coterie {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

class SpdLog final : public Log {
 public:
  explicit SpdLog(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}

  void write(LogLevel level, std::string_view component, std::string_view line) override {
    logger_->log(level_of(level), "{} {}", component, line);
  }

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace

Result<std::unique_ptr<Log>> make_log(const std::string& level, const std::string& file) {
  try {
    spdlog::sink_ptr sink;
    if (file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    }
    auto logger = std::make_shared<spdlog::logger>("coterie", std::move(sink));
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-7l %v", spdlog::pattern_time_type::utc);
    logger->set_level(spdlog::level::from_str(level == "error" ? "err" : level));
    logger->flush_on(spdlog::level::debug);
    return std::make_unique<SpdLog>(std::move(logger));
  } catch (const spdlog::spdlog_ex& error) {
    return fail(ErrorCode::io, "log.file: " + std::string(error.what()));
  }
}

}  // namespace coterie
