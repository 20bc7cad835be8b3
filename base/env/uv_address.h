#pragma once

#include <uv.h>

#include <optional>
#include <string>

#include "base/address.h"
#include "base/error.h"

// Between libuv's words and ours; for the uv_*.cc files only.
namespace coterie::uv {

/// Nothing if the host is no numeric address.
[[nodiscard]] std::optional<sockaddr_storage> to_socket_address(const Address& address);
[[nodiscard]] Address from_socket_address(const sockaddr* address);
/// "<what>: <libuv's words for `status`>".
[[nodiscard]] Error error(ErrorCode code, int status, const std::string& what);

[[nodiscard]] inline const sockaddr* generic(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// libuv's structs inherit by layout.
template <class Handle>
[[nodiscard]] uv_handle_t* handle(Handle* of) {
  return reinterpret_cast<uv_handle_t*>(of);
}
[[nodiscard]] inline uv_stream_t* stream(uv_tcp_t* of) {
  return reinterpret_cast<uv_stream_t*>(of);
}

/// uv_close(), also in the thread sanitizer's eyes.
void close(uv_handle_t* of, uv_close_cb on_closed);

/// Closes a handle whose `data` is the heap object that holds it, and then deletes that.
template <class Holder, class Handle>
void close_and_delete(Handle* of) {
  close(handle(of), [](uv_handle_t* closed) { delete static_cast<Holder*>(closed->data); });
}

}  // namespace coterie::uv
