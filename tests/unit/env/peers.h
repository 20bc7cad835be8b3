#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/wire/codec.h"
#include "tests/unit/env/sides.h"

namespace coterie::test {

/// Writes down what happens on a transport's connections; hooks run after that.
struct Recorder final : TransportHandler {
  void on_open(ConnectionId connection, const wire::Hello& theirs) override {
    opened.push_back(connection);
    hellos.emplace_back(theirs);
    if (when_open) when_open(connection);
  }
  void on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body) override {
    CHECK(reinterpret_cast<std::uintptr_t>(body.data()) % 8 == 0);
    CHECK(body.size() == header.body_bytes);
    frames.push_back({connection, header, Bytes(body)});
    if (when_frame) when_frame(frames.back().connection);
  }
  void on_closed(ConnectionId connection, const Error& why) override {
    closed.emplace(connection, why);
    if (when_closed) when_closed(connection);
  }

  struct Frame {
    ConnectionId connection;
    wire::FrameHeader header;
    Bytes body;
  };
  std::vector<ConnectionId> opened;
  std::vector<OwnedHello> hellos;
  std::vector<Frame> frames;
  std::map<ConnectionId, Error> closed;
  std::function<void(ConnectionId)> when_open;
  std::function<void(ConnectionId)> when_frame;
  std::function<void(ConnectionId)> when_closed;
};

inline wire::Hello hello_of(std::uint64_t node) {
  return {.role = wire::Role::peer,
          .cluster = {},
          .node = {.high = 7, .low = node},
          .run = {node},
          .shard = {3},
          .shards = 4,
          .build = "test build"};
}

/// A frame as long as wanted (a multiple of 8), its body filled with `fill`.
inline Bytes frame_of(std::uint64_t request_id, std::size_t body_bytes, char fill = 'x') {
  Bytes frame(wire::header_bytes + body_bytes, fill);
  wire::encode_header({.kind = wire::Kind::get,
                       .request_id = request_id,
                       .deadline_ms = 9,
                       .body_bytes = static_cast<std::uint32_t>(body_bytes)},
                      frame.data());
  return frame;
}

/// A transport that listens and one that dials it.
template <class Side>
struct Peers {
  explicit Peers(UvTransport::Options options = {}, UvListener::Options door = {})
      : server(side.make_transport(served, options)), client(side.make_transport(calls, options)) {
    auto made = side.listen(
        side.any_address(),
        [this](typename Side::Socket socket) {
          asked.push_back(socket.theirs);
          if (refusal.code != ErrorCode::internal) return refuse(std::move(socket), refusal);
          const auto adopted = server->adopt(std::move(socket), hello_of(1));
          if (adopted) accepted = *adopted;
        },
        door);
    REQUIRE(made.has_value());
    listener = std::move(*made);
  }

  /// Dials and waits until both sides are open.
  ConnectionId connect() {
    const std::size_t before = calls.opened.size();
    const std::size_t served_before = served.opened.size();
    const ConnectionId id = client->dial(listener->address(), hello_of(2));
    REQUIRE(side.until(
        [&] { return calls.opened.size() > before && served.opened.size() > served_before; }));
    return id;
  }

  Side side;
  Recorder served;
  Recorder calls;
  std::unique_ptr<typename Side::TransportType> server;
  std::unique_ptr<typename Side::TransportType> client;
  std::unique_ptr<typename Side::Listener> listener;
  std::vector<OwnedHello> asked;
  Error refusal;  // internal: none
  ConnectionId accepted;
};

}  // namespace coterie::test
