#include <doctest/doctest.h>

#include "tests/unit/coordinator/cluster.h"

namespace coterie::retry_test {

using namespace coterie::test;
using namespace std::chrono_literals;

namespace {

const Bytes key = Cluster::key("k");
constexpr RequestId id{.high = 7, .low = 8};

/// Counts the dots that a test mints.
struct Minting {
  explicit Minting(Cluster& cluster) {
    cluster.on_mint = [this](std::size_t, const Dot&, Timestamp, const wire::Put&) { ++count; };
  }
  std::size_t count = 0;
};

}  // namespace

TEST_CASE("a put tried again is answered as before and minted once") {
  Cluster cluster(3, 2, 2);
  const Minting minting(cluster);
  const ClientAnswer first = cluster.put_now(0, key, "v", {.id = id});
  const ClientAnswer again = cluster.put_now(0, key, "v", {.id = id});
  CHECK(again.is_ok());
  CHECK(again.context == first.context);
  CHECK(again.siblings == 1);
  CHECK(minting.count == 1);
  CHECK(cluster.get_now(1, key).values == std::vector<Bytes>{"v"});
  CHECK(cluster.nodes[0]->coordinator().counters().recognised == 1);
}

TEST_CASE("a try that comes while the first runs waits for it, past the first's deadline") {
  Cluster cluster(3, 2, 3);
  const Minting minting(cluster);
  const std::uint64_t first = cluster.put(0, key, "v", {.id = id, .deadline = 100ms});
  cluster.pass(60ms);
  const std::uint64_t second = cluster.put(0, key, "v", {.id = id, .deadline = 100ms});
  cluster.pass(60ms);
  CHECK(cluster.answer(first).times == 0);
  CHECK(cluster.deliver([](const Message& m) { return m.to == 2; }) == true);
  cluster.pass(60ms);
  CHECK(cluster.answer(first).code() == ErrorCode::unknown_outcome);
  CHECK(cluster.answer(second).code() == ErrorCode::unknown_outcome);
  CHECK(minting.count == 1);
}

TEST_CASE("a try of a put whose outcome was unknown replicates the same write") {
  Cluster cluster(3, 2, 2);
  const Minting minting(cluster);
  cluster.nodes[0]->cut_from = {1, 2};
  CHECK(cluster.put_now(0, key, "v", {.id = id}).code() == ErrorCode::unknown_outcome);
  CHECK(cluster.put_now(0, key, "v", {.id = id}).code() == ErrorCode::unknown_outcome);
  cluster.nodes[0]->cut_from = {2};
  const ClientAnswer done = cluster.put_now(0, key, "v", {.id = id});
  CHECK(done.is_ok());
  CHECK(minting.count == 1);
  CHECK(cluster.nodes[1]->records == cluster.nodes[0]->records);
  // it is not W owners more: a larger W asks them again
  cluster.nodes[0]->cut_from = {};
  CHECK(cluster.put_now(0, key, "v", {.id = id, .w = 3}).is_ok());
  CHECK(cluster.nodes[2]->records == cluster.nodes[0]->records);
  CHECK(minting.count == 1);
}

TEST_CASE("a write that was replaced since is still recognised") {
  Cluster cluster(3, 2, 2);
  const Minting minting(cluster);
  const ClientAnswer first = cluster.put_now(0, key, "old", {.id = id});
  CHECK(cluster.put_now(0, key, "new", {.context = first.context}).is_ok());
  CHECK(cluster.put_now(0, key, "old", {.id = id}).is_ok());
  CHECK(cluster.get_now(0, key).values == std::vector<Bytes>{"new"});
  CHECK(minting.count == 2);
}

TEST_CASE("deletes are recognised too") {
  Cluster cluster(3, 2, 2);
  const Minting minting(cluster);
  const ClientAnswer put = cluster.put_now(0, key, "v");
  const PutOptions remove{.context = put.context, .is_delete = true, .id = id};
  const ClientAnswer first = cluster.put_now(0, key, {}, remove);
  CHECK(cluster.put_now(0, key, {}, remove).context == first.context);
  CHECK(minting.count == 2);
}

TEST_CASE("the sibling itself is recognised, at another owner or after a restart") {
  Cluster cluster(3, 2, 3);
  const Minting minting(cluster);
  const ClientAnswer first = cluster.put_now(0, key, "v", {.id = id});
  const ClientAnswer elsewhere = cluster.put_now(1, key, "v", {.id = id});
  CHECK(elsewhere.is_ok());
  CHECK(elsewhere.context == first.context);
  cluster.nodes[0]->crash(ActorId{5000});
  CHECK(cluster.put_now(0, key, "v", {.id = id}).is_ok());
  CHECK(minting.count == 1);
  CHECK(cluster.get_now(2, key).values.size() == 1);
}

TEST_CASE("one request id names one key") {
  Cluster cluster(3, 2, 2);
  CHECK(cluster.put_now(0, key, "v", {.id = id}).is_ok());
  CHECK(cluster.put_now(0, Cluster::key("other"), "v", {.id = id}).code() ==
        ErrorCode::invalid_argument);
}

TEST_CASE("requests are forgotten after five minutes, and the oldest beyond the bound") {
  Cluster cluster(1, 1, 1);
  const Minting minting(cluster);
  cluster.nodes[0]->set_options({.remembered_requests = 2});
  const auto request = [](std::uint64_t n) { return RequestId{.high = n, .low = n}; };
  Bytes context;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    context = cluster.put_now(0, key, "v", {.context = context, .id = request(n)}).context;
  }
  CHECK(minting.count == 3);
  CHECK(cluster.put_now(0, key, "v", {.id = request(2)}).is_ok());
  CHECK(minting.count == 3);
  CHECK(cluster.put_now(0, key, "v", {.context = context, .id = request(1)}).is_ok());
  CHECK(minting.count == 4);
  cluster.pass(limits::request_id_memory + 1s);
  CHECK(cluster.put_now(0, key, "v", {.id = request(3)}).is_ok());
  CHECK(minting.count == 5);
}

