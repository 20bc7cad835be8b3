#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "bench/arrivals.h"
#include "bench/workload.h"
#include "client/options.h"

namespace coterie::bench {

inline constexpr std::uint64_t records_most = 200'000'000;
inline constexpr std::size_t connections_most = 10'000;
inline constexpr std::size_t threads_most = 64;
inline constexpr std::size_t backlog_default = 10'000;
inline constexpr std::size_t backlog_most = 10'000'000;
/// How long a run bounded by a count may take.
inline constexpr std::chrono::hours count_run_most{1};

/// What a run is asked to do. Its defaults are those of the command line.
struct Settings {
  std::vector<Address> seeds = {{.host = "127.0.0.1", .port = 7400}};
  std::string bucket = "default";
  std::string key_prefix = "bench";
  std::uint64_t records = 100'000;
  ValueSizes values;
  Mix mix = {.read = 0.5, .update = 0.5};
  std::string workload;  // as named; empty where the mix was given

  std::size_t connections = 50;
  std::size_t pipeline = 1;
  std::size_t threads = 1;
  /// Operations a second of an open loop; nothing: a closed loop.
  std::optional<double> rate;
  Arrivals::Process process = Arrivals::Process::poisson;
  std::size_t backlog = backlog_default;
  /// What a client may have at the nodes at once; 0: all that it is asked.
  std::size_t in_flight = 0;

  bool is_loading = false;
  /// Loading ends after so long, and the records are as many as were loaded; 0: when all are.
  std::chrono::milliseconds load_most{0};
  /// Reads all records before the run, so that its puts carry contexts and replace what is there.
  bool is_learning = false;
  bool is_running = true;
  std::chrono::milliseconds warm_up{2000};
  std::chrono::milliseconds duration{10'000};
  /// Ends the run after so many counted operations; 0: only `duration` does.
  std::uint64_t count = 0;

  client::Quorum r;
  client::Quorum w;
  std::chrono::milliseconds deadline{5000};
  std::uint64_t random_seed = 1;
  std::vector<int> server_pids;

  bool is_json = false;
  /// A line each second on standard error.
  bool has_progress = false;
};

/// The connections of one of the threads, which share them evenly.
[[nodiscard]] inline std::size_t connections_of(const Settings& settings, std::size_t thread) {
  return settings.connections / settings.threads +
         (thread < settings.connections % settings.threads ? 1 : 0);
}

}  // namespace coterie::bench
