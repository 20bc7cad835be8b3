#include "tests/unit/env/peers.h"
#include "tests/unit/env/raw_client.h"

// What the real sockets meet that no well-behaved transport sends.
namespace coterie::test {

using namespace std::chrono_literals;

TEST_CASE("listener: a first frame that is no hello closes and is counted") {
  Bytes version_9 = wire::encode(wire::Hello{.version = 9, .version_oldest = 9, .build = {}});
  Bytes long_hello = frame_of(1, 8000);
  wire::encode_header({.kind = wire::Kind::hello, .body_bytes = 8000}, long_hello.data());
  Bytes empty_hello = frame_of(1, 64, '\xff');
  wire::encode_header({.kind = wire::Kind::hello, .body_bytes = 64}, empty_hello.data());
  for (const Bytes& bytes : {Bytes(24, 'g'), Bytes("GET / HTTP/1.1\r\nHost: here\r\n\r\n"),
                             frame_of(1, 8), long_hello.substr(0, 24), empty_hello, version_9}) {
    Peers<RealSide> peers;
    RawClient client(peers.listener->address());
    client.say(bytes);
    REQUIRE(peers.side.until([&] { return peers.listener->counters().malformed == 1; }));
    CHECK(peers.side.until([&] { return client.is_closed(); }));
    CHECK(peers.asked.empty());
    CHECK(peers.listener->counters().accepted == 1);
    peers.connect();  // others are served
    CHECK(peers.listener->counters().greeted == 1);
  }
}

TEST_CASE("listener: a hello of an unknown version is answered with words") {
  Peers<RealSide> peers;
  RawClient client(peers.listener->address());
  client.say(wire::encode(wire::Hello{.version = 9, .version_oldest = 9, .build = {}}));
  Bytes heard;
  REQUIRE(peers.side.until([&] {
    heard += client.hear();
    return heard.size() > wire::header_bytes;
  }));
  CHECK(wire::decode_header(heard)->kind == wire::Kind::error);
  const auto why = wire::decode<wire::ErrorReply>(BytesView(heard).substr(wire::header_bytes));
  REQUIRE(why.has_value());
  CHECK(why->code == ErrorCode::unsupported_version);
}

TEST_CASE("listener: a hello in single bytes, with frames right behind it") {
  Peers<RealSide> peers;
  RawClient client(peers.listener->address());
  const Bytes hello = wire::encode(hello_of(5));
  for (std::size_t i = 0; i + 1 < hello.size(); ++i) {
    client.say(BytesView(hello).substr(i, 1));
    if (i % 16 == 0) peers.side.loop().turn(1ms);
  }
  CHECK(peers.asked.empty());
  const Bytes cut = frame_of(3, 32);
  client.say(hello.substr(hello.size() - 1) + frame_of(1, 8) + frame_of(2, 16) + cut.substr(0, 30));
  REQUIRE(peers.side.until([&] { return peers.served.frames.size() == 2; }));
  CHECK(peers.served.opened.size() == 1);
  client.say(cut.substr(30));
  REQUIRE(peers.side.until([&] { return peers.served.frames.size() == 3; }));
  CHECK(peers.served.frames[2].header.request_id == 3);
}

TEST_CASE("listener: who says nothing is closed, who leaves is forgotten") {
  Peers<RealSide> peers({}, {.hello_timeout = 30ms});
  RawClient silent(peers.listener->address());
  RawClient half(peers.listener->address());
  half.say(wire::encode(hello_of(5)).substr(0, 40));
  RawClient leaving(peers.listener->address());
  leaving.close();
  REQUIRE(peers.side.until([&] { return peers.listener->counters().silent == 2; }));
  CHECK(peers.side.until([&] { return silent.is_closed() && half.is_closed(); }));
  CHECK(peers.side.until([&] { return peers.listener->counters().gone == 1; }));
  CHECK(peers.asked.empty());
}

TEST_CASE("listener: half-open connections are bounded, and the oldest go") {
  Peers<RealSide> peers({}, {.half_open = 3});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<RawClient>(peers.listener->address()));
  }
  REQUIRE(peers.side.until([&] { return peers.listener->counters().crowded_out == 2; }));
  CHECK(peers.side.until([&] { return clients[0]->is_closed() && clients[1]->is_closed(); }));
  CHECK_FALSE(clients[4]->is_closed());
  peers.connect();
}

TEST_CASE("listener: its end closes those that have not said hello") {
  Peers<RealSide> peers;
  RawClient client(peers.listener->address());
  REQUIRE(peers.side.until([&] { return peers.listener->counters().accepted == 1; }));
  peers.listener.reset();
  CHECK(peers.side.until([&] { return client.is_closed(); }));
}

