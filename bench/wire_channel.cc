#include "bench/wire_channel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace coterie::bench {
namespace {

constexpr std::size_t receive_bytes = 1U << 16;

Error broken(const std::string& what, int number) {
  return {.code = ErrorCode::unavailable, .message = what + ": " + std::strerror(number)};
}

int connect_to(const Address& server) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port);
  if (::inet_pton(AF_INET, server.host.c_str(), &address.sin_addr) != 1) return -1;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EINPROGRESS) {
    return socket;
  }
  ::close(socket);
  return -1;
}

}  // namespace

WireChannel::WireChannel(UvLoop& loop, const Address& server, std::unique_ptr<Protocol> protocol,
                         Events events)
    : loop_(loop), protocol_(std::move(protocol)), events_(std::move(events)) {
  socket_ = connect_to(server);
  if (socket_ < 0) {
    // Told from the loop, as whatever else happens.
    loop_.timers().start(Duration::zero(),
                         [this, number = errno] { break_off(broken("connecting", number)); });
    return;
  }
  poll_ = new uv_poll_t{};
  uv_poll_init(loop_.raw(), poll_, socket_);
  poll_->data = this;
  poll(true);
}

WireChannel::~WireChannel() {
  if (poll_ != nullptr) {
    uv_poll_stop(poll_);
    uv_close(reinterpret_cast<uv_handle_t*>(poll_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
  }
  if (socket_ >= 0) ::close(socket_);
}

void WireChannel::poll(bool for_writing) {
  is_writing_ = for_writing;
  uv_poll_start(poll_, for_writing ? UV_READABLE | UV_WRITABLE : UV_READABLE,
                [](uv_poll_t* handle, int status, int happened) {
                  static_cast<WireChannel*>(handle->data)->on_ready(status, happened);
                });
}

void WireChannel::on_ready(int status, int happened) {
  if (is_broken_) return;
  int number = status < 0 ? -status : 0;
  socklen_t size = sizeof number;
  if (is_connecting_ && number == 0) ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &number, &size);
  if (number != 0) return break_off(broken("the connection", number));
  if (is_connecting_) {
    is_connecting_ = false;
    poll(false);
    events_.on_connected({});
    return;
  }
  if ((happened & UV_WRITABLE) != 0) send();
  if ((happened & UV_READABLE) != 0 && !is_broken_) receive();
}

void WireChannel::receive() {
  std::array<char, receive_bytes> buffer;
  const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return break_off(broken("reading", errno));
  if (got == 0) {
    return break_off({.code = ErrorCode::unavailable, .message = "the server has closed"});
  }
  protocol_->feed({buffer.data(), static_cast<std::size_t>(got)});
  events_.on_batch(true);
  hand_out();
  events_.on_batch(false);
}

void WireChannel::hand_out() {
  while (!is_broken_) {
    const auto answer = protocol_->next();
    if (!answer) return break_off(answer.error());
    if (!*answer) return;
    if (waiting_.empty()) {
      return break_off({.code = ErrorCode::corrupt, .message = "an answer nobody asked for"});
    }
    const Flight flight = waiting_.front();
    waiting_.pop_front();
    events_.on_answer(flight, **answer);
  }
}

void WireChannel::flush() {
  if (!is_writing_ && !is_connecting_ && !is_broken_) send();
}

void WireChannel::send() {
  while (sent_ < out_.size()) {
    const ssize_t sent = ::send(socket_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      if (!is_writing_) poll(true);
      return;
    }
    if (sent < 0) return break_off(broken("writing", errno));
    sent_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  sent_ = 0;
  if (is_writing_) poll(false);
}

void WireChannel::break_off(const Error& error) {
  if (std::exchange(is_broken_, true)) return;
  if (poll_ != nullptr) uv_poll_stop(poll_);
  if (std::exchange(is_connecting_, false)) {
    events_.on_connected(std::unexpected(error));
  } else {
    events_.on_broken(error);
  }
}

}  // namespace coterie::bench
