#pragma once

#include <cstdint>

namespace coterie {

/// Where a partition's change of owners stands (DESIGN: topology; ring/transition/configuration.h).
/// The numbers are in the format. What the entries "finished" and "aborted" leave is stable.
enum class Stage : std::uint8_t {
  stable = 0,
  open = 1,
  cut_over = 2,
  aborting = 4,
};

}  // namespace coterie
