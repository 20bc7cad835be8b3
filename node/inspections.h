#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/wire/codec.h"
#include "node/local_copies.h"
#include "node/peer_calls.h"

namespace coterie {

/// What one owner holds of a record, or why it did not say.
struct Inspection {
  NodeId node;
  Result<LocalCopies::Inspected> found;
};

using InspectionsDone = std::move_only_function<void(std::vector<Inspection>)>;

/// Asks `others` what they hold of a record, for `explain`, and calls `done` once, with their
/// answers behind those that `known` brings, when all have come or limits::inspection_patience is
/// over; at once if nobody can be asked.
void inspect(PeerCalls& calls, const wire::ReplicaInspect& message, std::span<const NodeId> others,
             std::vector<Inspection> known, InspectionsDone done);

}  // namespace coterie
