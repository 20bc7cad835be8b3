#pragma once

#include "base/bytes.h"
#include "base/env/transport.h"
#include "base/ids.h"

namespace coterie {

/// A client's frame that came in on a shard that does not own its partition.
struct PassedFrame {
  ShardIndex from;
  ConnectionId connection;
  wire::FrameHeader header;
  Bytes body;
};

/// The way between the shards of one node; used when a client speaks to the wrong one.
class Mesh {
 public:
  virtual ~Mesh() = default;
  /// False: that shard's mailbox is full.
  [[nodiscard]] virtual bool pass_on(ShardIndex to, PassedFrame frame) = 0;
  /// The answer, on its way back to the connection it was asked on. Lost if that mailbox is full:
  /// the client's deadline covers it.
  virtual void answer(ShardIndex to, ConnectionId connection, Bytes frame) = 0;
};

}  // namespace coterie
