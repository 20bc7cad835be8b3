#include <doctest/doctest.h>

#include <algorithm>

#include "node/coordinator/parts.h"
#include "node/coordinator/scan_range.h"
#include "tests/unit/coordinator/cluster.h"

namespace coterie::stand_in_test {

using namespace coterie::test;
using coordinator::Reach;
using namespace std::chrono_literals;

namespace {

const Bytes key = Cluster::key("k");

auto request_to(std::size_t node) {
  return [node](const Message& message) { return message.is_request() && message.to == node; };
}

/// Three owners and two fallbacks, R = W = 2; nobody reaches the owners `away`.
struct World : Cluster {
  World(std::initializer_list<std::size_t> away = {}) : Cluster(3, 2, 2) {
    add_fallbacks(2);
    for (const auto owner : away) set_away(owner, true);
  }
  void set_away(std::size_t owner, bool is_away) {
    owners[owner].reach = is_away ? Reach::none : Reach::good;
    for (const auto& node : nodes) {
      if (is_away) node->cut_from.insert(owner);
      if (!is_away) node->cut_from.erase(owner);
    }
  }
};

}  // namespace

TEST_CASE("where W owners can be reached no fallback is asked") {
  World world({2});
  const auto& put = world.put_now(0, key, "v", {.want_evidence = true});
  CHECK(put.is_ok());
  CHECK(put.stand_ins == 0);
  CHECK(world.nodes[3]->records.empty());
  CHECK(world.nodes[0]->hints().size() == 1);
  const auto& get = world.get_now(0, key);
  CHECK(get.values == std::vector<Bytes>{"v"});
  CHECK(get.stand_ins == 0);
}

TEST_CASE("a fallback takes the write in an owner's place, counts to W, and the reply says so") {
  World world({1, 2});
  const auto client = world.put(0, key, "v", {.want_evidence = true});
  CHECK(world.answer(client).times == 0);
  REQUIRE(world.queue.size() == 1);
  const auto* write = world.queue[0].as<WriteMessage>();
  REQUIRE(write != nullptr);
  CHECK(world.queue[0].to == 3);
  CHECK(write->intended == world.id_of(1));
  CHECK(write->owners == 2);
  world.deliver_all();
  const auto& put = world.answer(client);
  REQUIRE(put.is_ok());
  CHECK(put.stand_ins == 1);
  CHECK(put.evidence.answered == std::vector{world.id_of(0), world.id_of(3)});
  CHECK(put.evidence.hints == 3);  // two strict ones, and the fallback's
  CHECK(world.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("W of a request holds for its hints; each fallback stands in for another owner") {
  World world({1, 2});
  const auto client = world.put(0, key, "v", {.w = 3});
  REQUIRE(world.queue.size() == 2);
  CHECK(world.queue[0].as<WriteMessage>()->intended == world.id_of(1));
  CHECK(world.queue[1].as<WriteMessage>()->intended == world.id_of(2));
  CHECK(world.queue[0].as<WriteMessage>()->owners == 3);
  world.deliver_all();
  CHECK(world.answer(client).stand_ins == 2);
}

TEST_CASE("an owner that refuses, and a fallback that does, are stood in for by the next") {
  World world({1});
  world.nodes[2]->replica_error = Error{.code = ErrorCode::unsure, .message = "damaged"};
  world.nodes[3]->replica_error = Error{.code = ErrorCode::hints_full, .message = "full"};
  const auto& put = world.put_now(0, key, "v");
  CHECK(put.is_ok());
  CHECK(put.stand_ins == 1);
  CHECK_FALSE(world.nodes[4]->records.empty());
  world.nodes[4]->replica_error = Error{.code = ErrorCode::hints_full, .message = "full"};
  CHECK(world.put_now(0, key, "w").code() == ErrorCode::unknown_outcome);
}

TEST_CASE("owners that are silent are stood in for after a while, and count if they answer") {
  World world;
  const auto client = world.put(0, key, "v");
  CHECK(world.queue.size() == 2);
  world.pass(400ms);
  CHECK(world.queue.size() == 2);
  world.pass(200ms);
  REQUIRE(world.queue.size() == 3);
  CHECK(world.queue[2].to == 3);
  CHECK(world.answer(client).times == 0);
  SUBCASE("the fallback first") {
    world.deliver(request_to(3));
    world.deliver([](const Message& message) { return message.from == 3; });
    CHECK(world.answer(client).stand_ins == 1);
  }
  SUBCASE("an owner after all") {
    world.deliver(request_to(1));
    world.deliver([](const Message& message) { return message.from == 1; });
    CHECK(world.answer(client).is_ok());
    CHECK(world.answer(client).stand_ins == 0);
  }
  world.deliver_all();
  CHECK(world.answer(client).times == 1);
  CHECK(world.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("too few nodes, or only such whose hints are full: definitely not executed") {
  World world({0, 1, 2});
  world.fallbacks.resize(1);
  const auto refused = world.put_now(3, key, "v");
  CHECK(refused.code() == ErrorCode::unavailable);
  CHECK(refused.error->message.starts_with("0 of 3 owners and 1 standing in can be reached, W=2;"));
  world.are_hints_full = true;
  const auto full = world.put_now(3, key, "v");
  CHECK(full.code() == ErrorCode::hints_full);
  CHECK(full.error->retry_after_ms > 0);
  CHECK(world.nodes[3]->records.empty());
}

TEST_CASE("with no owner in reach a fallback mints, remembers the request, and reads it back") {
  World world({0, 1, 2});
  const PutOptions options{.id = {.high = 1, .low = 2}};
  const auto put = world.put_now(4, key, "v", options);
  REQUIRE(put.is_ok());
  CHECK(put.stand_ins == 2);
  CHECK(world.nodes[4]->hints().empty());
  CHECK_FALSE(world.nodes[3]->records.empty());
  const auto again = world.put_now(4, key, "v", options);
  CHECK(again.is_ok());
  CHECK(again.stand_ins == 2);
  const auto get = world.get_now(4, key, {.want_evidence = true});
  CHECK(get.values == std::vector<Bytes>{"v"});
  CHECK(get.stand_ins == 2);
  CHECK(get.evidence.answered == std::vector{world.id_of(3), world.id_of(4)});
  // a node that is neither owner nor fallback coordinates nothing
  world.fallbacks = {world.id_of(3)};
  CHECK(world.get_now(4, key).code() == ErrorCode::not_owner);
}

TEST_CASE("a reader asks the fallbacks that a writer would have taken, and says so") {
  World world({1, 2});
  REQUIRE(world.put_now(0, key, "v").is_ok());
  // the one owner that took it goes, another one that did not comes back
  world.set_away(0, true);
  world.set_away(1, false);
  const auto get = world.get_now(1, key, {.want_evidence = true});
  CHECK(get.values == std::vector<Bytes>{"v"});
  CHECK(get.stand_ins == 1);
  CHECK_FALSE(get.evidence.agreed);
  // what the fallback held has repaired the owner that was asked; nobody repairs a fallback
  CHECK_FALSE(world.nodes[1]->records.empty());
  CHECK(world.nodes[4]->records.empty());
}

TEST_CASE("a scan asks fallbacks, too") {
  World world({1, 2});
  REQUIRE(world.put_now(0, key, "v").is_ok());
  world.set_away(0, true);
  world.set_away(1, false);
  const wire::Scan scan{.bucket = BucketId{1}, .partition_key = "k"};
  const auto range = coordinator::scan_range(scan, Token{42}, 16);
  REQUIRE(range);
  const auto client = world.scan(1, scan, *range);
  world.deliver_all();
  REQUIRE(world.answer(client).is_ok());
  CHECK(world.answer(client).rows.size() == 1);
  CHECK(world.answer(client).stand_ins == 1);
}

TEST_CASE("the outcome of a hinted put is unknown once nobody is left to take it") {
  World world({1, 2});
  world.fallbacks.resize(1);
  const auto client = world.put(0, key, "v");
  world.nodes[3]->replica_error = Error{.code = ErrorCode::overloaded, .message = "busy"};
  world.deliver_all();
  CHECK(world.answer(client).code() == ErrorCode::unknown_outcome);
  CHECK(world.nodes[0]->coordinator().operations() == 0);
}

}  // namespace coterie::stand_in_test
