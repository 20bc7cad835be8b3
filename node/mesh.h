#pragma once

#include "base/bytes.h"
#include "base/ids.h"
#include "base/wire/frame.h"
#include "node/coordinator/admission.h"
#include "node/coordinator/outbox.h"

namespace coterie {

/// A client's frame that came in on a shard that does not own its partition, and was admitted there
/// as `client`.
struct PassedFrame {
  ShardIndex from;
  coordinator::ClientHandle client;
  coordinator::Arrival arrived;
  wire::FrameHeader header;
  Bytes body;
};

/// The way between the loops of one node; between shards when a client speaks to the wrong one.
class Mesh {
 public:
  virtual ~Mesh() = default;
  /// False: that shard's mailbox is full.
  [[nodiscard]] virtual bool pass_on(ShardIndex to, PassedFrame frame) = 0;
  /// The answer, on its way back to the shard that admitted the client. Lost if that mailbox is
  /// full: the client's deadline covers it.
  virtual void answer(ShardIndex to, coordinator::ClientHandle client, Bytes frame) = 0;
  /// The control loop: `from` knows a later epoch than this shard, which shall be learned.
  virtual void seek_epoch(NodeId from) = 0;
};

}  // namespace coterie
