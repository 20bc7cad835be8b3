#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "tests/unit/client/fake_cluster.h"

namespace coterie::ring_test {

using namespace coterie::client_tests;
using namespace std::chrono_literals;

TEST_CASE("when no seed answers, calls and the wait for the ring fail with the reasons") {
  Bench bench({}, {"10.9.9.1:1", "10.9.9.2:2"});
  const auto ready = bench.ready();
  REQUIRE_FALSE(ready);
  CHECK(ready.error().code == ErrorCode::unavailable);
  CHECK(ready.error().message.find("10.9.9.1:1: connection refused") != std::string::npos);
  CHECK(ready.error().message.find("10.9.9.2:2: connection refused") != std::string::npos);
  CHECK(bench.get("k").error().code == ErrorCode::unavailable);
  CHECK(bench.put("k", "v").error().code == ErrorCode::unavailable);
}

TEST_CASE("one seed that answers is enough, and one that came late") {
  Bench bench({}, {"10.9.9.1:1", FakeCluster::address(2)});
  CHECK(bench.ready());
  CHECK(bench.get("k"));

  Bench late({}, {FakeCluster::address(1)});
  late.cluster.is_up[1] = false;
  CHECK_FALSE(late.ready());
  late.cluster.is_up[1] = true;
  late.time.pass(2s);
  CHECK(late.ready());
}

TEST_CASE("a seed that accepts and says nothing does not hold up the others") {
  for (int i = 0; i < 4; ++i) {
    Bench bench({}, {FakeCluster::address(0), FakeCluster::address(1)});
    bench.cluster.is_deaf[0] = true;
    const Instant begun = bench.time.now();
    CHECK(bench.ready());
    CHECK(bench.time.now() - begun < 2500ms);
  }
}

TEST_CASE("the ring is asked for again now and then, and from another node when one is lost") {
  Bench bench;
  REQUIRE(bench.ready());
  const auto before = bench.cluster.ring_requests;
  bench.time.pass(10s);
  CHECK(bench.cluster.ring_requests - before >= 8);
  CHECK(bench.cluster.ring_requests - before <= 12);
  bench.cluster.is_up[0] = false;
  bench.cluster.cut(0);
  const auto at_loss = bench.cluster.ring_requests;
  bench.time.pass(5s);
  CHECK(bench.cluster.ring_requests - at_loss >= 3);
}

TEST_CASE("a newer epoch is taken over; an older one is not") {
  Bench bench;
  REQUIRE(bench.ready());
  auto contents = bench.cluster.epoch->contents();
  const auto old = bench.cluster.epoch;
  contents.number.number = 5;
  contents.buckets.push_back({.id = BucketId{9}, .name = "later", .r = 2, .w = 1});
  bench.cluster.epoch = std::make_shared<const Epoch>(*Epoch::make(contents));
  bench.time.pass(2s);
  CHECK(bench.core.epoch()->number().number == 5);
  CHECK(bench.core.counters().ring_changes == 2);
  bench.cluster.epoch = old;
  bench.time.pass(3s);
  CHECK(bench.core.epoch()->number().number == 5);
}

TEST_CASE("not_owner and stale_configuration ask for the ring at once") {
  for (const auto code : {ErrorCode::not_owner, ErrorCode::stale_configuration}) {
    client::Options options;
    options.ring_refresh = 50s;
    Bench bench(options);
    REQUIRE(bench.ready());
    const auto before = bench.cluster.ring_requests;
    bench.cluster.answer = [&](const Request&) {
      return bench.cluster.requests.size() == 1 ? Answer::error(code)
                                                : Answer::of(wire::GetReply{});
    };
    CHECK(bench.get("k"));
    CHECK(bench.cluster.ring_requests == before + 1);
  }
}

TEST_CASE("a ring of another cluster is refused") {
  Bench bench({}, {FakeCluster::address(0)});
  REQUIRE(bench.ready());
  auto contents = bench.cluster.epoch->contents();
  contents.cluster = {.high = 9, .low = 9};
  contents.number.number = 7;
  bench.cluster.other_cluster = std::make_shared<const Epoch>(*Epoch::make(contents));
  bench.cluster.cut(0);
  bench.time.pass(5s);
  CHECK(bench.core.epoch()->cluster() == bench.cluster.epoch->cluster());
}

TEST_CASE("a node that says go away gets nothing new, until it is time to come back") {
  Bench bench;
  REQUIRE(bench.ready());
  const std::size_t leaving = bench.owners("k")[0];
  bench.cluster.answer = [](const Request&) { return Answer::silence(); };
  const auto ask = [&bench, leaving](int count) {
    bench.cluster.requests.clear();
    for (int i = 0; i < count; ++i) {
      bench.core.write(client::Write::put_blind(key_of("k"), "v"), {.deadline = 60s}, [](auto) {});
      bench.time.pass(1ms);
    }
    return std::ranges::count(bench.cluster.requests, leaving, &Request::node);
  };
  CHECK(ask(20) == 10);
  bench.cluster.say(leaving, wire::encode(wire::GoAway{.retry_after_ms = 5000}));
  // Although the other one has more to do by now.
  CHECK(ask(20) == 0);
  CHECK(bench.cluster.requests.size() == 20);
  // It closes, having answered or not; then it is back.
  bench.cluster.cut(leaving);
  bench.time.pass(3s);
  CHECK(ask(20) == 0);
  bench.time.pass(3s);
  CHECK(ask(20) == 20);
}

TEST_CASE("a node that says go away is hung up on once it has answered, and nothing fails") {
  Bench bench;
  REQUIRE(bench.ready());
  bench.cluster.answer = [](const Request&) { return Answer::of(wire::PutReply{.siblings = 1}); };
  for (int i = 0; i < 100; ++i) REQUIRE(bench.put(std::to_string(i), "v"));
  REQUIRE(bench.cluster.connections_to(0) > 0);
  bool has_said = false;
  bench.cluster.answer = [&](const Request& request) {
    if (request.node == 0 && !std::exchange(has_said, true)) {
      bench.cluster.say(0, wire::encode(wire::GoAway{.retry_after_ms = 5000}));
    }
    return Answer::of(wire::PutReply{.siblings = 1});
  };
  bench.cluster.requests.clear();
  for (int i = 0; i < 200; ++i) CHECK(bench.put(std::to_string(i), "v"));
  CHECK(has_said);
  CHECK(bench.cluster.requests.size() == 200);
  CHECK(bench.cluster.connections_to(0) == 0);
}

TEST_CASE("a connection that is lost is dialled again with pauses that grow") {
  Bench bench;
  REQUIRE(bench.ready());
  bench.cluster.is_up = {false, false, false};
  bench.cluster.dials.clear();
  for (int i = 0; i < 100; ++i) {
    bench.core.get(key_of("k"), {.deadline = 10s}, [](auto) {});
    bench.time.pass(100ms);
  }
  // Two owners for ten seconds, and the ring's own connection.
  CHECK(bench.cluster.dials.size() < 60);
  CHECK(bench.cluster.dials.size() > 10);
}

}  // namespace coterie::ring_test
