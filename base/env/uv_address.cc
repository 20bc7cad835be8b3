#include "base/env/uv_address.h"

#include <array>
#include <cstring>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COTERIE_THREAD_SANITIZER
#include <sanitizer/linux_syscall_hooks.h>

extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);
#endif
#endif

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

// libuv closes by the raw system call. Untold of it, the thread sanitizer takes the number's next
// use, by another thread and through a call that it does not watch (openat), for a race. It must
// hear before another thread can have the number, and so not see what uv_close() itself does.
void close(uv_handle_t* of, uv_close_cb on_closed) {
#ifdef COTERIE_THREAD_SANITIZER
  uv_os_fd_t fd = -1;
  if (uv_fileno(of, &fd) == 0) __sanitizer_syscall_pre_close(fd);
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  uv_close(of, on_closed);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
#else
  uv_close(of, on_closed);
#endif
}

}  // namespace coterie::uv
