#include <doctest/doctest.h>

#include <vector>

#include "base/wire/codec.h"
#include "tests/sim/env/clocks.h"
#include "tests/sim/env/datagrams.h"
#include "tests/sim/env/transport.h"
#include "tests/sim/env/worker.h"
#include "tests/unit/env/peers.h"

namespace coterie::test {

using namespace std::chrono_literals;
using sim::Crash;

namespace {

/// A node that echoes frames, and counts packets.
struct Node final : TransportHandler, DatagramHandler {
  Node(sim::SimWorld& the_world, sim::SimNetwork& the_network, sim::NodeIndex at)
      : world(the_world),
        network(the_network),
        index(at),
        transport(network, index, *this),
        timers(world, index),
        datagrams(*sim::SimDatagrams::open(
            network, index, {.host = sim::SimNetwork::host(index), .port = 7}, *this)),
        listener(*sim::SimListener::listen(
            network, index, {.host = sim::SimNetwork::host(index), .port = 7},
            [this](sim::SimSocket socket) {
              static_cast<void>(transport.adopt(std::move(socket), hello_of(index.value)));
            })) {}

  void on_open(ConnectionId id, const wire::Hello&) override { opened.push_back(id); }
  void on_frame(ConnectionId id, const wire::FrameHeader& header, BytesView) override {
    received.push_back(header.request_id);
    if (is_echo) static_cast<void>(transport.send(id, frame_of(header.request_id, 8)));
  }
  void on_closed(ConnectionId id, const Error&) override { closed.push_back(id); }
  void on_datagram(const Address&, BytesView packet) override {
    packets.push_back(std::stoull(Bytes(packet)));
  }
  [[nodiscard]] const Address& address() const { return listener->address(); }

  sim::SimWorld& world;
  sim::SimNetwork& network;
  sim::NodeIndex index;
  bool is_echo = false;
  std::vector<ConnectionId> opened;
  std::vector<ConnectionId> closed;
  std::vector<std::uint64_t> received;
  std::vector<std::uint64_t> packets;
  sim::SimTransport transport;
  sim::SimTimers timers;
  std::unique_ptr<sim::SimDatagrams> datagrams;
  std::unique_ptr<sim::SimListener> listener;
};

struct Pair {
  explicit Pair(std::uint64_t seed = 1) : world(seed) {}

  ConnectionId connect() {
    const ConnectionId id = a->transport.dial(b->address(), hello_of(1));
    REQUIRE(world.run_until([&] { return !a->opened.empty() && !b->opened.empty(); }, 1min));
    return id;
  }
  void send(ConnectionId id, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) CHECK(a->transport.send(id, frame_of(i, 8)));
  }

  sim::SimWorld world;
  sim::SimNetwork network{world};
  std::unique_ptr<Node> a = std::make_unique<Node>(world, network, world.add_node());
  std::unique_ptr<Node> b = std::make_unique<Node>(world, network, world.add_node());
};

std::vector<std::uint64_t> counted(std::uint64_t count) {
  std::vector<std::uint64_t> all(count);
  for (std::uint64_t i = 0; i < count; ++i) all[i] = i;
  return all;
}

/// A run with something of everything in it; without frames, whose bytes may change with the wire's
/// versions, if the hash is to be kept.
std::uint64_t hash_of_run(std::uint64_t seed, bool has_frames = true) {
  Pair pair(seed);
  sim::SimFileSystem disk(pair.world, pair.a->index);
  sim::SimWorker worker(pair.world, pair.a->index, disk);
  auto& link = pair.world.default_link();
  link.loss = 0.1;
  link.doubled = 0.1;
  link.late = 0.1;
  pair.b->is_echo = true;
  if (has_frames) pair.send(pair.connect(), 20);
  for (int i = 0; i < 20; ++i) {
    pair.a->datagrams->send(pair.b->address(), std::to_string(i));
    pair.a->timers.start(1ms * i, [] {});
  }
  auto file = disk.open("log", FileSystem::Mode::create);
  worker.submit(
      [&] {
        REQUIRE((*file)->write_at(0, Bytes(5000, 'x')));
        REQUIRE((*file)->sync());
        REQUIRE((*file)->write_at(5000, Bytes(5000, 'y')));
      },
      [] {});
  pair.world.run_for(50ms);
  pair.world.crash(pair.a->index, Crash::power);
  pair.a.reset();
  pair.world.run_for(5s);
  return pair.world.hash();
}

}  // namespace