TEST_CASE("no more than a few tries of one put wait for it") {
  Cluster cluster(3, 2, 3);
  for (std::size_t i = 0; i < limits::clients_a_put; ++i) cluster.put(0, key, "v", {.id = id});
  const std::uint64_t beyond = cluster.put(0, key, "v", {.id = id});
  CHECK(cluster.answer(beyond).code() == ErrorCode::unknown_outcome);
  cluster.deliver_all();
  for (const auto& [client, answer] : cluster.answers) {
    CHECK(answer.times == 1);
    CHECK(answer.is_ok() == (client != beyond));
  }
}

TEST_CASE("a try that asks for more durability waits for it") {
  Cluster cluster(3, 2, 2);
  const Minting minting(cluster);
  cluster.bucket.durability = Durability::interval;
  for (const auto& node : cluster.nodes) {
    node->is_durable_at_once = false;
    node->is_written_at_once = true;
  }
  const PutOptions strong{.id = id, .w = 1, .durability = wire::Durability::commit};
  SUBCASE("than its bucket") {
    const std::uint64_t client = cluster.put(0, key, "v", strong);
    cluster.pass(1s);
    CHECK(cluster.answer(client).code() == ErrorCode::unknown_outcome);
  }
  SUBCASE("than a try that has been answered") {
    const std::uint64_t first = cluster.put(0, key, "v", {.id = id, .w = 1});
    CHECK(cluster.answer(first).is_ok());
    cluster.pass(1s);
  }
  SUBCASE("than a try that runs") {
    const std::uint64_t first = cluster.put(0, key, "v", {.id = id, .w = 2, .deadline = 1s});
    CHECK(cluster.answer(first).times == 0);
  }
  const std::uint64_t again = cluster.put(0, key, "v", strong);
  CHECK(cluster.answer(again).times == 0);
  cluster.nodes[0]->sync();
  CHECK(cluster.answer(again).is_ok());
  CHECK(minting.count == 1);
}

TEST_CASE("a try that asks for fewer owners than the bucket is told that it is weak") {
  Cluster cluster(3, 2, 2);
  const std::uint64_t first = cluster.put(0, key, "v", {.id = id});
  const std::uint64_t weak = cluster.put(0, key, "v", {.id = id, .w = 1});
  REQUIRE(cluster.answer(weak).is_ok());
  CHECK(cluster.answer(weak).is_weak);
  CHECK(cluster.answer(first).times == 0);
  cluster.deliver_all();
  CHECK_FALSE(cluster.answer(first).is_weak);
  const std::uint64_t late = cluster.put(0, key, "v", {.id = id, .w = 2});
  CHECK_FALSE(cluster.answer(late).is_weak);
}

}  // namespace coterie::retry_test
