#include "base/env/uv_address.h"

#include <array>
#include <cstring>

namespace coterie::uv {

std::optional<sockaddr_storage> to_socket_address(const Address& address) {
  sockaddr_storage storage{};
  const char* host = address.host.c_str();
  if (uv_ip4_addr(host, address.port, reinterpret_cast<sockaddr_in*>(&storage)) == 0 ||
      uv_ip6_addr(host, address.port, reinterpret_cast<sockaddr_in6*>(&storage)) == 0) {
    return storage;
  }
  return std::nullopt;
}

Address from_socket_address(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (uv_ip_name(address, text.data(), text.size()) != 0) return {};
  std::uint16_t port = 0;  // both families keep it in the same place
  std::memcpy(&port, address->sa_data, sizeof port);
  return Address{.host = text.data(), .port = ntohs(port)};
}

Error error(ErrorCode code, int status, const std::string& what) {
  return Error{.code = code, .message = what + ": " + uv_strerror(status)};
}

}  // namespace coterie::uv
