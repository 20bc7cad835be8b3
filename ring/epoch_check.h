#pragma once

#include "base/error.h"
#include "ring/epoch.h"

namespace coterie {

/// What Epoch::make verifies; an Error of code invalid_argument that names what is wrong.
[[nodiscard]] Result<void> check_epoch(const EpochContents& contents);

}  // namespace coterie
