#include "gossip/peer_clocks.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/limits.h"

namespace coterie::gossip {

namespace {

constexpr std::size_t asked_most = 128;
/// Of a clock that counts whole milliseconds.
constexpr Duration grain = std::chrono::milliseconds(1);
/// The year 2223; beyond, nanoseconds would overflow before long.
constexpr std::uint64_t wall_ms_end = 8'000'000'000'000;

}  // namespace

void PeerClocks::asked(Instant now, std::uint32_t sequence, const NodeId& node) {
  // What comes later than this is of no use.
  std::erase_if(asked_, [now](const Asked& each) {
    return now - each.when > 2 * Duration(limits::clock_error_most);
  });
  const bool is_again = std::ranges::any_of(
      asked_, [&](const Asked& each) { return each.sequence == sequence && each.node == node; });
  if (is_again) return;
  if (asked_.size() >= asked_most) asked_.erase(asked_.begin());
  asked_.push_back({.sequence = sequence, .node = node, .when = now});
}

void PeerClocks::heard(Instant now, std::uint32_t sequence, const NodeId& node,
                       std::uint64_t wall_ms) {
  const auto asked = std::ranges::find_if(
      asked_, [&](const Asked& each) { return each.sequence == sequence && each.node == node; });
  if (asked == asked_.end()) return;
  const Duration round_trip = now - asked->when;
  asked_.erase(asked);
  if (wall_ms >= wall_ms_end) return;
  const Instant read = now - round_trip / 2;
  const std::chrono::milliseconds wall{static_cast<std::int64_t>(wall_ms)};
  const Kept fresh{
      .base = wall - read.time_since_epoch(), .error = round_trip / 2 + grain, .when = now};
  if (fresh.error > limits::clock_error_most) return;
  const auto known = kept_.find(node);
  if (known != kept_.end()) {
    const Duration known_error = error_at(known->second, now);
    const Duration apart = std::chrono::abs(fresh.base - known->second.base);
    // Farther apart than both can be wrong: the clock was set.
    const bool was_set = apart > fresh.error + known_error;
    if (!was_set && known_error < fresh.error) return;
  }
  kept_[node] = fresh;
  ++revision_;
}

void PeerClocks::forget(const NodeId& node) {
  if (kept_.erase(node) > 0) ++revision_;
}

std::vector<ClockReading> PeerClocks::readings(Instant now) const {
  std::vector<ClockReading> out;
  for (const auto& [node, kept] : kept_) {
    const Duration error = error_at(kept, now);
    if (error > limits::clock_error_most) continue;
    out.push_back({.node = node, .base = kept.base, .error = error});
  }
  return out;
}

Duration PeerClocks::error_at(const Kept& kept, Instant now) {
  return kept.error + (now - kept.when) * limits::clock_drift_ppm / 1'000'000;
}

}  // namespace coterie::gossip
