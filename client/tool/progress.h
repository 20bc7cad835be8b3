#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/instant.h"

namespace coterie::tool {

enum class ProgressMode : std::uint8_t { none, bar, lines };

/// How far a long command is, on standard error: a bar on a terminal, or lines for scripts.
class Progress {
 public:
  struct State {
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    /// Nothing where it is not known ahead; then what has been read so far stands for it.
    std::optional<std::uint64_t> total;
    std::uint64_t read = 0;
  };

  /// `verb` as in "acknowledged 40123 of 117659, 0 failed, 51234/s".
  Progress(ProgressMode mode, std::string verb, Instant now)
      : mode_(mode), verb_(std::move(verb)), begun_(now), shown_(now) {}

  /// Shows it, if it is time to.
  void show(const State& state, Instant now);
  /// Shows the end.
  void finish(const State& state, Instant now);

  [[nodiscard]] std::string line(const State& state, Instant now) const;
  [[nodiscard]] std::string bar(const State& state, Instant now) const;

 private:
  void print(const State& state, Instant now);

  ProgressMode mode_;
  std::string verb_;
  Instant begun_;
  Instant shown_;
};

/// "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// Operations a second, rounded; 0 for no time at all.
[[nodiscard]] std::uint64_t rate_of(std::uint64_t count, Duration time);

}  // namespace coterie::tool
