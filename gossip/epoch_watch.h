#pragma once

#include "base/instant.h"
#include "gossip/member.h"
#include "gossip/outbox.h"

namespace coterie::gossip {

/// Compares the epoch of each packet's sender with ours, and says when there is something to fetch;
/// not at every packet.
class EpochWatch {
 public:
  void compare(Instant now, const EpochMark& ours, const Member& sender, Outbox& out);

 private:
  EpochNumber ahead_reported_;
  Instant ahead_again_ = Instant::min();
  Instant differs_again_ = Instant::min();
};

}  // namespace coterie::gossip
