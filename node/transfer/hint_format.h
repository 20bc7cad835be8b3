#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"

namespace coterie::transfer {

/// How hints and marks lie on disk (docs/storage-formats.md). Numbers in keys are big-endian: the
/// hints for one node lie together, in them those of one partition, in the order of its keys.
///
///   Space::hints  1 | target 16 | partition u32 | stored key  ->  format u8 | first left u64
///   Space::hints  2 | target 16 | partition u32 | stored key  ->  RecordHint, below
///   Space::meta   'h' | partition u32 | target 16                   ->  format u8 | since u64
///   Space::meta   'h'                                               ->  format u8 | paused since
///   u64
enum class HintKind : std::uint8_t {
  strict = 1,  ///< without a value: replay sends what the owner holds by then
  record = 2,  ///< on a fallback: holds the record, and counts to W
};

struct HintKey {
  HintKind kind = HintKind::strict;
  NodeId target;
  PartitionId partition;
  BytesView key;  ///< as on disk, in Space::records
};

[[nodiscard]] Bytes encode_hint_key(const HintKey& hint);
/// Borrows from `bytes`. Errors: corrupt, unsupported_version (another kind).
[[nodiscard]] Result<HintKey> decode_hint_key(BytesView bytes);

/// All hints of a kind, those for a target, or those of a partition for it: from, and to exclusive.
struct HintRange {
  Bytes from;
  Bytes to;
};
[[nodiscard]] HintRange hints_of(HintKind kind);
[[nodiscard]] HintRange hints_of(HintKind kind, NodeId target);
[[nodiscard]] HintRange hints_of(HintKind kind, NodeId target, PartitionId partition);

/// A partition's owner that lacks writes whose hints were dropped: it needs anti-entropy.
struct MarkKey {
  PartitionId partition;
  NodeId target;

  auto operator<=>(const MarkKey&) const = default;
};
[[nodiscard]] Bytes encode_mark_key(const MarkKey& mark);
/// Errors: corrupt.
[[nodiscard]] Result<MarkKey> decode_mark_key(BytesView bytes);
[[nodiscard]] HintRange all_marks();

/// In Space::meta, before all marks: there since an operator paused the replay, until it goes on.
[[nodiscard]] Bytes pause_key();

/// The value of either: since when.
[[nodiscard]] Bytes encode_since(WallTime since);
/// Errors: corrupt, unsupported_version.
[[nodiscard]] Result<WallTime> decode_since(BytesView bytes);

/// The value of a hint that holds a record.
struct RecordHint {
  WallTime since;
  /// Under which the record was read: the lowest of all that were merged into it.
  Generation generation;
  /// How many owners must hold the record before the hint may go.
  std::uint8_t owners = 0;
  BytesView record;  ///< storage/record.h
};
[[nodiscard]] Bytes encode_record_hint(const RecordHint& hint);
/// Borrows from `bytes`; the record is not looked into. Errors: corrupt, unsupported_version.
[[nodiscard]] Result<RecordHint> decode_record_hint(BytesView bytes);

}  // namespace coterie::transfer
