#pragma once

#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"
#include "tests/explore/records.h"

namespace coterie::explore {

inline constexpr PartitionId partition{0};
/// Time stands still: timestamps decide nothing between siblings.
inline constexpr WallTime wall_now{std::chrono::hours(480'000)};

/// The one key, and a neighbor in its partition.
[[nodiscard]] const Bytes& key();
[[nodiscard]] const Bytes& other_key();

/// Of two records as a read merges them; 0: no record.
[[nodiscard]] Records::Id merged_of(Records& records, Records::Id a, Records::Id b);

}  // namespace coterie::explore
