#include "base/env/uv_connection.h"

#include <algorithm>

#include "base/env/uv_address.h"
#include "base/env/uv_resolve.h"
#include "base/wire/codec.h"

namespace coterie::uv {

namespace {

/// Frames of a turn leave before its end once they are so many bytes.
constexpr std::size_t flush_bytes = std::size_t{64} << 10;
/// Frames up to this size are put together.
constexpr std::size_t small_frame_bytes = 4096;
/// A buffer that they share; a connection keeps one between turns.
constexpr std::size_t shared_bytes_most = std::size_t{16} << 10;

}  // namespace

void Connection::dial(const Address& to, const wire::Hello& ours) {
  was_dialled_ = true;
  name_ = to.text();
  hello_ = wire::encode(ours);
  limit(transport_.options_.connect_timeout, "no connection to " + name_ + " in time");
  if (to_socket_address(to)) {
    untried_ = {to};
    connect_next(Error{.code = ErrorCode::io, .message = "cannot connect to " + name_});
    return;
  }
  resolve(transport_.loop_, to, [weak = weak_from_this()](Result<std::vector<Address>> addresses) {
    const auto self = weak.lock();
    if (self == nullptr || self->state_ == State::closed) return;
    if (!addresses) return self->fail(addresses.error());
    self->untried_ = std::move(*addresses);
    std::ranges::reverse(self->untried_);
    self->connect_next(Error{.code = ErrorCode::io, .message = "cannot connect"});
  });
}

void Connection::connect_next(const Error& last) {
  Error why = last;
  while (!untried_.empty()) {
    const Address address = untried_.back();
    untried_.pop_back();
    if (stream_ != nullptr) stream_->close();
    stream_ = Stream::make(transport_.loop_.raw(), shared_from_this());
    const auto where = to_socket_address(address);
    const int status = where ? stream_->connect(generic(*where)) : UV_EINVAL;
    if (status == 0) return;
    why = error(ErrorCode::io, status, "cannot connect to " + address.text());
  }
  later([this, why] { fail(why); });
}

void Connection::on_connected(int status) {
  if (status < 0) {
    connect_next(error(ErrorCode::io, status, "cannot connect to " + name_));
    return;
  }
  state_ = State::greeting;
  limit(transport_.options_.hello_timeout, name_ + " said no hello in time");
  greet();
  static_cast<void>(stream_->start_reading());
}

/// Our hello goes ahead of what send() has queued.
void Connection::greet() {
  std::vector<Bytes> hello;
  transport_.counters_.bytes_out += hello_.size();
  ++transport_.counters_.frames_out;
  hello.push_back(std::move(hello_));
  const int status = stream_->write(hello, transport_.counters_.writes);
  if (status < 0) {
    later([this, status] { fail(error(ErrorCode::closed, status, "lost " + name_)); });
  }
}

Result<void> Connection::adopt(GreetedSocket socket, const wire::Hello& ours) {
  name_ = socket.from.text();
  theirs_ = std::move(socket.theirs);
  hello_ = wire::encode(ours);
  stream_ = Stream::make(transport_.loop_.raw(), shared_from_this());
  const int status = stream_->open(std::move(socket.socket));
  if (status < 0) {
    close();
    return std::unexpected(error(ErrorCode::io, status, "cannot serve " + name_));
  }
  if (!socket.leftover.empty()) reader_.feed(socket.leftover);
  state_ = State::greeting;
  greet();
  later([this] {
    const auto theirs = std::move(theirs_);
    opened(theirs.view());
    hand_out();
    if (state_ == State::open && !is_paused_) static_cast<void>(stream_->start_reading());
  });
  return {};
}

void Connection::opened(const wire::Hello& theirs) {
  transport_.loop_.timers().cancel(timer_);
  state_ = State::open;
  ++transport_.counters_.frames_in;
  if (!waiting_.empty()) mark_dirty();
  if (is_paused_) stream_->stop_reading();
  transport_.handler_.on_open(id_, theirs);
}

void Connection::on_read(std::ptrdiff_t size) {
  if (size < 0) {
    const bool is_cut = !reader_.pending().empty();
    fail(error(ErrorCode::closed, static_cast<int>(size),
               "lost " + name_ + (is_cut ? " in the middle of a frame" : "")));
    return;
  }
  transport_.counters_.bytes_in += static_cast<std::uint64_t>(size);
  reader_.filled(static_cast<std::size_t>(size));
  hand_out();
}

void Connection::hand_out() {
  const auto alive = shared_from_this();
  while (state_ == State::greeting || (state_ == State::open && !is_paused_)) {
    const auto frame = reader_.next();
    if (!frame) {
      ++transport_.counters_.frames_malformed;
      fail(Error{.code = frame.error().code,
                 .message = name_ + " sent what is no frame: " + frame.error().message});
      break;
    }
    if (!frame->has_value() || !take(**frame)) break;
  }
  reader_.settle();
}

bool Connection::take(const FrameReader::Frame& frame) {
  if (state_ == State::greeting) {
    take_hello(frame);
  } else {
    ++transport_.counters_.frames_in;
    transport_.handler_.on_frame(id_, frame.header, frame.body);
  }
  return state_ == State::open;
}

void Connection::take_hello(const FrameReader::Frame& frame) {
  const auto [theirs, is_refusal] = read_greeting(frame);
  if (theirs) {
    opened(*theirs);
    return;
  }
  if (!is_refusal) ++transport_.counters_.frames_malformed;
  Error why = theirs.error();
  why.message = name_ + (is_refusal ? " refuses: " : ": ") + why.message;
  fail(why);
}

bool Connection::send(Bytes frame) {
  if (queued_bytes() > transport_.options_.queue_bytes) return false;
  append(std::move(frame));
  if (state_ != State::open) return true;
  mark_dirty();
  if (waiting_bytes_ > flush_bytes) flush();
  return true;
}

/// A frame alone leaves from where its sender left it. Of several small ones the bytes are copied
/// together: that costs less than a buffer each, for malloc and for the kernel.
void Connection::append(Bytes frame) {
  waiting_bytes_ += frame.size();
  ++waiting_frames_;
  const bool is_small = frame.size() <= small_frame_bytes;
  if (!is_small || waiting_.empty()) {
    waiting_.push_back(std::move(frame));
    is_last_shared_ = is_small;
    return;
  }
  const std::size_t together = waiting_.back().size() + frame.size();
  if (!is_last_shared_ || together > shared_bytes_most) {
    waiting_.push_back(std::exchange(spare_, {}));
    is_last_shared_ = true;
  } else if (waiting_.back().capacity() < together && spare_.capacity() >= together) {
    spare_.append(waiting_.back());
    waiting_.back().swap(spare_);
    spare_.clear();
  }
  waiting_.back().append(frame);
}

/// All that waited has left: a buffer that several frames shared is used again.
void Connection::recycle() {
  for (Bytes& buffer : waiting_) {
    if (buffer.capacity() > spare_.capacity() && buffer.capacity() <= 2 * shared_bytes_most) {
      buffer.clear();
      spare_ = std::move(buffer);
    }
  }
  waiting_.clear();
}

void Connection::mark_dirty() {
  if (is_dirty_) return;
  is_dirty_ = true;
  transport_.dirty_.push_back(id_);
}

void Connection::flush() {
  is_dirty_ = false;
  if (state_ != State::open || waiting_.empty() || !stream_->can_write()) return;
  transport_.counters_.frames_out += waiting_frames_;
  transport_.counters_.bytes_out += waiting_bytes_;
  waiting_frames_ = 0;
  waiting_bytes_ = 0;
  const int status = stream_->write(waiting_, transport_.counters_.writes);
  recycle();
  // Never from within send(): the handler may be in the middle of something.
  if (status < 0) {
    later([this, status] { fail(error(ErrorCode::closed, status, "lost " + name_)); });
  }
}

void Connection::on_written(int status) {
  if (status < 0) {
    fail(error(ErrorCode::closed, status, "lost " + name_));
  } else if (!waiting_.empty()) {
    mark_dirty();
  }
}

void Connection::pause(bool paused) {
  if (is_paused_ == paused) return;
  is_paused_ = paused;
  if (state_ != State::open) return;
  if (paused) {
    stream_->stop_reading();
    return;
  }
  later([this] {
    hand_out();
    if (state_ == State::open && !is_paused_) static_cast<void>(stream_->start_reading());
  });
}

void Connection::close() {
  flush();
  transport_.loop_.timers().cancel(timer_);
  state_ = State::closed;
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->close();
}

void Connection::fail(const Error& why) {
  const auto alive = shared_from_this();
  if (was_dialled_ && state_ != State::open) ++transport_.counters_.dials_failed;
  Connections& transport = transport_;
  transport.loop_.timers().cancel(timer_);
  state_ = State::closed;
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->close();
  transport.remove(id_);
  transport.handler_.on_closed(id_, why);
}

/// Calls in the next turn, unless the connection has ended by then.
void Connection::later(std::move_only_function<void()> call) {
  transport_.loop_.timers().start(Duration::zero(),
                                  [weak = weak_from_this(), call = std::move(call)]() mutable {
                                    const auto self = weak.lock();
                                    if (self != nullptr && self->state_ != State::closed) call();
                                  });
}

void Connection::limit(Duration time, const std::string& what) {
  transport_.loop_.timers().cancel(timer_);
  timer_ = transport_.loop_.timers().start(
      time, [this, what] { fail(Error{.code = ErrorCode::closed, .message = what}); });
}

}  // namespace coterie::uv
