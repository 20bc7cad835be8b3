#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/address.h"
#include "base/env/uv_loop.h"
#include "bench/protocol.h"
#include "bench/session.h"

struct uv_poll_s;

namespace coterie::bench {

/// One connection over which requests go out together and answers come in order. On the loop's
/// thread; destroyed before the loop, and not from within its callbacks.
class WireChannel {
 public:
  struct Events {
    std::function<void(const Result<void>& connected)> on_connected;
    std::function<void(const Flight& flight, const Answer& answer)> on_answer;
    /// Before the answers that came together, and after the last of them.
    std::function<void(bool is_begin)> on_batch;
    /// Once; the channel is of no use any more.
    std::function<void(const Error& error)> on_broken;
  };

  WireChannel(UvLoop& loop, const Address& server, std::unique_ptr<Protocol> protocol,
              Events events);
  WireChannel(const WireChannel&) = delete;
  WireChannel& operator=(const WireChannel&) = delete;
  ~WireChannel();

  [[nodiscard]] Protocol& protocol() { return *protocol_; }
  /// What a request is written to by the protocol, ...
  [[nodiscard]] std::string& out() { return out_; }
  /// ... and who waits for its answer.
  void expect(const Flight& flight) { waiting_.push_back(flight); }
  /// Sends what is there.
  void flush();
  /// What waits for answers, the first one first; theirs to fail when the channel is broken.
  [[nodiscard]] std::deque<Flight>& waiting() { return waiting_; }
  void break_off(const Error& error);

 private:
  void on_ready(int status, int happened);
  void receive();
  void hand_out();
  void send();
  void poll(bool for_writing);

  UvLoop& loop_;
  std::unique_ptr<Protocol> protocol_;
  Events events_;
  int socket_ = -1;
  uv_poll_s* poll_ = nullptr;  // freed by its close callback, as libuv wants it
  std::string out_;
  std::size_t sent_ = 0;
  std::deque<Flight> waiting_;
  bool is_connecting_ = true;
  bool is_writing_ = false;  // waits until the socket takes more
  bool is_broken_ = false;
};

}  // namespace coterie::bench
