// How this node's clock stands to the others'.

#include "base/limits.h"
#include "node/control/control.h"

namespace coterie {

bool Control::judge_clock() {
  const auto& clocks = gossip_.clocks();
  if (clocks.revision() == clocks_judged_) return false;
  clocks_judged_ = clocks.revision();
  const Instant now = env_.clock.now();
  return clock_.judge(now, env_.clock.wall_now(), clocks.readings(now));
}

bool Control::is_clock_settled() const {
  const auto& epoch = epochs_.newest();
  const bool is_alone = epoch != nullptr && epoch->members().size() <= 1;
  return is_alone || clock_.bounds() || env_.clock.now() - started_ >= limits::clock_patience;
}

ClockStatus Control::clock_status() const {
  const Instant now = env_.clock.now();
  return clock_.status(now, env_.clock.wall_now(), gossip_.clocks().readings(now));
}

}  // namespace coterie
