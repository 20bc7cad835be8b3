#include <set>

#include "tests/unit/env/sides.h"

namespace coterie::test {

namespace {

struct Receiver final : DatagramHandler {
  void on_datagram(const Address& from, BytesView packet) override {
    packets.emplace(packet);
    last_from = from;
  }
  std::multiset<Bytes> packets;
  Address last_from;
};

}  // namespace

TEST_CASE_TEMPLATE("datagrams: arrive whole, with their sender's address", Side, RealSide,
                   SimulatedSide) {
  Side side;
  Receiver here;
  Receiver there;
  auto a = side.open_datagrams(here, side.any_address());
  auto b = side.open_datagrams(there, side.any_address());
  REQUIRE(a.has_value());
  REQUIRE(b.has_value());
  CHECK((*a)->address().port != 0);
  CHECK((*a)->address() != (*b)->address());
  const std::multiset<Bytes> packets{Bytes("one"), Bytes("\0two", 4), Bytes(1400, 'x')};
  for (const Bytes& packet : packets) (*a)->send((*b)->address(), packet);
  REQUIRE(side.until([&] { return there.packets.size() == 3; }));
  CHECK(there.packets == packets);
  CHECK(there.last_from == (*a)->address());
  (*b)->send(there.last_from, "answer");
  REQUIRE(side.until([&] { return !here.packets.empty(); }));
  CHECK(here.packets == std::multiset<Bytes>{"answer"});
}

TEST_CASE_TEMPLATE("datagrams: to nobody, to no address, too long: lost, and the rest goes on",
                   Side, RealSide, SimulatedSide) {
  Side side;
  Receiver handler;
  auto a = side.open_datagrams(handler, side.any_address());
  REQUIRE(a.has_value());
  Address gone;
  {
    auto b = side.open_datagrams(handler, side.any_address());
    gone = (*b)->address();
  }
  (*a)->send(gone, "to nobody");
  (*a)->send({.host = "no address", .port = 1}, "to nowhere");
  (*a)->send((*a)->address(), Bytes(70000, 'x'));
  (*a)->send((*a)->address(), "to itself");
  REQUIRE(side.until([&] { return !handler.packets.empty(); }));
  CHECK(handler.packets == std::multiset<Bytes>{"to itself"});
}

TEST_CASE_TEMPLATE("datagrams: an address is bound once", Side, RealSide, SimulatedSide) {
  Side side;
  Receiver handler;
  auto a = side.open_datagrams(handler, side.any_address());
  REQUIRE(a.has_value());
  const auto b = side.open_datagrams(handler, (*a)->address());
  REQUIRE_FALSE(b.has_value());
  CHECK(b.error().code == ErrorCode::io);
  CHECK(b.error().message.find((*a)->address().text()) != std::string::npos);
}

}  // namespace coterie::test
