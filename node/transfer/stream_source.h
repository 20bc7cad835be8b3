#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/wire/codec.h"
#include "node/transfer/anti_entropy_port.h"
#include "ring/epoch.h"
#include "storage/store.h"

namespace coterie::transfer {

/// The side of a stream that is asked: hands the copies of partitions whose owners change to those
/// who shall own them (DESIGN: topology). It serves only what is beyond doubt: a full copy, of a
/// change that is open and not paused, whose opening it has durably fenced.
///
/// Nothing that a copy held when it fenced the opening is missed, though it goes on changing while
/// it is read. The receiver walks all keys in order, and each is read after the fence. What the
/// copy held of a key then it holds still, or what covers it: records are only merged, and no purge
/// goes on while owners change (a round that began before asks under an older configuration, which
/// the fence refuses). A key that comes into being behind the cursor was not held at the fence: it
/// belongs to a write under the open configuration, which W of the new owners have from its
/// coordinator, or to an older one that this copy did not hold and so never counted for. And what
/// lies behind a durable cursor the receiver holds durably: it went into the same log before.
class StreamSource {
 public:
  /// What this shard has durably fenced of a partition; 0: nothing.
  using Fenced = std::function<ConfigurationNumber(PartitionId)>;

  StreamSource(NodeId self, const Store& store, RepairedCopies& copies, Fenced fenced)
      : self_(self), store_(store), copies_(copies), fenced_(std::move(fenced)) {}

  void on_epoch(std::shared_ptr<const Epoch> epoch);

  /// stream_open and stream_batch.
  [[nodiscard]] static bool takes(wire::Kind kind);
  /// The reply to a frame of one of these kinds; it rests on all that the store has appended.
  /// Errors: those of decoding; stale_configuration; unsure (this copy is in doubt, or is behind);
  /// refused (the session has ended, nothing is to be streamed); the store's.
  [[nodiscard]] Result<Bytes> answer(wire::Kind kind, BytesView body,
                                     const wire::Envelope& envelope);
  /// Open ones.
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

 private:
  using Receiver = std::pair<PartitionId, NodeId>;
  struct Session {
    std::uint64_t id = 0;
    ConfigurationNumber opened;
  };

  [[nodiscard]] Result<Bytes> open(const wire::StreamOpen& message, const wire::Envelope& to);
  [[nodiscard]] Result<Bytes> batch(const wire::StreamBatch& message, const wire::Envelope& to);
  /// The copy, if it may be handed out under this scope.
  [[nodiscard]] Result<const replica::PartitionCopy*> copy_for(const wire::ReplicaScope& scope,
                                                               NodeId receiver) const;

  NodeId self_;
  const Store& store_;
  RepairedCopies& copies_;
  Fenced fenced_;
  std::shared_ptr<const Epoch> epoch_;
  std::map<Receiver, Session> sessions_;
};

}  // namespace coterie::transfer
