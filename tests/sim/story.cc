#include "tests/sim/story.h"

#include <algorithm>

namespace coterie::sim {
namespace {

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

}  // namespace

std::string seconds_text(Instant when) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
  std::string fraction = std::to_string(micros % 1000000);
  fraction.insert(0, 6 - fraction.size(), '0');
  return std::to_string(micros / 1000000) + "." + fraction;
}

void Story::tell(std::string_view who, std::string_view what) const {
  if (line_ == nullptr) return;
  line_(padded(seconds_text(world_.now()), 12) + padded(std::string(who), 11) + std::string(what));
}

void SimLog::write(LogLevel /*level*/, std::string_view component, std::string_view line) {
  if (story_.is_heard()) story_.tell(who_, std::string(component) + ": " + std::string(line));
}

}  // namespace coterie::sim
