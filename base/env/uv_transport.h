#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/env/transport.h"
#include "base/env/uv_listener.h"
#include "base/env/uv_loop.h"
#include "base/limits.h"

namespace coterie {

namespace uv {
class Connections;
}

struct TransportCounters {
  std::uint64_t frames_in = 0;  // hellos included, here and below
  std::uint64_t frames_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  /// Write calls; frames_out / writes says how well the turns coalesce.
  std::uint64_t writes = 0;
  /// Connections closed because what came is no frame, too large, or of an unknown kind.
  std::uint64_t frames_malformed = 0;
  /// send() said false.
  std::uint64_t sends_refused = 0;
  std::uint64_t dials = 0;
  /// Dials that ended without a hello from the other side.
  std::uint64_t dials_failed = 0;
  std::uint64_t adopted = 0;
};

/// Transport over libuv's TCP; one a loop. Frame bodies are handed out where they were read; frames
/// are written from where the sender left them. Handlers may dial, send, pause and close from
/// within their calls, the connection concerned included, but not destroy the transport.
class UvTransport final : public Transport {
 public:
  struct Options {
    Duration connect_timeout = std::chrono::seconds(5);
    /// From the connection being made to the other side's hello.
    Duration hello_timeout = std::chrono::seconds(5);
    std::size_t frame_bytes = limits::frame_bytes;       // the largest frame taken
    std::size_t queue_bytes = limits::peer_queue_bytes;  // of one connection, beyond which send()
                                                         // says false
  };

  UvTransport(UvLoop& loop, TransportHandler& handler, const Options& options);
  UvTransport(UvLoop& loop, TransportHandler& handler) : UvTransport(loop, handler, Options{}) {}
  UvTransport(const UvTransport&) = delete;
  UvTransport& operator=(const UvTransport&) = delete;
  /// Closes all connections; the handler hears nothing of it.
  ~UvTransport() override;

  /// Takes over a socket of a listener: answers `ours`, then on_open and what was read already
  /// follow, never from within this call. Error (io): the socket cannot be used and is closed.
  [[nodiscard]] Result<ConnectionId> adopt(GreetedSocket socket, const wire::Hello& ours);

  /// A name in `to` is resolved, and its addresses tried in order.
  ConnectionId dial(const Address& to, const wire::Hello& ours) override;
  [[nodiscard]] bool send(ConnectionId connection, Bytes frame) override;
  /// Frames that the socket takes at once still leave.
  void close(ConnectionId connection) override;
  [[nodiscard]] std::size_t queued_bytes(ConnectionId connection) const override;
  void pause_reading(ConnectionId connection, bool paused) override;

  [[nodiscard]] const TransportCounters& counters() const;
  /// Connections that are open or being made.
  [[nodiscard]] std::size_t connections() const;

 private:
  std::unique_ptr<uv::Connections> impl_;
};

}  // namespace coterie
