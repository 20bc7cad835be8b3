#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

#include "base/env/file_descriptor.h"
#include "base/env/system.h"
#include "base/random.h"
#include "bench/probe.h"
#include "bench/server_process.h"

namespace coterie::bench {
namespace {

constexpr std::uint16_t lowest_port = 10'000;
constexpr int tries_most = 10'000;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

FileDescriptor bound(int type, std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  return socket;
}

/// The first that the kernel gives to whoever names none.
std::uint16_t kernels_first_port() {
  std::ifstream in("/proc/sys/net/ipv4/ip_local_port_range");
  unsigned first = 0;
  return in >> first && first <= 65535 ? static_cast<std::uint16_t>(first) : 32768;
}

}  // namespace

Result<std::vector<std::uint16_t>> free_ports(std::size_t count) {
  std::vector<std::uint16_t> ports;
  std::vector<FileDescriptor> held;  // so that no port is found twice
  Random random(random_bits());
  const std::uint16_t end = std::max<std::uint16_t>(kernels_first_port(), lowest_port + 1000);
  for (int i = 0; i < tries_most && ports.size() < count; ++i) {
    const auto port = static_cast<std::uint16_t>(lowest_port + random.below(end - lowest_port));
    FileDescriptor tcp = bound(SOCK_STREAM, port);
    FileDescriptor udp = bound(SOCK_DGRAM, port);
    if (!tcp.is_open() || !udp.is_open()) continue;
    ports.push_back(port);
    held.push_back(std::move(tcp));
    held.push_back(std::move(udp));
  }
  if (ports.size() < count) return fail(ErrorCode::io, "there are not enough free ports");
  return ports;
}

bool accepts(std::uint16_t port) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::optional<std::string> http_get(std::uint16_t port, const std::string& path) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_in address = loopback(port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return std::nullopt;
  }
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return std::nullopt;
  }
  std::string answer;
  std::array<char, 4096> buffer;
  for (ssize_t got = 0; (got = ::recv(socket.get(), buffer.data(), buffer.size(), 0)) > 0;) {
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (!answer.starts_with("HTTP/1.1 200")) return std::nullopt;
  const auto blank = answer.find("\r\n\r\n");
  return blank == std::string::npos ? std::string() : answer.substr(blank + 4);
}

}  // namespace coterie::bench
