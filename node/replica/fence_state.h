#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"

namespace coterie::replica {

/// What a copy keeps durably of changes of its partition's owners (DESIGN: topology); in
/// Space::meta, format in docs/storage-formats.md.
struct FenceState {
  /// The latest configuration that the copy has heard of: once this is durable it is fenced, and no
  /// request of an older one is served any more.
  ConfigurationNumber configuration;
  /// The change (Change::id) that gives this node the copy; 0: it owned the partition before.
  std::uint64_t gained_in = 0;
  /// Streams have not filled it yet: it counts to W only.
  bool is_filling = false;

  bool operator==(const FenceState&) const = default;
};

[[nodiscard]] Bytes fence_state_key(PartitionId partition);
[[nodiscard]] Bytes encode_fence_state(const FenceState& state);
/// Errors: corrupt, unsupported_version.
[[nodiscard]] Result<FenceState> decode_fence_state(BytesView bytes);

}  // namespace coterie::replica
