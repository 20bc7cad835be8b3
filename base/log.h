#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace coterie {

enum class LogLevel : std::uint8_t { debug, info, warn, error };

/// Where lines for operators go. From any thread. A line says what happened and, where somebody
/// must act, what to do.
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view component, std::string_view line) = 0;

  void debug(std::string_view c, std::string_view line) { write(LogLevel::debug, c, line); }
  void info(std::string_view c, std::string_view line) { write(LogLevel::info, c, line); }
  void warn(std::string_view c, std::string_view line) { write(LogLevel::warn, c, line); }
  void error(std::string_view c, std::string_view line) { write(LogLevel::error, c, line); }
};

/// Drops everything.
class NoLog final : public Log {
 public:
  void write(LogLevel /*level*/, std::string_view /*component*/,
             std::string_view /*line*/) override {}
};

}  // namespace coterie
