#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"
#include "ring/transition/configuration.h"
#include "ring/transition/place_quorum.h"

namespace coterie::transition {

/// Which owners a request must hear from at the stage of its configuration: one group of them, or
/// two at once. An owner in both groups counts to both: two groups that share all but one owner
/// need one answer more at most. (etcd's raft counts its joint configurations likewise,
/// quorum/joint.go; "W plus pending", as others count, refuses writes that these groups allow.)
///
/// Borrows the configuration's owners. Copyable.
class Quorum {
 public:
  /// `w`, `r`: of the bucket or the request, from 1 to the number of owners.
  [[nodiscard]] static Quorum of_write(const Configuration& configuration, std::uint32_t w);
  [[nodiscard]] static Quorum of_read(const Configuration& configuration, std::uint32_t r);

  /// Each owner of any group once, those of the first group first, in the epoch's order.
  [[nodiscard]] std::vector<NodeId> targets() const;
  /// Whether these have all that is needed; the order is none, others than targets count nothing.
  [[nodiscard]] bool is_reached(std::span<const NodeId> answered) const;
  /// Whether it can be reached if these never answer.
  [[nodiscard]] bool is_reachable_without(std::span<const NodeId> lost) const;
  [[nodiscard]] bool is_joint() const { return !second_.empty(); }

 private:
  Quorum(std::uint32_t needed, std::span<const NodeId> first, std::span<const NodeId> second)
      : needed_(needed), first_(first), second_(second) {}

  [[nodiscard]] PlaceQuorum over(std::span<const NodeId> targets) const;

  std::uint32_t needed_;
  std::span<const NodeId> first_;
  std::span<const NodeId> second_;  // empty: there is one group
};

}  // namespace coterie::transition
