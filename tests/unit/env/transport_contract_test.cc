#include "tests/unit/env/peers.h"

namespace coterie::test {

using namespace std::chrono_literals;

TEST_CASE_TEMPLATE("transport: hellos both ways, then frames in order both ways", Side, RealSide,
                   SimulatedSide) {
  Peers<Side> peers;
  CHECK(peers.listener->address().port != 0);
  const ConnectionId id = peers.connect();
  REQUIRE(peers.asked.size() == 1);
  CHECK(peers.asked[0].view().node == hello_of(2).node);
  CHECK(peers.served.hellos.at(0).view().node == hello_of(2).node);
  CHECK(peers.served.hellos.at(0).view().shard == ShardIndex{3});
  CHECK(peers.calls.hellos.at(0).view().node == hello_of(1).node);
  CHECK(peers.calls.hellos.at(0).view().build == "test build");
  CHECK(peers.calls.opened == std::vector{id});
  CHECK(peers.served.opened == std::vector{peers.accepted});
  for (std::uint64_t i = 0; i < 10; ++i) {
    CHECK(peers.client->send(id, frame_of(i, 8 * i)));
    CHECK(peers.server->send(peers.accepted, frame_of(100 + i, 16)));
  }
  REQUIRE(peers.side.until(
      [&] { return peers.calls.frames.size() == 10 && peers.served.frames.size() == 10; }));
  for (std::uint64_t i = 0; i < 10; ++i) {
    const auto& frame = peers.served.frames[i];
    CHECK(frame.connection == peers.accepted);
    CHECK(frame.header.request_id == i);
    CHECK(frame.header.kind == wire::Kind::get);
    CHECK(frame.header.deadline_ms == 9);
    CHECK(frame.body == Bytes(8 * i, 'x'));
    CHECK(peers.calls.frames[i].header.request_id == 100 + i);
  }
  CHECK(peers.client->counters().frames_in == 11);
  CHECK(peers.client->counters().frames_out == 11);
  CHECK(peers.side.until([&] { return peers.client->queued_bytes(id) == 0; }));
}

TEST_CASE_TEMPLATE("transport: frames may be sent before it is open", Side, RealSide,
                   SimulatedSide) {
  Peers<Side> peers;
  peers.served.when_open = [&](ConnectionId id) { CHECK(peers.server->send(id, frame_of(7, 8))); };
  const ConnectionId id = peers.client->dial(peers.listener->address(), hello_of(2));
  CHECK(peers.calls.opened.empty());
  CHECK(peers.client->send(id, frame_of(1, 16)));
  CHECK(peers.client->queued_bytes(id) == wire::header_bytes + 16);
  REQUIRE(peers.side.until(
      [&] { return peers.served.frames.size() == 1 && peers.calls.frames.size() == 1; }));
  CHECK(peers.served.frames[0].header.request_id == 1);
  CHECK(peers.calls.frames[0].header.request_id == 7);
}

TEST_CASE_TEMPLATE("transport: nobody there is on_closed, not from within dial", Side, RealSide,
                   SimulatedSide) {
  Peers<Side> peers;
  const Address gone = peers.listener->address();
  peers.listener.reset();
  const ConnectionId id = peers.client->dial(gone, hello_of(2));
  CHECK(peers.calls.closed.empty());
  CHECK(peers.client->send(id, frame_of(1, 8)));
  REQUIRE(peers.side.until([&] { return peers.calls.closed.contains(id); }));
  CHECK(peers.calls.closed.at(id).code == ErrorCode::io);
  CHECK(peers.calls.closed.at(id).message.find(gone.text()) != std::string::npos);
  CHECK_FALSE(peers.client->send(id, frame_of(2, 8)));
  CHECK(peers.client->counters().dials_failed == 1);
  CHECK(peers.client->counters().sends_refused == 1);
  CHECK(peers.client->connections() == 0);
}

TEST_CASE_TEMPLATE("transport: close is heard by the other side only, after what was sent", Side,
                   RealSide, SimulatedSide) {
  Peers<Side> peers;
  const ConnectionId id = peers.connect();
  CHECK(peers.client->send(id, frame_of(1, 8)));
  peers.client->close(id);
  peers.client->close(id);
  CHECK_FALSE(peers.client->send(id, frame_of(2, 8)));
  CHECK(peers.client->queued_bytes(id) == 0);
  peers.client->pause_reading(id, true);
  REQUIRE(peers.side.until([&] { return peers.served.closed.contains(peers.accepted); }));
  CHECK(peers.served.frames.size() == 1);
  CHECK(peers.served.closed.at(peers.accepted).code == ErrorCode::closed);
  CHECK(peers.calls.closed.empty());
  CHECK_FALSE(peers.server->send(peers.accepted, frame_of(3, 8)));
}

TEST_CASE_TEMPLATE("transport: a dial that is closed at once opens nothing here", Side, RealSide,
                   SimulatedSide) {
  Peers<Side> peers;
  const ConnectionId id = peers.client->dial(peers.listener->address(), hello_of(2));
  peers.client->close(id);
  peers.connect();
  CHECK(peers.calls.opened.size() == 1);
  CHECK(peers.calls.closed.empty());
}

TEST_CASE_TEMPLATE("transport: ten thousand frames of one turn", Side, RealSide, SimulatedSide) {
  Peers<Side> peers;
  const ConnectionId id = peers.connect();
  const std::uint64_t writes_before = peers.client->counters().writes;
  for (std::uint64_t i = 0; i < 10000; ++i) REQUIRE(peers.client->send(id, frame_of(i, 40)));
  REQUIRE(peers.side.until([&] { return peers.served.frames.size() == 10000; }));
  for (std::uint64_t i = 0; i < 10000; ++i) {
    REQUIRE(peers.served.frames[i].header.request_id == i);
  }
  if constexpr (Side::is_real) CHECK(peers.client->counters().writes - writes_before < 100);
}

TEST_CASE_TEMPLATE("transport: a frame of 16 MiB between small ones", Side, RealSide,
                   SimulatedSide) {
  Peers<Side> peers;
  const ConnectionId id = peers.connect();
  const std::size_t size = 16 << 20;
  CHECK(peers.client->send(id, frame_of(1, 8)));
  CHECK(peers.client->send(id, frame_of(2, size, 'y')));
  CHECK(peers.client->send(id, frame_of(3, 8)));
  REQUIRE(peers.side.until([&] { return peers.served.frames.size() == 3; }));
  CHECK(peers.served.frames[1].body == Bytes(size, 'y'));
  CHECK(peers.served.frames[2].header.request_id == 3);
}

TEST_CASE_TEMPLATE("transport: a paused connection hands out nothing, then all", Side, RealSide,
                   SimulatedSide) {
  Peers<Side> peers;
  const ConnectionId id = peers.connect();
  // Pauses in the middle of what one read brought.
  peers.served.when_frame = [&](ConnectionId connection) {
    if (peers.served.frames.size() == 2) peers.server->pause_reading(connection, true);
  };
  for (std::uint64_t i = 0; i < 6; ++i) CHECK(peers.client->send(id, frame_of(i, 8)));
  REQUIRE(peers.side.until([&] { return peers.served.frames.size() == 2; }));
  bool is_over = false;
  peers.side.timers().start(20ms, [&] { is_over = true; });
  REQUIRE(peers.side.until([&] { return is_over; }));
  CHECK(peers.served.frames.size() == 2);
  peers.server->pause_reading(peers.accepted, false);
  CHECK(peers.served.frames.size() == 2);
  REQUIRE(peers.side.until([&] { return peers.served.frames.size() == 6; }));
  for (std::uint64_t i = 0; i < 6; ++i) CHECK(peers.served.frames[i].header.request_id == i);
}

TEST_CASE_TEMPLATE("transport: pausing before it is open keeps the frames, not the hello", Side,
                   RealSide, SimulatedSide) {
  Peers<Side> peers({.queue_bytes = 1 << 20});
  const ConnectionId id = peers.client->dial(peers.listener->address(), hello_of(2));
  peers.client->pause_reading(id, true);
  REQUIRE(peers.side.until([&] { return peers.calls.opened.size() == 1; }));
  // Nothing is read, so the other side's queue fills.
  std::uint64_t sent = 0;
  int idle = 0;
  std::function<void()> fill = [&] {
    const std::uint64_t before = sent;
    while (sent < 2000 && peers.server->send(peers.accepted, frame_of(sent, 64 << 10))) ++sent;
    idle = sent == before ? idle + 1 : 0;
    peers.side.timers().start(2ms, [&] { fill(); });
  };
  fill();
  REQUIRE(peers.side.until([&] { return idle >= 10; }));
  CHECK(sent < 2000);
  CHECK(peers.calls.frames.empty());
  peers.client->pause_reading(id, false);
  CHECK(peers.side.until([&] { return peers.calls.frames.size() == sent; }));
}

TEST_CASE_TEMPLATE("transport: a queue over its bound refuses until it has drained", Side, RealSide,
                   SimulatedSide) {
  Peers<Side> peers({.queue_bytes = 1 << 20});
  const ConnectionId id = peers.connect();
  peers.server->pause_reading(peers.accepted, true);
  std::uint64_t sent = 0;
  const Bytes frame = frame_of(0, 64 << 10);
  const auto fill = [&] {
    while (sent < 2000 && peers.client->send(id, frame)) ++sent;
  };
  // The system's own buffers fill first.
  const bool is_full = peers.side.until([&] {
    fill();
    return peers.client->queued_bytes(id) > (1 << 20) && sent > 15;
  });
  REQUIRE(is_full);
  CHECK(sent < 2000);
  CHECK(peers.client->queued_bytes(id) <= (1 << 20) + frame.size());
  peers.server->pause_reading(peers.accepted, false);
  REQUIRE(peers.side.until([&] { return peers.served.frames.size() >= sent; }));
  CHECK(peers.client->send(id, frame));
  CHECK(peers.side.until([&] { return peers.served.frames.size() == sent + 1; }));
}

TEST_CASE_TEMPLATE("transport: what is no frame closes the connection and is counted", Side,
                   RealSide, SimulatedSide) {
  struct Sample {
    Bytes bytes;
    ErrorCode code;
  };
  Bytes huge = frame_of(1, 8);
  wire::encode_header({.kind = wire::Kind::get, .body_bytes = 40 << 20}, huge.data());
  Bytes unknown = frame_of(1, 8);
  wire::encode_header({.kind = wire::Kind{999}, .body_bytes = 8}, unknown.data());
  Bytes large = frame_of(1, 8);
  wire::encode_header({.kind = wire::Kind::get, .body_bytes = 2 << 20}, large.data());
  for (const Sample& sample :
       {Sample{Bytes(100, 'g'), ErrorCode::corrupt}, Sample{huge, ErrorCode::too_large},
        Sample{unknown, ErrorCode::unsupported_version}, Sample{large, ErrorCode::too_large}}) {
    Peers<Side> peers({.frame_bytes = 1 << 20});
    const ConnectionId id = peers.connect();
    CHECK(peers.client->send(id, frame_of(1, 8)));
    CHECK(peers.client->send(id, sample.bytes));
    CHECK(peers.client->send(id, frame_of(2, 8)));
    REQUIRE(peers.side.until([&] { return peers.served.closed.contains(peers.accepted); }));
    CHECK(peers.served.closed.at(peers.accepted).code == sample.code);
    CHECK(peers.served.frames.size() == 1);
    CHECK(peers.server->counters().frames_malformed == 1);
    REQUIRE(peers.side.until([&] { return peers.calls.closed.contains(id); }));
    peers.connect();
  }
}

TEST_CASE_TEMPLATE("transport: handlers may send, close and dial from within", Side, RealSide,
                   SimulatedSide) {
  Peers<Side> peers;
  // Echoes two, then closes in the middle of the third.
  peers.served.when_frame = [&](ConnectionId id) {
    if (peers.served.frames.size() == 3) return peers.server->close(id);
    CHECK(peers.server->send(id, frame_of(50, 8)));
  };
  // Dials again as soon as it is closed, and closes the next from within on_open.
  peers.calls.when_closed = [&](ConnectionId) {
    peers.calls.when_open = [&](ConnectionId id) { peers.client->close(id); };
    peers.client->dial(peers.listener->address(), hello_of(2));
  };
  const ConnectionId id = peers.connect();
  for (std::uint64_t i = 0; i < 5; ++i) CHECK(peers.client->send(id, frame_of(i, 8)));
  REQUIRE(peers.side.until(
      [&] { return peers.calls.opened.size() == 2 && peers.served.closed.size() == 1; }));
  CHECK(peers.served.frames.size() == 3);
  CHECK(peers.calls.closed.size() == 1);
  CHECK(peers.client->connections() == 0);
}

TEST_CASE_TEMPLATE("transport: a refusal reaches the dialling side in words", Side, RealSide,
                   SimulatedSide) {
  Peers<Side> peers;
  peers.refusal = {.code = ErrorCode::refused, .message = "another cluster", .retry_after_ms = 70};
  const ConnectionId id = peers.client->dial(peers.listener->address(), hello_of(2));
  REQUIRE(peers.side.until([&] { return peers.calls.closed.contains(id); }));
  const Error& why = peers.calls.closed.at(id);
  CHECK(why.code == ErrorCode::refused);
  CHECK(why.message.find("another cluster") != std::string::npos);
  CHECK(why.retry_after_ms == 70);
  CHECK(peers.calls.opened.empty());
}

TEST_CASE_TEMPLATE("transport: a side that takes no part in the hello is given up", Side, RealSide,
                   SimulatedSide) {
  Peers<Side> peers({.connect_timeout = 50ms, .hello_timeout = 50ms});
  std::vector<typename Side::Socket> kept;
  auto silent = peers.side.listen(peers.side.any_address(), [&](typename Side::Socket socket) {
    kept.push_back(std::move(socket));
  });
  REQUIRE(silent.has_value());
  const ConnectionId id = peers.client->dial((*silent)->address(), hello_of(2));
  REQUIRE(peers.side.until([&] { return peers.calls.closed.contains(id); }));
  CHECK(peers.calls.closed.at(id).code == ErrorCode::closed);
  CHECK(peers.client->counters().dials_failed == 1);
  // Adopting what has gone meanwhile ends the same way for the adopter.
  REQUIRE(kept.size() == 1);
  const auto adopted = peers.server->adopt(std::move(kept[0]), hello_of(1));
  if (adopted) {
    CHECK(peers.side.until([&] { return peers.served.closed.contains(*adopted); }));
  } else {
    CHECK(adopted.error().code == ErrorCode::io);
  }
}

TEST_CASE_TEMPLATE("listener: two doors cannot have one address", Side, RealSide, SimulatedSide) {
  Side side;
  const auto ignore = [](typename Side::Socket) {};
  auto first = side.listen(side.any_address(), ignore);
  REQUIRE(first.has_value());
  const auto second = side.listen((*first)->address(), ignore);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == ErrorCode::io);
  CHECK(second.error().message.find((*first)->address().text()) != std::string::npos);
}

}  // namespace coterie::test
