#include "client/tool/summary.h"

#include <array>
#include <cstdio>

#include "client/tool/progress.h"

namespace coterie::tool {
namespace {

std::string seconds_text(Duration time, const char* format) {
  std::array<char, 32> text{};
  const double seconds = std::chrono::duration<double>(time).count();
  std::snprintf(text.data(), text.size(), format, seconds);
  return text.data();
}

}  // namespace

Summary Summary::of_import() {
  return Summary({{"acknowledged", "acknowledged", &Tally::good},
                  {"failed", "failed", &Tally::failed},
                  {"unknown", "of unknown outcome", &Tally::unknown, true},
                  {"settled", "found written by reading back", &Tally::settled, true},
                  {"bad_lines", "bad lines", &Tally::bad_lines, true}});
}

Summary Summary::of_compare() {
  return Summary({{"equal", "equal", &Tally::good},
                  {"different", "different", &Tally::different},
                  {"missing", "missing", &Tally::missing},
                  {"failed", "failed", &Tally::failed, true},
                  {"bad_lines", "bad lines", &Tally::bad_lines, true}});
}

std::string Summary::text(const Tally& tally, Duration time) const {
  std::string out = grouped(tally.read) + " records in " + seconds_text(time, "%.2f") + " s (" +
                    grouped(rate_of(tally.good, time)) + "/s):";
  for (const auto& count : counts_) {
    const std::uint64_t number = tally.*count.number;
    if (number == 0 && count.is_rare) continue;
    out += " " + grouped(number) + " " + std::string(count.words) + ",";
  }
  out.pop_back();
  return out;
}

std::string Summary::json(const Tally& tally, Duration time) const {
  std::string out = "{\"records\":" + std::to_string(tally.read);
  for (const auto& count : counts_) {
    out += ",\"" + std::string(count.name) + "\":" + std::to_string(tally.*count.number);
  }
  return out + ",\"seconds\":" + seconds_text(time, "%.3f") +
         ",\"operations_per_second\":" + std::to_string(rate_of(tally.good, time)) + "}";
}

}  // namespace coterie::tool
