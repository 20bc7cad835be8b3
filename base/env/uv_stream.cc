#include "base/env/uv_stream.h"

#include <algorithm>

#include "base/check.h"
#include "base/env/uv_address.h"

namespace coterie::uv {

namespace {

constexpr unsigned keep_alive_seconds = 30;
/// The most that Linux takes in one writev.
constexpr std::size_t buffers_a_call = 1024;

Stream& self(void* data) {
  return *static_cast<Stream*>(data);
}

/// Frames not yet sent, as libuv wants them.
class Unsent {
 public:
  explicit Unsent(const std::vector<Bytes>& frames) : buffers_(kept()) {
    buffers_.clear();
    for (const Bytes& frame : frames) {
      buffers_.push_back(
          uv_buf_init(const_cast<char*>(frame.data()), static_cast<unsigned>(frame.size())));
    }
  }

  void skip(std::size_t bytes) {
    while (bytes > 0) {
      uv_buf_t& first = buffers_[begin_];
      const std::size_t part = std::min(bytes, first.len);
      first.base += part;
      first.len -= part;
      bytes -= part;
      if (first.len == 0) ++begin_;
    }
  }

  [[nodiscard]] bool empty() const { return begin_ == buffers_.size(); }
  [[nodiscard]] std::span<uv_buf_t> all() { return std::span(buffers_).subspan(begin_); }

 private:
  /// One list a thread: libuv copies what it keeps of it.
  static std::vector<uv_buf_t>& kept() {
    thread_local std::vector<uv_buf_t> buffers;
    return buffers;
  }

  std::vector<uv_buf_t>& buffers_;
  std::size_t begin_ = 0;
};

}  // namespace

Stream::Stream(uv_loop_t* loop, std::shared_ptr<StreamEvents> events) : events_(std::move(events)) {
  uv_tcp_init(loop, &tcp_);
  tcp_.data = connect_.data = write_.data = this;
}

int Stream::connect(const sockaddr* to) {
  const int status = uv_tcp_connect(&connect_, &tcp_, to, [](uv_connect_t* request, int result) {
    const auto events = self(request->data).events_;
    if (events != nullptr) events->on_connected(result);
  });
  if (status != 0) return status;
  uv_tcp_nodelay(&tcp_, 1);
  uv_tcp_keepalive(&tcp_, 1, keep_alive_seconds);
  return 0;
}

int Stream::open(FileDescriptor socket) {
  const int status = uv_tcp_open(&tcp_, socket.get());
  if (status != 0) return status;
  static_cast<void>(socket.release());
  uv_tcp_nodelay(&tcp_, 1);
  uv_tcp_keepalive(&tcp_, 1, keep_alive_seconds);
  return 0;
}

int Stream::start_reading() {
  const int status = uv_read_start(
      stream(&tcp_),
      [](uv_handle_t* of, std::size_t, uv_buf_t* buffer) {
        StreamEvents* events = self(of->data).events_.get();
        if (events == nullptr) return;
        const auto space = events->read_space();
        *buffer = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
      },
      [](uv_stream_t* of, ssize_t size, const uv_buf_t*) {
        const auto events = self(of->data).events_;
        if (events != nullptr && size != 0) events->on_read(size);
      });
  return status == UV_EALREADY ? 0 : status;
}

void Stream::stop_reading() {
  uv_read_stop(stream(&tcp_));
}

int Stream::write(std::vector<Bytes>& frames, std::uint64_t& calls) {
  check(can_write(), "one write at a time");
  Unsent unsent(frames);
  while (!unsent.empty()) {
    const auto buffers = unsent.all().first(std::min(unsent.all().size(), buffers_a_call));
    ++calls;
    const int sent =
        uv_try_write(stream(&tcp_), buffers.data(), static_cast<unsigned>(buffers.size()));
    if (sent == UV_EAGAIN) break;
    if (sent < 0) return sent;
    unsent.skip(static_cast<std::size_t>(sent));
  }
  if (unsent.empty()) return 0;
  in_flight_.swap(frames);
  const auto buffers = unsent.all();
  return uv_write(&write_, stream(&tcp_), buffers.data(), static_cast<unsigned>(buffers.size()),
                  [](uv_write_t* request, int status) {
                    Stream& stream = self(request->data);
                    stream.in_flight_.clear();
                    const auto events = stream.events_;
                    if (events != nullptr) events->on_written(status);
                  });
}

void Stream::close() {
  events_.reset();
  uv::close(handle(&tcp_), [](uv_handle_t* closed) { delete &self(closed->data); });
}

}  // namespace coterie::uv
