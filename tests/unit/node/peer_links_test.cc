#include "node/peer_links.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/unit/node/hand_time.h"
#include "tests/unit/node/noting_transport.h"
#include "tests/unit/node/samples.h"

namespace coterie::peer_links_test {

using namespace std::chrono_literals;

namespace {

std::shared_ptr<const RingView> view(wire::Liveness liveness = wire::Liveness::alive) {
  auto out = std::make_shared<RingView>();
  out->epoch = sample_epoch();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    PeerView peer{.node = node_id(i), .liveness = liveness};
    peer.meta.peer = {.host = "127.0.0.1", .port = static_cast<std::uint16_t>(7000 + i)};
    peer.meta.shards = 2;
    out->peers.push_back(peer);
  }
  return out;
}

struct World {
  HandClock clock;
  NotingTransport transport;
  PeerLinks links{clock, Random(1), [](ShardIndex theirs) { return wire::Hello{.shard = theirs}; }};
  PeerLinks::Target two{.node = node_id(2), .shard = ShardIndex{1}};

  World() {
    links.attach(transport);
    links.set_view(view());
  }
  void open(std::uint64_t connection, NodeId node) {
    links.on_open(NotingTransport::link(connection), wire::Hello{.node = node});
  }
};

}  // namespace

TEST_CASE("a link is dialled once, to the shard that is wanted") {
  World world;
  CHECK(world.links.send(world.two, "a"));
  CHECK(world.links.send(world.two, "b"));
  REQUIRE(world.transport.dialled.size() == 1);
  CHECK(world.transport.dialled[0].first == Address{.host = "127.0.0.1", .port = 7002});
  CHECK(world.transport.dialled[0].second == ShardIndex{1});
  CHECK(world.transport.sent_to(NotingTransport::link(1)) == std::vector<Bytes>{"a", "b"});
  CHECK_FALSE(world.links.is_connected(node_id(2)));
  world.open(1, node_id(2));
  CHECK(world.links.is_connected(node_id(2)));
}

TEST_CASE("a lost link is not dialled again before its back-off, which grows") {
  World world;
  Duration before{0};
  for (std::uint64_t loss = 1; loss <= 5; ++loss) {
    REQUIRE(world.links.send(world.two, "a"));
    world.links.on_closed(NotingTransport::link(loss));
    CHECK(world.links.take_lost() == std::vector{world.two});
    CHECK_FALSE(world.links.is_reachable(node_id(2)));
    CHECK_FALSE(world.links.send(world.two, "b"));
    const Instant lost = world.clock.time;
    while (!world.links.is_reachable(node_id(2))) world.clock.time += 1ms;
    const Duration waited = world.clock.time - lost;
    CHECK(waited * 2 >= before);
    CHECK(waited <= 2s);
    before = waited;
  }
  CHECK(before >= 300ms);
}

TEST_CASE("a node that is alive again is dialled at once") {
  World world;
  REQUIRE(world.links.send(world.two, "a"));
  world.links.on_closed(NotingTransport::link(1));
  world.links.set_view(view(wire::Liveness::dead));
  CHECK_FALSE(world.links.send(world.two, "b"));
  world.links.set_view(view());
  CHECK(world.links.send(world.two, "b"));
}

TEST_CASE("a link that another node answers is closed") {
  World world;
  REQUIRE(world.links.send(world.two, "a"));
  world.open(1, node_id(3));
  CHECK(world.transport.closed == std::vector<ConnectionId>{NotingTransport::link(1)});
  CHECK_FALSE(world.links.is_reachable(node_id(2)));
}

TEST_CASE("nothing is sent to a node without an address") {
  World world;
  CHECK_FALSE(world.links.send({.node = node_id(9), .shard = ShardIndex{0}}, "a"));
  CHECK_FALSE(world.links.is_reachable(node_id(9)));
  CHECK_FALSE(world.links.shard_of(node_id(9), PartitionId{1}));
  CHECK(world.links.shard_of(node_id(2), PartitionId{5})->shard == ShardIndex{1});
}

