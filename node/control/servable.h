#pragma once

#include <string>

#include "base/error.h"
#include "ring/epoch.h"

namespace coterie {

/// Whether this build serves the epoch: it votes for no other and adopts no other.
/// unsupported_version: owners change in it, which shards and coordinators do not serve.
[[nodiscard]] inline Result<void> check_servable(const Epoch& epoch) {
  if (epoch.changes().empty()) return {};
  return fail(
      ErrorCode::unsupported_version,
      "in epoch " + std::to_string(epoch.number().number) +
          " owners of partitions change, which this build does not serve; upgrade this node");
}

}  // namespace coterie
