#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/address.h"
#include "base/bytes.h"
#include "base/env/file_descriptor.h"
#include "base/env/hello.h"
#include "base/env/uv_loop.h"
#include "base/error.h"

namespace coterie {

/// An accepted socket whose dialling side has said hello, on its way to the loop that serves it
/// (UvTransport::adopt). Belongs to no loop; may cross threads.
struct GreetedSocket {
  FileDescriptor socket;
  OwnedHello theirs;
  /// What was read beyond the hello.
  Bytes leftover;
  Address from;
};

/// Tells the dialling side why it is not served (an error frame, best effort), and closes.
void refuse(GreetedSocket socket, const Error& why);

struct ListenerCounters {
  std::uint64_t accepted = 0;
  std::uint64_t greeted = 0;
  /// The first frame was not a hello that can be read.
  std::uint64_t malformed = 0;
  /// Said no hello in time.
  std::uint64_t silent = 0;
  /// Closed unheard to make room for newer ones.
  std::uint64_t crowded_out = 0;
  /// Closed by the other side before its hello was complete.
  std::uint64_t gone = 0;
};

/// One TCP door: accepts, reads the hello, hands the socket on. It checks that the hello can be
/// read, not what it says. On the loop's thread.
class UvListener final {
 public:
  struct Options {
    Duration hello_timeout = std::chrono::seconds(5);
    /// Connections that have not said hello yet; beyond it the oldest of them is closed.
    std::size_t half_open = 1024;
    /// The longest hello frame that is read.
    std::size_t hello_bytes = 4096;
    int backlog = 512;
  };
  using OnHello = std::move_only_function<void(GreetedSocket)>;

  /// Listens on `address` (numeric; port 0: any free one). Errors: io, invalid_argument; they name
  /// the address and what to do. `on_hello` must not destroy the listener.
  [[nodiscard]] static Result<std::unique_ptr<UvListener>> listen(UvLoop& loop,
                                                                  const Address& address,
                                                                  OnHello on_hello,
                                                                  const Options& options);
  [[nodiscard]] static Result<std::unique_ptr<UvListener>> listen(UvLoop& loop,
                                                                  const Address& address,
                                                                  OnHello on_hello) {
    return listen(loop, address, std::move(on_hello), Options{});
  }
  UvListener(const UvListener&) = delete;
  UvListener& operator=(const UvListener&) = delete;
  /// Stops to listen and closes the connections that have not said hello.
  ~UvListener();

  /// With the port it really has.
  [[nodiscard]] const Address& address() const;
  [[nodiscard]] const ListenerCounters& counters() const;

 private:
  class Impl;
  explicit UvListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace coterie
