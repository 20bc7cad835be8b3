#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "base/error.h"
#include "bench/key_space.h"
#include "bench/report.h"
#include "bench/session.h"
#include "bench/settings.h"

namespace coterie::bench {

struct RunEvents {
  std::function<void(const std::string& phase)> on_phase;
  std::function<void(const Second& second)> on_second;
};

/// What is measured, where that is not the Coterie cluster at the settings' seeds.
struct Target {
  MakeSession make_session;
  /// Kept from run to run, so that puts go on with the contexts of those before; none: a new one.
  std::shared_ptr<KeySpace> space;
};

/// Loads and runs as the settings say. Blocks. `interrupted` set: it ends early, and the report
/// says so. Errors: those of connecting (unavailable, ...), a server process that is not there, an
/// unknown bucket.
[[nodiscard]] Result<Report> run(const Settings& settings, const RunEvents& events,
                                 const std::atomic<bool>& interrupted, const Target& target = {});

/// Connects as the settings' seeds, R and W say; `space` outlives what it makes.
[[nodiscard]] MakeSession coterie_target(const Settings& settings, KeySpace& space);

}  // namespace coterie::bench
