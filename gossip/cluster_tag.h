#pragma once

#include <cstdint>

namespace coterie::gossip {

/// Which cluster packets belong to. Those of another name, or of another id where both sides know
/// theirs, are dropped.
struct ClusterTag {
  /// Hash of the configured cluster name.
  std::uint64_t name_hash = 0;
  /// Hash of the cluster id; 0 before birth.
  std::uint64_t id_hash = 0;
};

}  // namespace coterie::gossip
