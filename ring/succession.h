#pragma once

#include "base/error.h"
#include "ring/epoch.h"

namespace coterie {

/// Whether `next` may be the entry of the log right after `base`: the next number of the same
/// lineage and cluster; what is fixed for good unchanged (the tokens' seed, the numbers of
/// partitions and replicas, the buckets' ids and names); each partition as it was under its old
/// configuration number, or one stage further under the next one; who leaves by a change gone when
/// it finishes; the lowest R and W that each bucket has had as they are, but where
/// transition::open_fence says otherwise. Voters of `base` accept nothing else. Whether a stage's
/// barrier has been reached is for the proposer to know (ring/transition/step.h).
///
/// invalid_argument, with what is wrong.
[[nodiscard]] Result<void> check_succession(const Epoch& base, const Epoch& next);

}  // namespace coterie
