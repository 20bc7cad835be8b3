#pragma once

#include "base/instant.h"

namespace coterie {

/// When what an event loop is serving now came in. A loop's turn begins when it wakes; what comes
/// meanwhile waits in the kernel for the next turn. On the loop's thread, while it serves events of
/// connections.
class Turns {
 public:
  virtual ~Turns() = default;
  /// When the turn in progress began: what it serves has waited since then at the least.
  [[nodiscard]] virtual Instant began() const = 0;
  /// And since then at the most: began(), if the loop rested before, else when the turn before
  /// began.
  [[nodiscard]] virtual Instant waits_since() const = 0;
};

}  // namespace coterie
