#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "tests/sim/env/world.h"

namespace coterie::sim {

/// "12.345678", for people.
[[nodiscard]] std::string seconds_text(Instant when);

/// Where a run tells what happens, for whoever replays one that failed. Nobody listens: it costs
/// nothing but the call.
class Story {
 public:
  using Line = std::function<void(const std::string&)>;

  explicit Story(SimWorld& world) : world_(world) {}
  void listen(Line line) { line_ = std::move(line); }
  [[nodiscard]] bool is_heard() const { return line_ != nullptr; }
  /// `who`: "node 2", "client 5".
  void tell(std::string_view who, std::string_view what) const;

 private:
  SimWorld& world_;
  Line line_;
};

/// A node's log, told as part of the story.
class SimLog final : public Log {
 public:
  SimLog(const Story& story, std::string who) : story_(story), who_(std::move(who)) {}
  void write(LogLevel level, std::string_view component, std::string_view line) override;

 private:
  const Story& story_;
  std::string who_;
};

}  // namespace coterie::sim