TEST_CASE("listener: addresses that cannot be had") {
  RealSide side;
  for (const Address& address :
       {Address{.host = "192.0.2.1", .port = 0}, Address{.host = "some.name", .port = 1}}) {
    const auto listener = side.listen(address, [](GreetedSocket) {});
    REQUIRE_FALSE(listener.has_value());
    CHECK(listener.error().message.find(address.text()) != std::string::npos);
  }
}

TEST_CASE("transport: half a frame and then the end") {
  Peers<RealSide> peers;
  RawClient client(peers.listener->address());
  client.say(wire::encode(hello_of(5)) + frame_of(1, 1000).substr(0, 500));
  REQUIRE(peers.side.until([&] { return peers.served.opened.size() == 1; }));
  client.close();
  REQUIRE(peers.side.until([&] { return peers.served.closed.size() == 1; }));
  CHECK(peers.served.frames.empty());
  const Error& why = peers.served.closed.begin()->second;
  CHECK(why.code == ErrorCode::closed);
  CHECK(why.message.find("middle of a frame") != std::string::npos);
}

TEST_CASE("transport: dialling what is no Coterie, or says no hello") {
  struct Sample {
    Bytes bytes;
    ErrorCode code;
    bool is_malformed;
  };
  for (const Sample& sample :
       {Sample{"220 mail.example ESMTP ready here\r\n", ErrorCode::corrupt, true},
        Sample{frame_of(1, 8), ErrorCode::corrupt, true},
        Sample{wire::encode(wire::Hello{.version = 9, .version_oldest = 9, .build = {}}),
               ErrorCode::unsupported_version, true},
        Sample{"", ErrorCode::closed, false}}) {
    RealSide side;
    Recorder calls;
    auto transport = side.make_transport(calls, {.hello_timeout = 50ms});
    RawServer server;
    const ConnectionId id = transport->dial(server.address(), hello_of(2));
    const FileDescriptor guest = server.accept_and_say(sample.bytes);
    REQUIRE(side.until([&] { return calls.closed.contains(id); }));
    CHECK(calls.closed.at(id).code == sample.code);
    CHECK(calls.closed.at(id).message.find(server.address().text()) != std::string::npos);
    CHECK(transport->counters().frames_malformed == (sample.is_malformed ? 1 : 0));
    CHECK(transport->counters().dials_failed == 1);
    CHECK(calls.opened.empty());
  }
}

TEST_CASE("transport: a name is resolved, and its addresses are tried in turn") {
  Peers<RealSide> peers;  // listens on 127.0.0.1 only; localhost may be ::1 first
  const ConnectionId id = peers.client->dial(
      {.host = "localhost", .port = peers.listener->address().port}, hello_of(2));
  REQUIRE(peers.side.until([&] { return peers.calls.opened.size() == 1; }));
  CHECK(peers.calls.opened[0] == id);
  const ConnectionId nowhere =
      peers.client->dial({.host = "no-such-host.invalid", .port = 1}, hello_of(2));
  REQUIRE(peers.side.until([&] { return peers.calls.closed.contains(nowhere); }));
  CHECK(peers.calls.closed.at(nowhere).message.find("no-such-host.invalid") != std::string::npos);
}

TEST_CASE("transport: its end in every state leaves nothing behind") {
  for (int turns = 0; turns < 8; ++turns) {
    Peers<RealSide> peers;
    const ConnectionId id = peers.client->dial(peers.listener->address(), hello_of(2));
    static_cast<void>(peers.client->dial({.host = "localhost", .port = 9}, hello_of(2)));
    CHECK(peers.client->send(id, frame_of(1, 4 << 20)));
    for (int i = 0; i < turns; ++i) peers.side.loop().turn(1ms);
    const std::size_t closed = peers.calls.closed.size();
    peers.client.reset();
    peers.server.reset();
    peers.listener.reset();
    peers.side.loop().turn(1ms);
    CHECK(peers.calls.closed.size() == closed);
  }
}

TEST_CASE("transport: writing to one that has reset is an error, not a signal") {
  Peers<RealSide> peers;
  auto client = std::make_unique<RawClient>(peers.listener->address());
  client->say(wire::encode(hello_of(5)));
  REQUIRE(peers.side.until([&] { return peers.served.opened.size() == 1; }));
  client.reset();
  peers.server->pause_reading(peers.accepted, true);  // so that only writing can notice
  CHECK(peers.side.until([&] {
    static_cast<void>(peers.server->send(peers.accepted, frame_of(1, 64 << 10)));
    return peers.served.closed.contains(peers.accepted);
  }));
  CHECK(peers.served.closed.at(peers.accepted).code == ErrorCode::closed);
}

}  // namespace coterie::test
