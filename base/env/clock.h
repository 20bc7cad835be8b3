#pragma once

#include "base/instant.h"

namespace coterie {

/// Tells the time. Drivers ask it once an event and hand the answer to the code that decides.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Never falls; its zero means nothing.
  [[nodiscard]] virtual Instant now() const = 0;
  /// May jump, and differs between nodes.
  [[nodiscard]] virtual WallTime wall_now() const = 0;
};

}  // namespace coterie
