#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace coterie::bench {

/// What processes have used so far, added up.
struct ProcessUsage {
  double user_seconds = 0;
  double system_seconds = 0;
  /// Memory of their own in RAM, without what is mapped from files.
  std::uint64_t resident_anon_bytes = 0;
  std::uint64_t resident_bytes = 0;

  [[nodiscard]] double cpu_seconds() const { return user_seconds + system_seconds; }
  void add(const ProcessUsage& other);
};

/// The texts of /proc/PID/stat and /proc/PID/status. Error: they are not that.
[[nodiscard]] Result<ProcessUsage> parse_usage(std::string_view stat, std::string_view status,
                                               double ticks_a_second);

/// Error: one of them is not there.
[[nodiscard]] Result<ProcessUsage> usage_of(const std::vector<int>& pids);

}  // namespace coterie::bench
