#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/env/frame_reader.h"
#include "base/env/uv_stream.h"
#include "base/env/uv_transport.h"

// For uv_transport.cc only.
namespace coterie::uv {

class Connection;

/// What a UvTransport is made of.
class Connections {
 public:
  Connections(UvLoop& loop, TransportHandler& handler, const UvTransport::Options& options);
  ~Connections();

  ConnectionId dial(const Address& to, const wire::Hello& ours);
  Result<ConnectionId> adopt(GreetedSocket socket, const wire::Hello& ours);
  [[nodiscard]] Connection* find(ConnectionId id) const;
  [[nodiscard]] std::size_t size() const { return slots_.size() - free_.size(); }
  bool send(ConnectionId id, Bytes frame);
  void close(ConnectionId id);

  TransportCounters counters_;

 private:
  friend class Connection;

  /// An id is: serial | slot, so that what is sent finds its connection at once.
  static constexpr unsigned slot_bits = 24;

  std::shared_ptr<Connection> add();
  /// Null: it is gone.
  std::shared_ptr<Connection> remove(ConnectionId id);
  void flush();
  std::span<char> scratch() { return {scratch_->data(), scratch_->size()}; }

  UvLoop& loop_;
  TransportHandler& handler_;
  UvTransport::Options options_;
  UvLoop::HookId hook_;
  std::uint64_t last_serial_ = 0;
  std::vector<std::shared_ptr<Connection>> slots_;
  std::vector<std::size_t> free_;  // of slots_
  std::vector<ConnectionId> dirty_;
  struct alignas(8) Scratch : std::array<char, std::size_t{256} << 10> {};
  std::unique_ptr<Scratch> scratch_ = std::make_unique_for_overwrite<Scratch>();
};

/// One connection from dial() or adopt() to its end. Its transport is only touched while it is not
/// closed, since that ends first.
class Connection final : public StreamEvents, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Connections& transport, ConnectionId id)
      : transport_(transport), id_(id), reader_(transport.options_.frame_bytes) {}

  [[nodiscard]] ConnectionId id() const { return id_; }
  void dial(const Address& to, const wire::Hello& ours);
  Result<void> adopt(GreetedSocket socket, const wire::Hello& ours);
  bool send(Bytes frame);
  void flush();
  void pause(bool paused);
  void close();
  [[nodiscard]] std::size_t queued_bytes() const {
    return waiting_bytes_ + (stream_ == nullptr ? 0 : stream_->unsent_bytes());
  }

  void on_connected(int status) override;
  std::span<char> read_space() override { return reader_.space(transport_.scratch()); }
  void on_read(std::ptrdiff_t size) override;
  void on_written(int status) override;

 private:
  enum class State : std::uint8_t { connecting, greeting, open, closed };

  void connect_next(const Error& last);
  void greet();
  void opened(const wire::Hello& theirs);
  void hand_out();
  /// False: the connection has ended.
  bool take(const FrameReader::Frame& frame);
  void take_hello(const FrameReader::Frame& frame);
  void mark_dirty();
  void fail(const Error& why);
  void later(std::move_only_function<void()> call);
  void limit(Duration time, const std::string& what);

  Connections& transport_;
  const ConnectionId id_;
  State state_ = State::connecting;
  Stream* stream_ = nullptr;
  FrameReader reader_;
  TimerId timer_;
  bool was_dialled_ = false;
  bool is_paused_ = false;
  bool is_dirty_ = false;
  void append(Bytes frame);
  void recycle();

  /// Frames in order; small ones that follow each other stand in one buffer.
  std::vector<Bytes> waiting_;
  bool is_last_shared_ = false;  // of waiting_
  std::size_t waiting_frames_ = 0;
  std::size_t waiting_bytes_ = 0;
  Bytes spare_;                   // empty, with room
  Bytes hello_;                   // ours, encoded, until it is sent
  std::vector<Address> untried_;  // last first
  OwnedHello theirs_;             // of an adopted socket
  std::string name_;              // of the other side, for errors
};

}  // namespace coterie::uv
