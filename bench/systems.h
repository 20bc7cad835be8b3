#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "bench/key_space.h"
#include "bench/server_process.h"
#include "bench/session.h"
#include "bench/settings.h"

namespace coterie::bench {

/// How systems are started.
struct Place {
  std::string directory;   // for data and logs; exists
  std::string node;        // the path of coterie-node
  std::size_t shards = 1;  // of each peer of Coterie
};

/// A system that runs on this machine; ends when destroyed.
struct RunningSystem {
  RunningSystem() = default;
  RunningSystem(RunningSystem&&) = default;
  RunningSystem& operator=(RunningSystem&&) = delete;
  ~RunningSystem();

  std::vector<std::unique_ptr<ServerProcess>> processes;
  /// Sessions to it for a run with these settings.
  std::function<MakeSession(const Settings& settings, KeySpace& space)> sessions;

  [[nodiscard]] std::vector<int> pids() const;
};

/// One that can be compared.
struct System {
  std::string_view name;
  std::string_view title;  // with what matters of its settings
  std::string_view program;
  std::string_view package;  // Debian's
  /// Where a connection has only one request in progress at a time, several connections stand for
  /// its pipeline.
  bool has_pipeline = true;
  Result<RunningSystem> (*start)(const System& system, const Place& place);
};

/// All, in the order of tables.
[[nodiscard]] const std::vector<System>& all_systems();
/// Those named, separated by commas; "redis-aof" and "coterie" stand for two each, "all" for all.
/// Error: one that does not exist.
[[nodiscard]] Result<std::vector<System>> systems_named(std::string_view names);
/// Why it cannot be started here, with what to type; empty: it can.
[[nodiscard]] std::string why_not(const System& system, const Place& place);

[[nodiscard]] Result<RunningSystem> start_redis(const System& system, const Place& place);
[[nodiscard]] Result<RunningSystem> start_redis_cluster(const System& system, const Place& place);
[[nodiscard]] Result<RunningSystem> start_memcached(const System& system, const Place& place);
[[nodiscard]] Result<RunningSystem> start_etcd(const System& system, const Place& place);
[[nodiscard]] Result<RunningSystem> start_coterie(const System& system, const Place& place);

}  // namespace coterie::bench
