#pragma once

#include <functional>
#include <vector>

#include "base/bytes.h"
#include "node/inspections.h"
#include "node/node.h"

namespace coterie::admin {

/// Where the admin door's answers come from. Each call waits, bounded, for the event loops and
/// never blocks one. From any thread. Errors: unavailable (no answer in time, or stopping).
struct Source {
  std::function<Result<NodeStatus>()> status;
  /// What each owner of a partition holds of a stored key.
  std::function<Result<std::vector<Inspection>>(PartitionId partition, Bytes key)> inspect;
};

}  // namespace coterie::admin
