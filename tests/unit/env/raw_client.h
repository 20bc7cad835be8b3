#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/env/file_descriptor.h"

namespace coterie::test {

/// A socket that says what it likes; blocking, for few bytes on loopback.
class RawClient {
 public:
  explicit RawClient(const Address& to) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    REQUIRE(::inet_pton(AF_INET, to.host.c_str(), &address.sin_addr) == 1);
    REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }

  void say(BytesView bytes) {
    REQUIRE(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  /// What has come by now.
  Bytes hear() {
    Bytes bytes(1 << 16, '\0');
    const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    is_closed_ = got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  /// Whether the other side has closed; drops what else has come.
  bool is_closed() {
    hear();
    return is_closed_;
  }
  void close() { fd_ = FileDescriptor(); }

 private:
  FileDescriptor fd_;
  bool is_closed_ = false;
};

/// Listens on loopback and takes connections one by one; blocking.
class RawServer {
 public:
  RawServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd_.get(), 5) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    address_ = {.host = "127.0.0.1", .port = ntohs(address.sin_port)};
  }
  [[nodiscard]] const Address& address() const { return address_; }
  /// Waits for a connection, and says `bytes` on it.
  [[nodiscard]] FileDescriptor accept_and_say(BytesView bytes) {
    FileDescriptor guest(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(guest.is_open());
    REQUIRE(::send(guest.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
    return guest;
  }

 private:
  FileDescriptor fd_;
  Address address_;
};

}  // namespace coterie::test
