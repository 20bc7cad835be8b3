#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/env/file_descriptor.h"

// For uv_transport.cc only.
namespace coterie::uv {

/// What a Stream tells its user, from libuv's callbacks only. Statuses are libuv's.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  virtual void on_connected(int status) = 0;
  /// Where to read to.
  virtual std::span<char> read_space() = 0;
  /// So many bytes were read there; below 0: nothing more will be.
  virtual void on_read(std::ptrdiff_t size) = 0;
  /// What write() could not send at once has left, or failed.
  virtual void on_written(int status) = 0;
};

/// One TCP socket on a libuv loop. Deletes itself some time after close(); keeps its events alive
/// until then.
class Stream {
 public:
  [[nodiscard]] static Stream* make(uv_loop_t* loop, std::shared_ptr<StreamEvents> events) {
    return new Stream(loop, std::move(events));
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// These return libuv's status.
  [[nodiscard]] int connect(const sockaddr* to);
  [[nodiscard]] int open(FileDescriptor socket);
  [[nodiscard]] int start_reading();
  void stop_reading();

  /// No write is under way.
  [[nodiscard]] bool can_write() const { return in_flight_.empty(); }
  /// Sends the frames in order: what the socket takes leaves now. If that is all, they stay with
  /// the caller; else they are taken, the rest leaves when it can, and then on_written comes. Needs
  /// can_write(). Returns libuv's status; `calls` is raised by the system calls made.
  [[nodiscard]] int write(std::vector<Bytes>& frames, std::uint64_t& calls);
  /// Bytes of write() that have not left.
  [[nodiscard]] std::size_t unsent_bytes() const {
    return uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(&tcp_));
  }

  /// No events from here on.
  void close();

 private:
  Stream(uv_loop_t* loop, std::shared_ptr<StreamEvents> events);
  ~Stream() = default;

  uv_tcp_t tcp_{};
  uv_connect_t connect_{};
  uv_write_t write_{};
  std::shared_ptr<StreamEvents> events_;
  std::vector<Bytes> in_flight_;
};

}  // namespace coterie::uv
