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
  return Summary({{"acknowledged", &Tally::good},
                  {"failed", &Tally::failed},
                  {"unknown", &Tally::unknown},
                  {"settled", &Tally::settled}});
}

Summary Summary::of_compare() {
  return Summary({{"equal", &Tally::good},
                  {"different", &Tally::different},
                  {"missing", &Tally::missing},
                  {"failed", &Tally::failed}});
}

std::string Summary::text(const Tally& tally, Duration time) const {
  std::string out = grouped(tally.read) + " records in " + seconds_text(time, "%.2f") + " s (" +
                    grouped(rate_of(tally.good, time)) + "/s):";
  for (const auto& [name, count] : counts_) {
    out += " " + grouped(tally.*count) + " " + std::string(name) + ",";
  }
  out.pop_back();
  return out;
}

std::string Summary::json(const Tally& tally, Duration time) const {
  std::string out = "{\"records\":" + std::to_string(tally.read);
  for (const auto& [name, count] : counts_) {
    out += ",\"" + std::string(name) + "\":" + std::to_string(tally.*count);
  }
  return out + ",\"seconds\":" + seconds_text(time, "%.3f") +
         ",\"operations_per_second\":" + std::to_string(rate_of(tally.good, time)) + "}";
}

}  // namespace coterie::tool
