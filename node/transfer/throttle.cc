#include "node/transfer/throttle.h"

#include <algorithm>

#include "base/check.h"

namespace coterie::transfer {

Throttle::Throttle(std::uint64_t bytes_a_second, std::uint64_t burst_bytes)
    : bytes_a_second_(bytes_a_second), burst_(0) {
  check(bytes_a_second > 0, "a rate is not zero");
  burst_ = time_of(burst_bytes);
}

Instant Throttle::ready(Instant now) const {
  return std::max(now, paid_at_);
}

Instant Throttle::take(Instant now, std::uint64_t bytes) {
  const Instant may_go = ready(now);
  paid_at_ = std::max(paid_at_, now - burst_) + time_of(bytes);
  return may_go;
}

Duration Throttle::time_of(std::uint64_t bytes) const {
  // In two parts, so that nothing overflows.
  const std::uint64_t seconds = bytes / bytes_a_second_;
  const double rest =
      static_cast<double>(bytes % bytes_a_second_) / static_cast<double>(bytes_a_second_);
  return std::chrono::seconds(seconds) + Duration{static_cast<std::int64_t>(rest * 1e9)};
}

}  // namespace coterie::transfer