TEST_CASE("a dead node's silent link is given up, and frames do not pile up for it") {
  World world;
  REQUIRE(world.links.send(world.two, "a"));
  world.open(1, node_id(2));
  world.links.set_view(view(wire::Liveness::dead));
  CHECK(world.links.send(world.two, "b"));
  world.clock.time += 2s;
  CHECK_FALSE(world.links.send(world.two, "c"));
  CHECK(world.transport.closed == std::vector<ConnectionId>{NotingTransport::link(1)});
  CHECK(world.links.take_lost() == std::vector{world.two});
  CHECK_FALSE(world.links.is_reachable(node_id(2)));
  world.clock.time += 2s;
  CHECK_FALSE(world.links.send(world.two, "d"));
  CHECK(world.transport.dialled.size() == 2);
  CHECK(world.transport.sent_to(NotingTransport::link(2)).empty());
}

TEST_CASE("one that answers is used, whatever gossip says") {
  World world;
  REQUIRE(world.links.send(world.two, "a"));
  world.open(1, node_id(2));
  world.links.set_view(view(wire::Liveness::dead));
  for (int i = 0; i < 5; ++i) {
    world.clock.time += 900ms;
    world.links.on_heard(NotingTransport::link(1));
    CHECK(world.links.send(world.two, "b"));
  }
  CHECK(world.links.is_reachable(node_id(2)));
}

TEST_CASE("what was cut off is dialled anew when it is alive again") {
  World world;
  REQUIRE(world.links.send(world.two, "a"));
  world.open(1, node_id(2));
  world.links.set_view(view(wire::Liveness::dead));
  world.clock.time += 5s;
  world.links.set_view(view());
  CHECK(world.transport.closed == std::vector<ConnectionId>{NotingTransport::link(1)});
  CHECK(world.links.take_lost() == std::vector{world.two});
  CHECK(world.links.send(world.two, "b"));
  CHECK(world.transport.sent.back() == std::pair{NotingTransport::link(2), Bytes("b")});
}

TEST_CASE("a link of the living that answers nothing is given up, an idle one is not") {
  World world;
  REQUIRE(world.links.send(world.two, "a"));
  world.open(1, node_id(2));
  world.clock.time += 60s;
  CHECK(world.links.send(world.two, "b"));
  world.clock.time += 2s;
  CHECK(world.links.send(world.two, "c"));
  world.links.on_heard(NotingTransport::link(1));
  world.clock.time += 2s;
  CHECK(world.links.send(world.two, "d"));
  CHECK(world.transport.closed.empty());
  world.clock.time += 4s;
  CHECK_FALSE(world.links.send(world.two, "e"));
  CHECK(world.transport.closed == std::vector<ConnectionId>{NotingTransport::link(1)});
  CHECK(world.links.take_lost() == std::vector{world.two});
}

TEST_CASE("a dial that nobody answers is given up") {
  World world;
  REQUIRE(world.links.send(world.two, "a"));
  world.clock.time += 4s;
  CHECK_FALSE(world.links.send(world.two, "b"));
  CHECK(world.links.take_lost() == std::vector{world.two});
}

TEST_CASE("a node that says go away gets nothing new, and is dialled once it has gone") {
  World world;
  REQUIRE(world.links.send(world.two, "a"));
  world.open(1, node_id(2));
  world.links.on_go_away(NotingTransport::link(1));
  CHECK_FALSE(world.links.send(world.two, "b"));
  CHECK_FALSE(world.links.is_reachable(node_id(2)));
  CHECK_FALSE(world.links.is_connected(node_id(2)));
  CHECK(world.transport.closed.empty());  // what was asked is still answered
  SUBCASE("by itself") {
    world.links.on_closed(NotingTransport::link(1));
  }
  SUBCASE("or not, in time") {
    world.clock.time += 5s;
    CHECK_FALSE(world.links.send(world.two, "b"));
    CHECK(world.transport.closed == std::vector<ConnectionId>{NotingTransport::link(1)});
  }
  CHECK(world.links.take_lost() == std::vector{world.two});
  world.clock.time += 3s;
  CHECK(world.links.is_reachable(node_id(2)));
  CHECK(world.links.send(world.two, "c"));
  CHECK(world.transport.dialled.size() == 2);
}

}  // namespace coterie::peer_links_test
