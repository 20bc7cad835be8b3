#pragma once

#include <string>

#include "base/error.h"
#include "ring/epoch.h"

namespace coterie {

/// Whether a node serves the epoch: it votes for no other and adopts no other. unsupported_version:
/// owners change in it, and the node does not take part in that (Control::Options::serves_changes).
[[nodiscard]] inline Result<void> check_servable(const Epoch& epoch, bool serves_changes) {
  if (serves_changes || epoch.changes().empty()) return {};
  return fail(
      ErrorCode::unsupported_version,
      "in epoch " + std::to_string(epoch.number().number) +
          " owners of partitions change, which this build does not serve; upgrade this node");
}

}  // namespace coterie
