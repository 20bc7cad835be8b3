#pragma once

#include <atomic>
#include <functional>

#include "base/error.h"
#include "bench/report.h"
#include "bench/settings.h"

namespace coterie::bench {

struct RunEvents {
  std::function<void(const std::string& phase)> on_phase;
  std::function<void(const Second& second)> on_second;
};

/// Loads and runs as the settings say. Blocks. `interrupted` set: it ends early, and the report
/// says so. Errors: those of connecting (unavailable, ...), a server process that is not there, an
/// unknown bucket.
[[nodiscard]] Result<Report> run(const Settings& settings, const RunEvents& events,
                                 const std::atomic<bool>& interrupted);

}  // namespace coterie::bench
