#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>

#include "base/env/file_descriptor.h"
#include "base/env/system.h"
#include "bench/probe.h"

namespace coterie::bench {
namespace {

/// A TCP connection on loopback, both its ends in this process.
struct Pair {
  FileDescriptor client;
  FileDescriptor server;
};

void no_delay(const FileDescriptor& socket) {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Result<std::vector<Pair>> connect_pairs(std::size_t count) {
  const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (!listener.is_open() || ::bind(listener.get(), raw, size) != 0 ||
      ::listen(listener.get(), 1) != 0 || ::getsockname(listener.get(), raw, &size) != 0) {
    return io("listen");
  }
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < count; ++i) {
    Pair pair{.client = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
              .server = {}};
    if (!pair.client.is_open() || ::connect(pair.client.get(), raw, size) != 0) {
      return io("connect");
    }
    pair.server = FileDescriptor(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!pair.server.is_open()) return io("accept");
    no_delay(pair.client);
    no_delay(pair.server);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

/// The whole of it, on a blocking socket.
bool write_all(int socket, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(socket, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

FileDescriptor poll_of(const std::vector<Pair>& pairs, FileDescriptor Pair::*side) {
  FileDescriptor poll(::epoll_create1(EPOLL_CLOEXEC));
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    ::epoll_ctl(poll.get(), EPOLL_CTL_ADD, (pairs[i].*side).get(), &event);
  }
  return poll;
}

/// Calls `on_bytes(connection, bytes read)` with what has come; false when a connection has ended.
template <class OnBytes>
bool serve_once(const FileDescriptor& poll, const std::vector<Pair>& pairs,
                FileDescriptor Pair::*side, std::vector<char>& buffer, OnBytes on_bytes) {
  std::array<epoll_event, 64> events;
  const int ready = ::epoll_wait(poll.get(), events.data(), events.size(), 1000);
  for (int i = 0; i < ready; ++i) {
    const auto index = static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
    const ssize_t got = ::recv((pairs[index].*side).get(), buffer.data(), buffer.size(), 0);
    if (got <= 0 || !on_bytes(index, static_cast<std::size_t>(got))) return false;
  }
  return true;
}

void echo(const std::vector<Pair>& pairs) {
  const FileDescriptor poll = poll_of(pairs, &Pair::server);
  std::vector<char> buffer(1U << 16);
  while (serve_once(poll, pairs, &Pair::server, buffer, [&](std::size_t index, std::size_t size) {
    return write_all(pairs[index].server.get(), buffer.data(), size);
  })) {
  }
}

/// Keeps so many messages under way on each connection.
Result<ProbeResult> drive(const std::vector<Pair>& pairs, const EchoOptions& options) {
  struct Connection {
    std::deque<Instant> sent;
    std::size_t received_bytes = 0;  // of the first of them
  };
  const SystemClock clock;
  const std::string messages(options.message_bytes * options.pipeline, 'e');
  const FileDescriptor poll = poll_of(pairs, &Pair::client);
  std::vector<Connection> connections(pairs.size());
  std::vector<char> buffer(1U << 16);
  ProbeResult result;
  const Instant begun = clock.now();
  const auto send = [&](std::size_t index, std::size_t count) {
    connections[index].sent.insert(connections[index].sent.end(), count, clock.now());
    return write_all(pairs[index].client.get(), messages.data(), count * options.message_bytes);
  };
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!send(i, options.pipeline)) return io("send");
  }
  while (clock.now() - begun < options.duration) {
    const bool is_good =
        serve_once(poll, pairs, &Pair::client, buffer, [&](std::size_t index, std::size_t size) {
          Connection& connection = connections[index];
          connection.received_bytes += size;
          const std::size_t whole = connection.received_bytes / options.message_bytes;
          connection.received_bytes %= options.message_bytes;
          const Instant now = clock.now();
          for (std::size_t i = 0; i < whole; ++i) {
            result.latency.add(now - connection.sent.front());
            connection.sent.pop_front();
          }
          result.operations += whole;
          return whole == 0 || send(index, whole);
        });
    if (!is_good) return io("echo");
  }
  result.seconds = std::chrono::duration<double>(clock.now() - begun).count();
  return result;
}

}  // namespace

Result<ProbeResult> probe_echo(const EchoOptions& options) {
  // With all of it within what a socket buffers, neither side ever blocks the other in send().
  constexpr std::size_t in_progress_most = 64U << 10;
  if (options.message_bytes == 0 || options.pipeline == 0 || options.connections == 0 ||
      options.message_bytes * options.pipeline > in_progress_most) {
    return fail(ErrorCode::invalid_argument,
                "the messages in progress of a connection may have 1 to 65,536 bytes together");
  }
  const auto pairs = connect_pairs(options.connections);
  if (!pairs) return std::unexpected(pairs.error());
  std::jthread server([&pairs] { echo(*pairs); });
  auto result = drive(*pairs, options);
  for (const Pair& pair : *pairs) ::shutdown(pair.client.get(), SHUT_RDWR);
  return result;
}

}  // namespace coterie::bench
