#include "base/env/uv_listener.h"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <fcntl.h>

#include <array>
#include <map>

#include "base/env/frame_reader.h"
#include "base/env/uv_address.h"
#include "base/wire/codec.h"

namespace coterie {

void refuse(GreetedSocket socket, const Error& why) {
  const Bytes frame = wire::encode(
      wire::ErrorReply{
          .code = why.code, .retry_after_ms = why.retry_after_ms, .message = why.message},
      wire::Envelope{});
  // A socket that nothing was written to has room for one small frame; if not, closing says enough.
  static_cast<void>(
      ::send(socket.socket.get(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  // What is left unread would turn the close into a reset, which overtakes the frame.
  std::array<char, 4096> rest{};
  while (::recv(socket.socket.get(), rest.data(), rest.size(), MSG_DONTWAIT) > 0) {
  }
  ::shutdown(socket.socket.get(), SHUT_WR);
}

class UvListener::Impl {
 public:
  Impl(UvLoop& loop, OnHello on_hello, const Options& options)
      : loop_(loop),
        on_hello_(std::move(on_hello)),
        options_(options),
        door_(new Door{.owner = this}) {
    door_->tcp.data = door_;
    uv_tcp_init(loop.raw(), &door_->tcp);
  }

  ~Impl() {
    while (!half_open_.empty()) drop(half_open_.begin()->second);
    door_->owner = nullptr;
    uv::close_and_delete<Door>(&door_->tcp);
  }

  Result<void> listen(const Address& address) {
    const auto where = uv::to_socket_address(address);
    if (!where) {
      return fail(ErrorCode::invalid_argument,
                  "cannot listen on " + address.text() +
                      ": a numeric address of this machine is needed, as in 127.0.0.1");
    }
    int status = uv_tcp_bind(&door_->tcp, uv::generic(*where), 0);
    if (status == 0) status = uv_listen(uv::stream(&door_->tcp), options_.backlog, &on_knock);
    if (status < 0) {
      std::string what = "cannot listen on " + address.text();
      if (status == UV_EADDRINUSE) what += " (stop the process that does, or choose another port)";
      if (status == UV_EADDRNOTAVAIL) what += " (choose an address of this machine)";
      if (status == UV_EACCES) what += " (ports below 1024 need privileges; choose another)";
      return std::unexpected(uv::error(ErrorCode::io, status, what));
    }
    sockaddr_storage bound{};
    int size = sizeof bound;
    uv_tcp_getsockname(&door_->tcp, reinterpret_cast<sockaddr*>(&bound), &size);
    address_ = uv::from_socket_address(uv::generic(bound));
    return {};
  }

  Address address_;
  ListenerCounters counters_;

 private:
  struct Door {
    uv_tcp_t tcp{};
    Impl* owner = nullptr;
  };
  struct Guest {
    uv_tcp_t tcp{};
    Impl* owner = nullptr;
    std::uint64_t number = 0;
    TimerId timer;
    FrameReader reader;
  };

  static void on_knock(uv_stream_t* door, int status) {
    if (status < 0) return;  // that connection is gone already
    static_cast<Door*>(door->data)->owner->let_in();
  }

  void let_in() {
    auto* guest = new Guest{.owner = this,
                            .number = ++last_number_,
                            .timer = {},
                            .reader = FrameReader(options_.hello_bytes)};
    guest->tcp.data = guest;
    uv_tcp_init(loop_.raw(), &guest->tcp);
    half_open_.emplace(guest->number, guest);
    guest->timer = loop_.timers().start(options_.hello_timeout, [this, guest] {
      ++counters_.silent;
      drop(guest);
    });
    if (uv_accept(uv::stream(&door_->tcp), uv::stream(&guest->tcp)) != 0 ||
        uv_read_start(uv::stream(&guest->tcp), &on_space, &on_read) != 0) {
      drop(guest);
      return;
    }
    ++counters_.accepted;
    if (half_open_.size() > options_.half_open) {
      ++counters_.crowded_out;
      drop(half_open_.begin()->second);
    }
  }

  static void on_space(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    auto* guest = static_cast<Guest*>(handle->data);
    const auto space = guest->reader.space(guest->owner->scratch_);
    *buffer = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
  }

  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
    auto* guest = static_cast<Guest*>(stream->data);
    if (size == 0) return;
    if (size < 0) {
      ++guest->owner->counters_.gone;
      guest->owner->drop(guest);
      return;
    }
    guest->reader.filled(static_cast<std::size_t>(size));
    guest->owner->hear(guest);
  }

  void hear(Guest* guest) {
    const auto frame = guest->reader.next();
    if (frame && !frame->has_value()) {
      guest->reader.settle();
      return;
    }
    if (!frame || (*frame)->header.kind != wire::Kind::hello) {
      ++counters_.malformed;
      drop(guest);
      return;
    }
    const auto hello = wire::decode<wire::Hello>((*frame)->body);
    GreetedSocket greeted{.socket = duplicate(guest),
                          .theirs = OwnedHello(hello ? *hello : wire::Hello{}),
                          .leftover = Bytes(guest->reader.pending()),
                          .from = peer_of(guest)};
    drop(guest);
    if (!greeted.socket.is_open()) return;
    if (!hello) {
      ++counters_.malformed;
      refuse(std::move(greeted), hello.error());  // it may be of a version that understands this
      return;
    }
    ++counters_.greeted;
    on_hello_(std::move(greeted));
  }

  /// A descriptor of its own: libuv closes the one it knows with its handle.
  static FileDescriptor duplicate(Guest* guest) {
    uv_read_stop(uv::stream(&guest->tcp));
    uv_os_fd_t fd = -1;
    if (uv_fileno(uv::handle(&guest->tcp), &fd) != 0) return {};
    return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  }

  static Address peer_of(Guest* guest) {
    sockaddr_storage peer{};
    int size = sizeof peer;
    if (uv_tcp_getpeername(&guest->tcp, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return {};
    return uv::from_socket_address(uv::generic(peer));
  }

  void drop(Guest* guest) {
    loop_.timers().cancel(guest->timer);
    half_open_.erase(guest->number);
    uv::close_and_delete<Guest>(&guest->tcp);
  }

  UvLoop& loop_;
  OnHello on_hello_;
  Options options_;
  Door* door_;
  std::map<std::uint64_t, Guest*> half_open_;  // oldest first; a close callback deletes them
  std::uint64_t last_number_ = 0;
  alignas(8) std::array<char, 8192> scratch_;
};

UvListener::UvListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UvListener::~UvListener() = default;

Result<std::unique_ptr<UvListener>> UvListener::listen(UvLoop& loop, const Address& address,
                                                       OnHello on_hello, const Options& options) {
  auto impl = std::make_unique<Impl>(loop, std::move(on_hello), options);
  if (auto listening = impl->listen(address); !listening) {
    return std::unexpected(listening.error());
  }
  return std::unique_ptr<UvListener>(new UvListener(std::move(impl)));
}

const Address& UvListener::address() const {
  return impl_->address_;
}
const ListenerCounters& UvListener::counters() const {
  return impl_->counters_;
}

}  // namespace coterie
