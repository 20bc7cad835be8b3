#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/unit/client/fake_cluster.h"

namespace coterie::routing_test {

using namespace coterie::client_tests;
using namespace std::chrono_literals;

TEST_CASE("each request goes to an owner's shard of its partition, over all owners") {
  Bench bench;
  std::map<std::size_t, int> by_node;
  std::set<std::pair<std::size_t, int>> shards;
  for (int i = 0; i < 200; ++i) {
    const std::string key = "key" + std::to_string(i);
    REQUIRE(bench.get(key));
    const Request& request = bench.cluster.requests.back();
    const auto owners = bench.owners(key);
    CHECK(std::ranges::find(owners, request.node) != owners.end());
    const auto& epoch = *bench.cluster.epoch;
    const auto partition = epoch.partition(epoch.token(epoch.bucket("words")->id, key));
    CHECK(request.shard.value == partition.value % 2);
    CHECK(request.get().key.partition_key == key);
    CHECK_FALSE(request.get().forwarded);
    ++by_node[request.node];
    shards.insert({request.node, request.shard.value});
  }
  CHECK(bench.cluster.requests.size() == 200);
  for (std::size_t node = 0; node < FakeCluster::nodes; ++node) CHECK(by_node[node] > 40);
  // One connection a shard, and the one for the ring.
  CHECK(shards.size() == 6);
  CHECK(bench.cluster.dials.size() == 7);
}

TEST_CASE("a node that is not alive is asked only where no owner lives") {
  Bench bench;
  bench.cluster.liveness[1] = wire::Liveness::dead;
  for (int i = 0; i < 60; ++i) {
    const std::string key = "key" + std::to_string(i);
    REQUIRE(bench.get(key));
    CHECK(bench.cluster.requests.back().node != 1);
  }
  bench.cluster.liveness = {wire::Liveness::dead, wire::Liveness::dead, wire::Liveness::dead};
  bench.time.pass(3s);
  CHECK(bench.get("key1"));
}

TEST_CASE("a node that is cut off from the others is asked less and less") {
  Bench bench;
  bench.cluster.answer = [](const Request& request) {
    return request.node == 0 ? Answer::error(ErrorCode::unavailable) : Answer::of(wire::GetReply{});
  };
  REQUIRE(bench.ready());
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    REQUIRE(bench.get("key" + std::to_string(i)));
    bench.time.pass(10ms);
  }
  for (const auto& request : bench.cluster.requests) refused += request.node == 0 ? 1 : 0;
  CHECK(refused >= 2);
  CHECK(refused <= 6);  // once a second
}

TEST_CASE("nodes that answer are asked, whatever a node that is cut off says of them") {
  Bench bench;
  for (int i = 0; i < 30; ++i) REQUIRE(bench.get("key" + std::to_string(i)));
  bench.cluster.liveness = {wire::Liveness::alive, wire::Liveness::dead, wire::Liveness::dead};
  bench.cluster.answer = [](const Request& request) {
    return request.node == 0 ? Answer::error(ErrorCode::unavailable) : Answer::of(wire::GetReply{});
  };
  for (int i = 0; i < 400; ++i) {
    REQUIRE(bench.get("key" + std::to_string(i)));
    bench.time.pass(10ms);
  }
}

TEST_CASE("of two living owners the one with less to do is asked") {
  Bench bench;
  REQUIRE(bench.ready());
  const auto owners = bench.owners("k");
  bench.cluster.answer = [](const Request&) { return Answer::silence(); };
  std::map<std::size_t, int> asked;
  for (int i = 0; i < 40; ++i) {
    bench.core.get(key_of("k"), {}, [](auto) {});
    bench.time.pass(1ms);
  }
  for (const auto& request : bench.cluster.requests) ++asked[request.node];
  CHECK(asked[owners[0]] == 20);
  CHECK(asked[owners[1]] == 20);
}

TEST_CASE("the hello of a connection names the cluster and the shard it is for") {
  Bench bench;
  REQUIRE(bench.get("a"));
  const auto& [address, hello] = bench.cluster.dials.back();
  CHECK(hello.role == wire::Role::client);
  CHECK(hello.cluster == bench.cluster.epoch->cluster());
  CHECK(hello.shard == bench.cluster.requests.back().shard);
  CHECK(hello.node.is_zero());
}

