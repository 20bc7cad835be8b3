#include "bench/machine_load.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace coterie::bench {
namespace {

constexpr double others_cores_most = 0.15;
constexpr double stolen_share_most = 0.01;

}  // namespace

CpuTimes CpuTimes::since(const CpuTimes& before) const {
  return {.running = running - before.running,
          .stolen = stolen - before.stolen,
          .all = all - before.all};
}

Result<CpuTimes> parse_cpu_times(std::string_view stat, double ticks_a_second) {
  // "cpu  user nice system idle iowait irq softirq steal ...", see proc(5).
  std::array<double, 8> ticks{};
  std::string_view rest = stat.substr(0, stat.find('\n'));
  if (!rest.starts_with("cpu ")) return fail(ErrorCode::corrupt, "not what /proc/stat says");
  rest.remove_prefix(4);
  for (double& each : ticks) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc()) return fail(ErrorCode::corrupt, "not what /proc/stat says");
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    each = static_cast<double>(number);
  }
  CpuTimes times;
  for (const double each : ticks) times.all += each / ticks_a_second;
  times.running = (ticks[0] + ticks[1] + ticks[2]) / ticks_a_second;
  times.stolen = ticks[7] / ticks_a_second;
  return times;
}

Result<CpuTimes> cpu_times() {
  std::ifstream in("/proc/stat");
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return parse_cpu_times(text, static_cast<double>(::sysconf(_SC_CLK_TCK)));
}

bool Disturbance::is_quiet() const {
  return others_cores <= others_cores_most && stolen_share <= stolen_share_most;
}

Disturbance disturbance(const CpuTimes& spent, double ours_seconds, double seconds) {
  Disturbance out;
  // The kernel's books are kept in ticks: a little less than nothing is nothing.
  if (seconds > 0) out.others_cores = std::max(0.0, (spent.running - ours_seconds) / seconds);
  if (spent.all > 0) out.stolen_share = std::max(0.0, spent.stolen / spent.all);
  return out;
}

}  // namespace coterie::bench