TEST_CASE("simulated world: a seed is a run, on every compiler") {
  CHECK(hash_of_run(1) == hash_of_run(1));
  CHECK(hash_of_run(1) != hash_of_run(2));
  // The same in every build; a change of what is simulated changes it.
  CHECK(to_hex(hash_of_run(7, false)) == "1913e2fcf712b171");
}

TEST_CASE("simulated world: time stops where it is told, and events run in their order") {
  sim::SimWorld world(1);
  const sim::NodeIndex node = world.add_node();
  std::vector<int> ran;
  const Instant begin = world.now();
  world.schedule(world.life(node), 2ms, "b", [&] { ran.push_back(2); });
  world.schedule(world.life(node), 1ms, "a", [&] { ran.push_back(1); });
  world.schedule(world.life(node), 2ms, "c", [&] { ran.push_back(3); });
  const auto cancelled = world.schedule(world.life(node), 1ms, "d", [&] { ran.push_back(9); });
  world.cancel(cancelled);
  world.run_for(1ms);
  CHECK(ran == std::vector{1});
  CHECK(world.now() == begin + 1ms);
  world.run_for(10ms);
  CHECK(ran == std::vector{1, 2, 3});
  CHECK(world.now() == begin + 11ms);
  CHECK_FALSE(world.step());
  CHECK_FALSE(world.run_until([] { return false; }, 5ms));
  CHECK(world.now() == begin + 16ms);
}

TEST_CASE("simulated world: a crash ends a life, a pause delays it in order") {
  sim::SimWorld world(1);
  const sim::NodeIndex node = world.add_node();
  sim::SimClock clock(world, node);
  auto timers = std::make_unique<sim::SimTimers>(world, node);
  std::vector<int> ran;
  timers->start(1ms, [&] { ran.push_back(1); });
  timers->start(2ms, [&] { ran.push_back(2); });
  timers->start(20ms, [&] { ran.push_back(3); });
  world.pause(node, 10ms);
  world.run_for(9ms);
  CHECK(ran.empty());
  world.run_for(1ms);
  CHECK(ran == std::vector{1, 2});
  world.crash(node, Crash::process);
  sim::SimMailbox mailbox(world, node, 10);
  world.run_for(1min);
  CHECK(ran == std::vector{1, 2});
  timers->start(1ms, [&] { ran.push_back(4); });  // of an ended life
  CHECK(mailbox.post([&] { ran.push_back(5); }));
  world.run_for(1min);
  CHECK(ran == std::vector{1, 2, 5});
  const WallTime before = clock.wall_now();
  world.faults(node).wall_skew = -3h;
  CHECK(clock.wall_now() == before - 3h);
}

TEST_CASE("simulated network: a crash closes the other side's connections") {
  Pair pair;
  const ConnectionId id = pair.connect();
  pair.send(id, 5);
  pair.world.crash(pair.b->index, Crash::process);
  const Address gone = pair.b->address();
  pair.b.reset();
  REQUIRE(pair.world.run_until([&] { return pair.a->closed.size() == 1; }, 1min));
  CHECK_FALSE(pair.a->transport.send(id, frame_of(1, 8)));
  pair.a->transport.dial(gone, hello_of(1));
  REQUIRE(pair.world.run_until([&] { return pair.a->closed.size() == 2; }, 1min));
  // Its next life can be dialled.
  pair.b = std::make_unique<Node>(pair.world, pair.network, sim::NodeIndex{2});
  pair.a->opened.clear();
  pair.send(pair.connect(), 3);
  CHECK(pair.world.run_until([&] { return pair.b->received == counted(3); }, 1min));
}

