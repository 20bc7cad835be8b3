#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/policy.h"
#include "base/wire/messages.h"
#include "node/replica/partition_copy.h"

namespace coterie::transfer {

/// The copies of this shard, as those who compare and repair them use them. On the shard's thread.
class RepairedCopies {
 public:
  virtual ~RepairedCopies() = default;

  /// Null: none is held here. Valid until the next epoch.
  [[nodiscard]] virtual const replica::PartitionCopy* copy(PartitionId partition) const = 0;
  /// Q.
  [[nodiscard]] virtual std::uint32_t partitions() const = 0;
  [[nodiscard]] virtual Resolver resolver_of(BytesView key) const = 0;
  /// Merges what another owner held under `generation`. Errors: stale_configuration (read before a
  /// purge), unsure (the local record is damaged and `replaces_damaged` is not set), the store's.
  [[nodiscard]] virtual Result<void> keep(PartitionId partition, Generation generation,
                                          BytesView key, BytesView record,
                                          bool replaces_damaged) = 0;
  /// Nobody holds what a damaged local record was.
  [[nodiscard]] virtual Result<void> drop_damaged(PartitionId partition, BytesView key) = 0;
  /// A copy that might lack data lacks nothing any more: it is full from now on, in no doubt, and
  /// so after a restart.
  [[nodiscard]] virtual Result<void> refilled(PartitionId partition) = 0;
  /// Another owner has purged under this generation: a copy here below it forgot.
  virtual void heard_of_purge(PartitionId partition, Generation purged) = 0;
  /// A record with a bad checksum was met.
  virtual void note_damaged(PartitionId partition, BytesView key) = 0;
};

/// The same copies' other owners. On the shard's thread.
class OtherOwners {
 public:
  virtual ~OtherOwners() = default;

  template <class Reply>
  using Done = std::move_only_function<void(Result<Reply>)>;

  /// Asks the shard of `to` that holds the message's partition. False: it cannot be asked now, and
  /// `done` is not called. Otherwise `done` is called once, later; what the reply borrows is valid
  /// during that.
  virtual bool ask(NodeId to, const wire::TreeRoots& message, Done<wire::TreeRootsReply> done) = 0;
  virtual bool ask(NodeId to, const wire::TreeCells& message, Done<wire::TreeCellsReply> done) = 0;
  virtual bool ask(NodeId to, const wire::RangeDigests& message,
                   Done<wire::RangeDigestsReply> done) = 0;
  virtual bool ask(NodeId to, const wire::RangePieces& message,
                   Done<wire::RangePiecesReply> done) = 0;
  virtual bool ask(NodeId to, const wire::ReplicaRecords& message,
                   Done<wire::ReplicaRecordsReply> done) = 0;
  virtual bool ask(NodeId to, const wire::ReplicaWrite& message,
                   Done<wire::ReplicaWriteReply> done) = 0;

  /// How many shards a node has; nothing if it has never been heard of.
  [[nodiscard]] virtual std::optional<std::uint16_t> shards_of(NodeId node) const = 0;
  /// Of all frames that ask() has sent and that answered them, so far.
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;
};

}  // namespace coterie::transfer
