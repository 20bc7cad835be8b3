#include "client/tool/progress.h"

#include <algorithm>
#include <cstdio>

namespace coterie::tool {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t bar_cells = 30;

std::string clock_text(std::uint64_t seconds) {
  const std::uint64_t minutes = seconds / 60;
  const std::string rest = std::to_string(seconds % 60);
  return std::to_string(minutes) + (rest.size() < 2 ? ":0" : ":") + rest;
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::uint64_t rate_of(std::uint64_t count, Duration time) {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds <= 0 ? 0 : static_cast<std::uint64_t>(static_cast<double>(count) / seconds + 0.5);
}

void Progress::show(const State& state, Instant now) {
  const Duration between = mode_ == ProgressMode::bar ? 100ms : 500ms;
  if (mode_ == ProgressMode::none || now - shown_ < between) return;
  shown_ = now;
  print(state, now);
}

void Progress::finish(const State& state, Instant now) {
  if (mode_ == ProgressMode::none) return;
  print(state, now);
  if (mode_ == ProgressMode::bar) std::fputc('\n', stderr);
}

void Progress::print(const State& state, Instant now) {
  if (mode_ == ProgressMode::lines) {
    std::fprintf(stderr, "%s\n", line(state, now).c_str());
  } else {
    std::fprintf(stderr, "\r%s\x1b[K", bar(state, now).c_str());
  }
  std::fflush(stderr);
}

std::string Progress::line(const State& state, Instant now) const {
  return verb_ + " " + std::to_string(state.done) + " of " +
         std::to_string(state.total.value_or(state.read)) + ", " + std::to_string(state.failed) +
         " failed, " + std::to_string(rate_of(state.done, now - begun_)) + "/s";
}

std::string Progress::bar(const State& state, Instant now) const {
  const std::uint64_t rate = rate_of(state.done, now - begun_);
  std::string out = verb_ + " " + grouped(state.done);
  if (state.total) {
    const std::uint64_t total = std::max<std::uint64_t>(*state.total, 1);
    const std::uint64_t done = std::min(state.done, total);
    const auto cells = static_cast<std::size_t>(done * bar_cells / total);
    out = "[" + std::string(cells, '#') + std::string(bar_cells - cells, '.') + "] " +
          std::to_string(done * 100 / total) + "%  " + out + " of " + grouped(*state.total);
    if (rate > 0) out += "  " + clock_text((total - done) / rate) + " left";
  }
  out += "  " + grouped(rate) + "/s";
  if (state.failed > 0) out += "  " + grouped(state.failed) + " failed";
  return out;
}

}  // namespace coterie::tool
