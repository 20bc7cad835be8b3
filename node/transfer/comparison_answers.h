#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/wire/codec.h"
#include "node/transfer/anti_entropy_port.h"
#include "node/transfer/range_contents.h"
#include "storage/store.h"

namespace coterie::transfer {

/// The side of a comparison that is asked: what this shard's copies hold, as frames. A copy that
/// may lack data answers too, and says that it is: what it holds it holds. Changes nothing. One
/// thread.
class ComparisonAnswers {
 public:
  ComparisonAnswers(const Store& store, RepairedCopies& copies) : store_(store), copies_(copies) {}

  /// tree_roots, tree_cells, range_digests, range_pieces and replica_records.
  [[nodiscard]] static bool takes(wire::Kind kind);
  /// The reply to a frame of one of these kinds; it rests on all that the store has appended.
  /// Errors: those of decoding; not_owner, stale_configuration, unsure (an unknown configuration);
  /// the store's.
  [[nodiscard]] Result<Bytes> answer(wire::Kind kind, BytesView body,
                                     const wire::Envelope& envelope);

 private:
  [[nodiscard]] Result<Bytes> answer(const wire::TreeRoots& message, const wire::Envelope& to);
  [[nodiscard]] Result<Bytes> answer(const wire::TreeCells& message, const wire::Envelope& to);
  [[nodiscard]] Result<Bytes> answer(const wire::RangeDigests& message, const wire::Envelope& to);
  [[nodiscard]] Result<Bytes> answer(const wire::RangePieces& message, const wire::Envelope& to);
  [[nodiscard]] Result<Bytes> answer(const wire::ReplicaRecords& message, const wire::Envelope& to);
  [[nodiscard]] Result<const replica::PartitionCopy*> copy_of(
      const wire::ReplicaScope& scope) const;
  [[nodiscard]] Result<KeyRange> range_of(PartitionId partition, BytesView from,
                                          BytesView to) const;
  /// What this copy holds of the range that a message names; its damaged records are noted.
  template <class Message>
  [[nodiscard]] Result<RangeContents> contents_of(const Message& message);
  template <class Message>
  [[nodiscard]] Result<Bytes> decoded(BytesView body, const wire::Envelope& to);

  const Store& store_;
  RepairedCopies& copies_;
};

/// The folded cells of a level of a partition's tree, all 0 without one; `level` within its depth.
[[nodiscard]] std::vector<std::uint32_t> folded_level(const PartitionTree* tree, unsigned level,
                                                      std::uint64_t salt);

/// Of a range's entries, cut into at most limits::range_pieces pieces of equal length. Borrows.
[[nodiscard]] std::vector<wire::RangePiece> pieces_of(
    const std::vector<RangeContents::Entry>& entries);

}  // namespace coterie::transfer
