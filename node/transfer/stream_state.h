#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"

namespace coterie::transfer {

/// How much of one owner's copy a new owner has taken. In Space::meta:
///   't' | partition u32, big-endian | source 16 -> format u8 | opened u64 | flags u8 |
///     records u64 | bytes u64 | records in all u64 | cursor
struct StreamState {
  ConfigurationNumber opened;  ///< the change's; of another one it says nothing
  /// All that the source held when it fenced `opened` is held here.
  bool is_covered = false;
  std::uint64_t records = 0;  ///< taken, as are bytes
  std::uint64_t bytes = 0;
  std::uint64_t records_total = 0;  ///< that the source has, as it said when it was asked last
  /// What lies below it has been taken; empty: nothing, or everything.
  Bytes cursor;

  bool operator==(const StreamState&) const = default;
};

struct StreamKey {
  PartitionId partition;
  NodeId source;

  auto operator<=>(const StreamKey&) const = default;
};

/// Of all such keys: those from `stream_keys` on, below `stream_keys_end`.
inline constexpr BytesView stream_keys = "t";
inline constexpr BytesView stream_keys_end = "u";

[[nodiscard]] Bytes encode_stream_key(const StreamKey& key);
[[nodiscard]] Bytes encode_stream_state(const StreamState& state);
/// Errors: corrupt, unsupported_version.
[[nodiscard]] Result<StreamKey> decode_stream_key(BytesView bytes);
[[nodiscard]] Result<StreamState> decode_stream_state(BytesView bytes);

}  // namespace coterie::transfer
