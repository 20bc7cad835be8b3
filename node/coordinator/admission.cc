#include "node/coordinator/admission.h"

#include <algorithm>
#include <string>

#include "base/check.h"

namespace coterie::coordinator {

Result<void> Admission::start(Connection& connection, std::size_t bytes, const Arrival& arrived,
                              Instant now) {
  const Duration delay = std::max(now - arrived.latest, Duration(0));
  // every request's delay is looked at, so that the queue's state does not depend on who is refused
  look_at_queue(std::max(now - arrived.earliest, delay), now);
  if (connection.requests >= limits_.requests_a_connection) {
    return refuse("too many requests of this connection are in flight", limits_.delay_target);
  }
  if (connection.requests > 0 && connection.bytes + bytes > limits_.bytes_a_connection) {
    return refuse("too many bytes of this connection are in flight", limits_.delay_target);
  }
  if (requests_ >= limits_.requests_a_shard) {
    return refuse("too many requests are in flight", limits_.delay_interval);
  }
  if (requests_ > 0 && bytes_ + bytes > limits_.bytes_a_shard) {
    return refuse("too many bytes are in flight", limits_.delay_interval);
  }
  if (is_standing_ && delay > 2 * limits_.delay_target) {
    return refuse("requests wait too long before they are started",
                  std::max(2 * delay, limits_.delay_interval));
  }
  ++connection.requests;
  connection.bytes += bytes;
  ++requests_;
  bytes_ += bytes;
  return {};
}

void Admission::finish(Connection& connection, std::size_t bytes) {
  check(connection.requests > 0 && connection.bytes >= bytes && requests_ > 0 && bytes_ >= bytes,
        "what is finished was started");
  --connection.requests;
  connection.bytes -= bytes;
  --requests_;
  bytes_ -= bytes;
}

/// CoDel for servers (Nichols, Jacobson, "Controlling Queue Delay", 2012; Maurer, "Fail at Scale",
/// 2015): a queue whose least delay over an interval is above the target stands; while it does,
/// whatever waited twice the target is refused, which lets it drain to there and no further.
void Admission::look_at_queue(Duration delay, Instant now) {
  if (now >= interval_end_) {
    const bool is_recent = now - interval_end_ < limits_.delay_interval;
    is_standing_ =
        is_recent && least_delay_ != Duration::max() && least_delay_ > limits_.delay_target;
    interval_end_ = now + limits_.delay_interval;
    least_delay_ = delay;
  } else {
    least_delay_ = std::min(least_delay_, delay);
  }
}

std::unexpected<Error> Admission::refuse(const char* why, Duration retry_after) {
  ++refused_;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(retry_after).count();
  return std::unexpected(Error{.code = ErrorCode::overloaded,
                               .message = std::string(why) + "; nothing was executed",
                               .retry_after_ms = static_cast<std::uint32_t>(ms)});
}

}  // namespace coterie::coordinator
