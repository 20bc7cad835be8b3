#include "node/control/cluster_clock.h"

#include <algorithm>

#include "base/limits.h"

namespace coterie {
namespace {

Duration base_of(Instant now, WallTime wall) {
  return wall.time_since_epoch() - now.time_since_epoch();
}

/// Of all clocks, `own` among them: the middle one, or the middle two.
ClockBounds median(Duration own, [[maybe_unused]] const std::vector<gossip::ClockReading>& peers) {
  std::vector<Duration> all = {own};
#ifndef COTERIE_PLANT_LONE_CLOCK  // defined only where a test must see its absence
  for (const auto& peer : peers) all.push_back(peer.base);
#endif
  std::ranges::sort(all);
  return {.least = all[(all.size() - 1) / 2], .most = all[all.size() / 2]};
}

Duration signed_distance(Duration value, Duration least, Duration most) {
  return value - std::clamp(value, least, most);
}

}  // namespace

bool ClusterClock::judge(Instant now, WallTime wall,
                         const std::vector<gossip::ClockReading>& peers) {
  if (peers.empty()) return false;
  const ClockBounds middle = median(base_of(now, wall), peers);
  if (middle.most - middle.least > limits::max_clock_skew) return false;
  const ClockBounds fresh{.least = middle.least - limits::max_clock_skew,
                          .most = middle.most + limits::max_clock_skew};
  const bool is_same = bounds_ &&
                       std::chrono::abs(bounds_->least - fresh.least) < limits::clock_step &&
                       std::chrono::abs(bounds_->most - fresh.most) < limits::clock_step;
  if (is_same) return false;
  bounds_ = fresh;
  return true;
}

ClockStatus ClusterClock::status(Instant now, WallTime wall,
                                 const std::vector<gossip::ClockReading>& peers) const {
  const Duration own = base_of(now, wall);
  const ClockBounds middle = median(own, peers);
  ClockStatus out{
      .ahead = signed_distance(own, middle.least, middle.most), .disputed_by = {}, .peers = {}};
  if (bounds_) out.clamped_by = signed_distance(own, bounds_->least, bounds_->most);
  const Duration apart = middle.most - middle.least;
  if (apart > limits::max_clock_skew) out.disputed_by = apart;
  for (const auto& peer : peers) {
    out.peers.push_back({.node = peer.node, .ahead = peer.base - own, .error = peer.error});
  }
  return out;
}

}  // namespace coterie
