#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"

namespace coterie::gossip {

/// What another node's wall clock shows, beside this process's monotonic clock, which nobody sets:
/// when that stood at t, theirs stood at `base` + t since 1970, give or take `error`.
struct ClockReading {
  NodeId node;
  Duration base{0};
  Duration error{0};
};

/// The wall clocks of other nodes, read with the answers to pings (Cristian 1989, "Probabilistic
/// clock synchronization"): a clock was read at some moment between the ping and its answer, so
/// half of that round trip bounds the error, however uneven the two ways were. Of readings that
/// agree the sharpest is kept; its error grows with its age, until it says nothing any more
/// (limits::clock_error_most). What a node that died since had shown is as true as before.
class PeerClocks {
 public:
  /// A ping went out. One that is sent again under its number counts from the first time.
  void asked(Instant now, std::uint32_t sequence, const NodeId& node);
  /// With the answer to it; ignored if nothing was asked, or nobody can have lived then.
  void heard(Instant now, std::uint32_t sequence, const NodeId& node, std::uint64_t wall_ms);
  void forget(const NodeId& node);

  /// Those that still say something, by node id; errors as of now.
  [[nodiscard]] std::vector<ClockReading> readings(Instant now) const;
  /// Another after each change.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }

 private:
  struct Asked {
    std::uint32_t sequence = 0;
    NodeId node;
    Instant when;
  };
  struct Kept {
    Duration base{0};
    Duration error{0};
    Instant when;
  };
  static Duration error_at(const Kept& kept, Instant now);

  /// Oldest first.
  std::vector<Asked> asked_;
  std::map<NodeId, Kept> kept_;
  std::uint64_t revision_ = 0;
};

}  // namespace coterie::gossip
