#include "base/hlc.h"

#include <algorithm>

#include "base/limits.h"

namespace coterie {
namespace {

Timestamp at(WallTime now) {
  const auto ms = std::max<std::int64_t>(0, now.time_since_epoch().count());
  return Timestamp{static_cast<std::uint64_t>(ms) << 16};
}

}  // namespace

Timestamp HybridClock::make(WallTime now) {
  last_ = std::max(Timestamp{last_.value + 1}, at(now));
  return last_;
}

Timestamp HybridClock::make_above(WallTime now, Timestamp floor) {
  // The floor rules this one timestamp only: a reading far ahead must not drag the clock along.
  const Timestamp own = make(now);
  return own > floor ? own : Timestamp{floor.value + 1};
}

bool HybridClock::observe(WallTime now, Timestamp theirs) {
  if (theirs > at(now + limits::max_clock_skew)) return false;
  last_ = std::max(last_, theirs);
  return true;
}

}  // namespace coterie
