#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "ring/stage.h"

namespace coterie {

/// One partition's part in a change of owners.
struct Handover {
  PartitionId partition;
  std::vector<NodeId> new_owners;  ///< as many as owners, distinct, the preferred coordinator first

  bool operator==(const Handover&) const = default;
};

/// A change of owners that is under way, as an epoch states it: the partitions that it lists are at
/// its stage, and in no other change. Once it has ended, epochs do not list it any more.
struct Change {
  std::uint64_t id = 0;  ///< the number of the epoch that opened it
  Stage stage = Stage::open;
  bool is_paused = false;       ///< it is not cut over, and its streams rest
  std::vector<NodeId> removed;  ///< members declared dead by an operator, who stands in for their
                                ///< fences; sorted
  std::vector<Handover> handovers;  ///< by partition, ascending; at least one
  /// Members that the entry which finishes it takes out; sorted. They own partitions of this change
  /// at most, and are given none. An abort lets them stay.
  std::vector<NodeId> leaving;

  bool operator==(const Change&) const = default;
};

}  // namespace coterie
