#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ring/epoch.h"

namespace coterie::sim {

struct RingSize {
  std::size_t nodes = 0;
  std::uint32_t partitions = 0;
};

/// The first epoch of so many nodes in three zones, N=3, with one bucket. Members as a node's
/// configuration would say them: node i listens on `address_of(i)`.
[[nodiscard]] Epoch ring_of(RingSize size, std::vector<NodeId> ids);
[[nodiscard]] std::vector<NodeId> some_ids(std::size_t nodes);
/// One more, that is no member of ring_of().
[[nodiscard]] Member newcomer(std::string zone);

/// What planning costs, in processor time of this machine.
struct PlanCost {
  double plan_ms = 0;           // make_plan
  double report_ms = 0;         // report_of, with the bytes of every partition known
  std::size_t changing = 0;     // partitions
  std::size_t moved = 0;        // copies
  std::size_t least_moves = 0;  // that any plan must move
};
struct PlanOf {
  const char* change;
  PlanCost cost;
};
/// A join that makes them so many, a leave of one of so many, and a replacement in a cluster that
/// is one smaller.
[[nodiscard]] std::vector<PlanOf> measure_plans(RingSize size);

/// What one epoch costs a node.
struct EpochCost {
  std::size_t bytes = 0;       // on disk and on the wire
  std::size_t heap_bytes = 0;  // in memory
  double encode_ms = 0;
  double decode_ms = 0;  // verified
  double birth_ms = 0;   // placed for the first time
};
[[nodiscard]] EpochCost measure_epoch(RingSize size);

}  // namespace coterie::sim
