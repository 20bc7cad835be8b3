#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/wire/frame.h"
#include "base/wire/messages.h"

namespace coterie {

/// One connection of one transport; never reused within a run. 0 is none.
using ConnectionId = Id<struct ConnectionTag, std::uint64_t>;

/// What happens on the connections of one Transport, always on its loop's thread.
class TransportHandler {
 public:
  virtual ~TransportHandler() = default;
  /// The hellos have been exchanged; frames may follow. Also for connections that were dialled.
  virtual void on_open(ConnectionId connection, const wire::Hello& theirs) = 0;
  /// One whole frame after the hello. `body` is 8-byte aligned, not yet verified as a table, and
  /// valid during the call only.
  virtual void on_frame(ConnectionId connection, const wire::FrameHeader& header,
                        BytesView body) = 0;
  /// The connection is gone, or could not be made; frames queued on it are lost. Last call for it;
  /// not called for close().
  virtual void on_closed(ConnectionId connection, const Error& why) = 0;
};

/// Connections that carry frames, of one event loop. Frames sent on one connection arrive in order
/// or not at all; frames of one loop turn leave in one write. Dialling again after a loss is the
/// user's choice (a pool with back-off), not done here.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Starts to connect, says `ours`, expects a hello. Returns at once: frames may be sent before
  /// on_open and leave after it. on_open or on_closed follows, never from within dial().
  virtual ConnectionId dial(const Address& to, const wire::Hello& ours) = 0;
  /// Queues one encoded frame. False, and nothing is queued, if the connection is gone or more than
  /// limits::peer_queue_bytes wait on it.
  [[nodiscard]] virtual bool send(ConnectionId connection, Bytes frame) = 0;
  virtual void close(ConnectionId connection) = 0;
  /// Bytes accepted by send() that have not left yet.
  [[nodiscard]] virtual std::size_t queued_bytes(ConnectionId connection) const = 0;
  /// Stops and resumes reading from a connection: how admission pushes back.
  virtual void pause_reading(ConnectionId connection, bool paused) = 0;
};

}  // namespace coterie
