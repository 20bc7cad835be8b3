#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"

namespace coterie {

/// Owners of partitions as node numbers: those of partition p are the `replicas` entries from
/// p * replicas on.
struct OwnerTable {
  std::uint32_t nodes = 0;
  std::uint32_t replicas = 0;
  std::vector<std::uint16_t> owners;

  [[nodiscard]] std::uint32_t partitions() const {
    return static_cast<std::uint32_t>(owners.size() / replicas);
  }
};

/// Marks a place of `previous` whose node is gone.
inline constexpr std::uint16_t no_node = 0xffff;

/// Orders the owners within each partition so that each node stands in each position as often as in
/// any other, within floor and ceiling, and mixes them: the first position coordinates, and when a
/// node fails the second ones, many nodes, take over. An owner keeps its position of `previous` (of
/// the same shape, or empty) where that allows it.
/// `fixed`: partitions whose owners are, and stay, in the order of `previous`; ascending. With
/// some, floor and ceiling may be missed by what they leave no other way.
void spread_positions(OwnerTable& table, const std::vector<std::uint16_t>& previous,
                      std::span<const std::uint32_t> fixed, Random& random);

}  // namespace coterie
