#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/instant.h"
#include "base/limits.h"

namespace coterie::coordinator {

/// When a request came in: an event loop knows it within bounds only.
struct Arrival {
  Instant earliest;
  Instant latest;
};

/// Which requests of clients a shard takes: bounded in number and bytes for each connection and for
/// the shard, and refused early while a queue stands. Pure; on the shard's loop.
class Admission {
 public:
  struct Limits {
    std::size_t requests_a_connection = limits::in_flight_requests_a_connection;
    std::size_t bytes_a_connection = limits::in_flight_bytes_a_connection;
    std::size_t requests_a_shard = limits::in_flight_requests_a_shard;
    std::size_t bytes_a_shard = limits::in_flight_bytes_a_shard;
    Duration delay_target = limits::queue_delay_target;
    Duration delay_interval = limits::queue_delay_interval;
  };

  /// What one connection has in flight; the driver keeps one beside each connection.
  struct Connection {
    std::size_t requests = 0;
    std::size_t bytes = 0;
  };

  Admission() : Admission(Limits{}) {}
  explicit Admission(const Limits& limits) : limits_(limits) {}

  /// Counts a request of `bytes` that came in at `arrived` and is about to be started, or says why
  /// not: overloaded, with a retry-after. A request alone on its connection is not refused for its
  /// bytes. That a queue stands is judged by the longest that requests can have waited, whether one
  /// is refused by what it has waited for sure: so a loop that is late serves some of every turn.
  [[nodiscard]] Result<void> start(Connection& connection, std::size_t bytes,
                                   const Arrival& arrived, Instant now);
  /// The reply of a started request is on its way.
  void finish(Connection& connection, std::size_t bytes);

  /// The queue has stood above the target for a whole interval: no hedges, repair and transfer
  /// wait.
  [[nodiscard]] bool is_under_pressure() const { return is_standing_; }
  [[nodiscard]] std::size_t requests() const { return requests_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  void look_at_queue(Duration delay, Instant now);
  [[nodiscard]] std::unexpected<Error> refuse(const char* why, Duration retry_after);

  Limits limits_;
  std::size_t requests_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t refused_ = 0;
  bool is_standing_ = false;
  Instant interval_end_{};
  Duration least_delay_ = Duration::max();
};

}  // namespace coterie::coordinator
