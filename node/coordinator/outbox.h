#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/wire/messages.h"
#include "node/coordinator/local_replica.h"
#include "node/coordinator/placement.h"

namespace coterie::coordinator {

/// Whom to answer; the driver's own number.
using ClientHandle = Id<struct ClientTag, std::uint64_t>;

struct Target {
  NodeId node;
  /// The frame's request id.
  Tag tag;
};

/// What the coordinator wants done. The driver encodes and queues within the call, since what it is
/// handed is borrowed for its length, and does not call the coordinator from within it.
class Outbox {
 public:
  virtual ~Outbox() = default;

  /// One message, encoded once, to several nodes. Bit i of the result: targets[i] will get nothing
  /// and answer nothing (no connection and none under way, or its queue is full). What is taken is
  /// answered in the end: by a reply, an error, or on_peer_lost when its connection ends.
  [[nodiscard]] virtual std::uint32_t send(std::span<const Target> targets,
                                           const wire::ReplicaWrite& message, Instant deadline) = 0;
  [[nodiscard]] virtual std::uint32_t send(std::span<const Target> targets,
                                           const wire::ReplicaRead& message, Instant deadline) = 0;
  [[nodiscard]] virtual std::uint32_t send(std::span<const Target> targets,
                                           const wire::ReplicaScan& message, Instant deadline) = 0;

  /// Exactly one of these for each client's request.
  virtual void reply(ClientHandle client, const wire::PutReply& reply) = 0;
  virtual void reply(ClientHandle client, const wire::GetReply& reply) = 0;
  virtual void reply(ClientHandle client, const wire::ScanReply& reply) = 0;
  virtual void fail(ClientHandle client, const Error& error) = 0;

  /// `from` has fenced a later configuration than this node knows of, which its epoch names: this
  /// node shall learn that one. Coordinator::on_ring() is called once it has.
  virtual void seek_epoch(NodeId from, EpochNumber epoch) = 0;
  /// The partition as this node knows it now, for a request that goes on under it. Borrowed until
  /// the next call.
  [[nodiscard]] virtual Placement placement(PartitionId partition, bool is_sloppy, bool is_put) = 0;

  /// `target` may lack this key's current record: replay it when it can be reached.
  virtual void leave_hint(PartitionId partition, BytesView key, NodeId target) = 0;
};

}  // namespace coterie::coordinator
