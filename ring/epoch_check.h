#pragma once

#include "base/error.h"
#include "ring/epoch.h"

namespace coterie {

/// What Epoch::make verifies; an Error of code invalid_argument that names what is wrong.
[[nodiscard]] Result<void> check_epoch(const EpochContents& contents);
/// Of these, what one bucket must be, its id aside.
[[nodiscard]] Result<void> check_bucket(const Bucket& bucket, std::uint32_t replicas);

}  // namespace coterie
