#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/clock_bounds.h"
#include "base/instant.h"
#include "gossip/peer_clocks.h"

namespace coterie {

/// How this node's wall clock stands to the others', for people.
struct ClockStatus {
  /// How far it is ahead of the median, its own among those counted; negative: behind.
  Duration ahead{0};
  /// Less what it is held back by; negative: pulled forward. Zero: it is believed.
  Duration clamped_by{0};
  /// How far the clocks are apart between which the median lies, when that is too far: as many say
  /// one time as another, and nobody can tell which is right.
  std::optional<Duration> disputed_by;
  /// Of the others, by node id; how far each is ahead of this node's.
  struct Peer {
    NodeId node;
    Duration ahead{0};
    Duration error{0};
  };
  std::vector<Peer> peers;
};

/// Judges this node's wall clock by those of its peers (DESIGN.md, section 9): within
/// limits::max_clock_skew of their median it is believed. All clocks count, this node's own too, so
/// that of three one that is wrong is outvoted everywhere. Of an even number the median is all that
/// lies between the middle two: while they are apart by more than the bound there is no majority,
/// and what was decided before stays. So it does when nothing is heard of others any more: the
/// bounds move with the monotonic clock, and a wall clock that is set is found out at once. Pure.
class ClusterClock {
 public:
  /// Whether bounds() has changed by limits::clock_step or more.
  bool judge(Instant now, WallTime wall, const std::vector<gossip::ClockReading>& peers);
  /// None before the first judgement.
  [[nodiscard]] const std::optional<ClockBounds>& bounds() const { return bounds_; }

  [[nodiscard]] ClockStatus status(Instant now, WallTime wall,
                                   const std::vector<gossip::ClockReading>& peers) const;

 private:
  std::optional<ClockBounds> bounds_;
};

}  // namespace coterie