TEST_CASE("what can be seen to be wrong is not sent") {
  Bench bench;
  REQUIRE(bench.ready());
  const auto code = [&](const std::string& key, const Bytes& value) {
    return bench.put(key, value).error().code;
  };
  CHECK(code("", "v") == ErrorCode::invalid_argument);
  CHECK(code(std::string(limits::key_bytes + 1, 'k'), "v") == ErrorCode::too_large);
  CHECK(code("k", Bytes(limits::value_bytes_most + 1, 'v')) == ErrorCode::too_large);
  CHECK(bench.put("k", "v", {.deadline = 0ms}).error().code == ErrorCode::invalid_argument);
  CHECK(bench.put("k", "v", {.deadline = 61s}).error().code == ErrorCode::invalid_argument);
  CHECK(bench.cluster.requests.empty());
  CHECK(bench.put(std::string(limits::key_bytes, 'k'), Bytes(limits::value_bytes_most, 'v')));

  Result<client::GetResult> unknown = fail(ErrorCode::internal, "");
  bench.core.get({.bucket = "nope", .partition_key = "k"}, {},
                 [&unknown](auto result) { unknown = std::move(result); });
  bench.time.pass(1s);
  CHECK(unknown.error().code == ErrorCode::unknown_bucket);
  CHECK(unknown.error().message.find("words") != std::string::npos);
}

TEST_CASE("a bucket that has just been created is found, also at a node that is behind") {
  Bench bench;
  REQUIRE(bench.ready());
  EpochContents next = bench.cluster.epoch->contents();
  next.number.number += 1;
  next.buckets.push_back({.id = BucketId{77}, .name = "fresh"});
  bench.cluster.epoch = std::make_shared<const Epoch>(*Epoch::make(std::move(next)));
  std::size_t asked = 0;
  bench.cluster.answer = [&asked](const Request&) {
    return ++asked == 1 ? Answer::error(ErrorCode::unknown_bucket) : Answer::of(wire::GetReply{});
  };
  Result<client::GetResult> found = fail(ErrorCode::internal, "");
  bench.core.get({.bucket = "fresh", .partition_key = "k"}, {},
                 [&found](auto result) { found = std::move(result); });
  bench.time.pass(1s);
  CHECK(found);
  CHECK(asked == 2);
}

TEST_CASE("another node at a node's address is not spoken to") {
  Bench bench;
  REQUIRE(bench.ready());
  // The one who answers at node 0's address says to be of another cluster.
  auto contents = bench.cluster.epoch->contents();
  contents.cluster = {.high = 9, .low = 9};
  bench.cluster.other_cluster = std::make_shared<const Epoch>(*Epoch::make(contents));
  for (int i = 0; i < 30; ++i) {
    REQUIRE(bench.get("key" + std::to_string(i)));
    CHECK(bench.cluster.requests.back().node != 0);
  }
}

TEST_CASE(
    "calls wait in the client beyond what may be in flight, and are refused beyond its bound") {
  client::Options options;
  options.in_flight = 8;
  Bench bench(options);
  REQUIRE(bench.ready());
  std::size_t ended = 0;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < limits::client_calls + 5; ++i) {
    bench.core.get(key_of("k" + std::to_string(i)), {.deadline = 60s}, [&](auto result) {
      ++ended;
      if (!result && result.error().code == ErrorCode::overloaded) ++refused;
    });
  }
  CHECK(ended == 0);  // never from within the call
  std::size_t most = 0;
  bench.cluster.answer = [&](const Request&) {
    most = std::max(most, bench.cluster.requests.size() - (ended - refused));
    return Answer::of(wire::GetReply{});
  };
  bench.time.run_until([&] { return bench.core.pending() == 0; });
  CHECK(ended == limits::client_calls + 5);
  CHECK(refused == 5);
  CHECK(most <= 8);
}

TEST_CASE("a connection carries a bounded number of requests") {
  client::Options options;
  options.in_flight = 5000;
  Bench bench(options);
  bench.cluster.answer = [](const Request&) { return Answer::silence(); };
  for (int i = 0; i < 3000; ++i) {
    bench.core.write(client::Write::put_blind(key_of("k"), "v"), {}, [](auto) {});
  }
  bench.time.pass(1s);
  CHECK(bench.cluster.requests.size() == 2 * limits::client_requests_a_connection);
}

}  // namespace coterie::routing_test
