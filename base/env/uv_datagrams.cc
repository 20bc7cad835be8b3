#include "base/env/uv_datagrams.h"

#include <uv.h>

#include <vector>

#include "base/env/uv_address.h"

namespace coterie {

class UvDatagrams::Impl {
 public:
  Impl(UvLoop& loop, DatagramHandler& handler)
      : socket_(new Socket{.owner = this}), handler_(handler) {
    socket_->udp.data = socket_;
    uv_udp_init(loop.raw(), &socket_->udp);
  }

  ~Impl() {
    socket_->owner = nullptr;
    uv::close_and_delete<Socket>(&socket_->udp);
  }

  Result<void> bind(const Address& address) {
    const auto where = uv::to_socket_address(address);
    if (!where) {
      return fail(ErrorCode::invalid_argument,
                  "cannot bind UDP to " + address.text() + ": a numeric address is needed");
    }
    int status = uv_udp_bind(&socket_->udp, uv::generic(*where), 0);
    if (status == 0) status = uv_udp_recv_start(&socket_->udp, &on_space, &on_packet);
    if (status < 0) {
      return std::unexpected(uv::error(
          ErrorCode::io, status,
          "cannot bind UDP to " + address.text() + " (another process may use this port)"));
    }
    sockaddr_storage bound{};
    int size = sizeof bound;
    uv_udp_getsockname(&socket_->udp, reinterpret_cast<sockaddr*>(&bound), &size);
    address_ = uv::from_socket_address(uv::generic(bound));
    return {};
  }

  void send(const Address& to, BytesView packet) {
    const auto where = uv::to_socket_address(to);
    uv_buf_t buffer =
        uv_buf_init(const_cast<char*>(packet.data()), static_cast<unsigned>(packet.size()));
    if (!where || uv_udp_try_send(&socket_->udp, &buffer, 1, uv::generic(*where)) < 0) {
      ++counters_.sends_failed;
      return;
    }
    ++counters_.packets_out;
    counters_.bytes_out += packet.size();
  }

  Address address_;
  DatagramCounters counters_;

 private:
  struct Socket {
    uv_udp_t udp{};
    Impl* owner = nullptr;
  };

  static void on_space(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    auto& space = static_cast<Socket*>(handle->data)->owner->space_;
    *buffer = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
  }

  static void on_packet(uv_udp_t* udp, ssize_t size, const uv_buf_t* buffer, const sockaddr* from,
                        unsigned flags) {
    Impl& self = *static_cast<Socket*>(udp->data)->owner;
    // Also called with nothing read, and with errors that earlier sends caused (ICMP).
    if (size < 0 || from == nullptr || (flags & UV_UDP_PARTIAL) != 0) return;
    ++self.counters_.packets_in;
    self.counters_.bytes_in += static_cast<std::uint64_t>(size);
    self.handler_.on_datagram(uv::from_socket_address(from),
                              BytesView(buffer->base, static_cast<std::size_t>(size)));
  }

  Socket* socket_;
  DatagramHandler& handler_;
  std::vector<char> space_ = std::vector<char>(std::size_t{1} << 16);
};

UvDatagrams::UvDatagrams(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UvDatagrams::~UvDatagrams() = default;

Result<std::unique_ptr<UvDatagrams>> UvDatagrams::open(UvLoop& loop, const Address& address,
                                                       DatagramHandler& handler) {
  auto impl = std::make_unique<Impl>(loop, handler);
  if (auto bound = impl->bind(address); !bound) return std::unexpected(bound.error());
  return std::unique_ptr<UvDatagrams>(new UvDatagrams(std::move(impl)));
}

void UvDatagrams::send(const Address& to, BytesView packet) {
  impl_->send(to, packet);
}
const Address& UvDatagrams::address() const {
  return impl_->address_;
}
const DatagramCounters& UvDatagrams::counters() const {
  return impl_->counters_;
}

}  // namespace coterie