TEST_CASE("simulated network: a blocked link holds frames one way, and breaks in the end") {
  Pair pair;
  const ConnectionId id = pair.connect();
  pair.world.link(pair.a->index, pair.b->index).is_blocked = true;
  pair.send(id, 10);
  CHECK(pair.b->transport.send(pair.b->opened[0], frame_of(77, 8)));
  pair.world.run_for(3s);
  CHECK(pair.b->received.empty());
  CHECK(pair.a->received == std::vector<std::uint64_t>{77});
  CHECK(pair.a->transport.queued_bytes(id) == 320);
  pair.world.reset_links();
  REQUIRE(pair.world.run_until([&] { return pair.b->received == counted(10); }, 1min));
  CHECK(pair.a->transport.queued_bytes(id) == 0);
  // Short blocks do not add up; a long one breaks it.
  for (int i = 0; i < 5; ++i) {
    pair.world.link(pair.a->index, pair.b->index).is_blocked = true;
    pair.send(id, 1);
    pair.world.run_for(10s);
    pair.world.reset_links();
    pair.world.run_for(1s);
  }
  CHECK(pair.b->received.size() == 15);
  CHECK(pair.a->closed.empty());
  pair.world.link(pair.a->index, pair.b->index).is_blocked = true;
  pair.send(id, 1);
  pair.world.run_for(1min);
  CHECK(pair.a->closed.size() == 1);
  CHECK(pair.b->closed.size() == 1);
  // Nobody can be dialled over it either.
  pair.a->transport.dial(pair.b->address(), hello_of(1));
  CHECK(pair.world.run_until([&] { return pair.a->closed.size() == 2; }, 1min));
}

TEST_CASE("simulated network: a lost frame breaks the connection for both, in order until then") {
  int cut = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Pair pair(seed);
    const ConnectionId id = pair.connect();
    pair.world.default_link().break_chance = 0.05;
    for (std::uint64_t i = 0; i < 100; ++i) {
      static_cast<void>(pair.a->transport.send(id, frame_of(i, 8)));
      pair.world.run_for(1ms);
    }
    pair.world.run_for(1min);
    const auto& received = pair.b->received;
    CHECK(received == counted(received.size()));
    if (received.size() < 100) {
      ++cut;
      CHECK(pair.a->closed.size() == 1);
      CHECK(pair.b->closed.size() == 1);
    }
  }
  CHECK(cut > 15);
}

TEST_CASE("simulated network: worse than TCP: frames lost, doubled, out of order, never cut") {
  Pair pair;
  const ConnectionId id = pair.connect();
  pair.send(id, 1);
  REQUIRE(pair.world.run_until([&] { return pair.b->received.size() == 1; }, 1min));
  pair.b->received.clear();
  auto& link = pair.world.default_link();
  link.is_unordered = true;
  link.loss = 0.2;
  link.doubled = 0.2;
  link.late = 0.1;
  pair.send(id, 1000);
  pair.world.run_for(10s);
  std::vector<std::uint64_t> received = pair.b->received;
  CHECK_FALSE(std::ranges::is_sorted(received));
  CHECK(received.size() > 800);
  std::ranges::sort(received);
  CHECK(std::ranges::adjacent_find(received) != received.end());
  received.erase(std::ranges::unique(received).begin(), received.end());
  CHECK(received.size() > 700);
  CHECK(received.size() < 900);
  CHECK(pair.a->closed.empty());
  CHECK(pair.b->closed.empty());
  CHECK(pair.b->transport.counters().frames_malformed == 0);
}

TEST_CASE("simulated network: packets are lost, doubled and late as told") {
  Pair pair;
  auto& link = pair.world.default_link();
  link.loss = 0.3;
  link.doubled = 0.1;
  for (int i = 0; i < 10000; ++i) {
    pair.a->datagrams->send(pair.b->address(), std::to_string(i));
  }
  pair.world.run_for(1s);
  CHECK(pair.b->packets.size() > 7400);
  CHECK(pair.b->packets.size() < 8000);
  CHECK_FALSE(std::ranges::is_sorted(pair.b->packets));
  pair.b->packets.clear();
  pair.world.link(pair.a->index, pair.b->index).is_blocked = true;
  pair.a->datagrams->send(pair.b->address(), "1");
  pair.world.run_for(1s);
  CHECK(pair.b->packets.empty());
}

TEST_CASE("simulated network: a hello that cannot be read is refused like the real one's") {
  Pair pair;
  wire::Hello strange = hello_of(1);
  strange.version = strange.version_oldest = 9;
  pair.a->transport.dial(pair.b->address(), strange);
  REQUIRE(pair.world.run_until([&] { return pair.a->closed.size() == 1; }, 1min));
  CHECK(pair.b->listener->counters().malformed == 1);
  CHECK(pair.a->opened.empty());
}

}  // namespace coterie::test
