#include "node/transfer/handoff_stream.h"

#include <utility>

namespace coterie::transfer {

void RateMeter::count(Instant now, std::uint64_t bytes) {
  if (now - begin_ >= std::chrono::seconds(1)) {
    const bool is_next = now - begin_ < std::chrono::seconds(2);
    last_ = is_next ? std::exchange(current_, {}) : Rate{};
    current_ = {};
    begin_ = is_next ? begin_ + std::chrono::seconds(1) : now;
  }
  ++current_.count;
  current_.bytes += bytes;
}

RateMeter::Rate RateMeter::last_second(Instant now) const {
  const auto age = now - begin_;
  if (age < std::chrono::seconds(1)) return last_;
  return age < std::chrono::seconds(2) ? current_ : Rate{};
}

bool concerns_partition(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::too_large:
    case ErrorCode::not_owner:
    case ErrorCode::stale_configuration:
    case ErrorCode::unsure:
    case ErrorCode::corrupt:
      return true;
    default:
      return false;
  }
}

}  // namespace coterie::transfer
