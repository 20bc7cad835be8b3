#include "node/shard.h"

#include <doctest/doctest.h>

#include <string>

#include "base/limits.h"
#include "storage/record.h"
#include "tests/unit/node/shard_world.h"

using namespace coterie;
using namespace std::chrono_literals;

namespace {

/// A key that a node does not own.
std::string foreign_key(const ShardWorld& world) {
  for (int i = 0;; ++i) {
    std::string text = "key" + std::to_string(i);
    const auto partition = world.epoch->partition(world.epoch->token(BucketId{1}, text));
    if (!world.epoch->owns(node_id(1), partition)) return text;
  }
}

/// Three concurrent values that fill more than a frame together.
Bytes large_record(BytesView key) {
  const Bytes value(limits::frame_bytes / 3, 'v');
  Record record;
  for (std::uint64_t actor = 1; actor <= 3; ++actor) {
    const Dot dot{.actor = ActorId{actor}, .sequence = 1};
    record.context.add(dot);
    record.siblings.push_back({.dot = dot, .timestamp = Timestamp{actor}, .value = value});
  }
  return encode_record(key, record);
}

void keep(ShardWorld& world, const Bytes& key, const Bytes& record) {
  Write write{.space = Space::records, .key = key, .value = record};
  REQUIRE(world.store.append(std::span(&write, 1)));
  world.store.sync();
}

}  // namespace

TEST_CASE("the client door takes no replica's requests") {
  ShardWorld world;
  const Bytes key = world.key("a");
  const Bytes record = encode_record(key, Record{});
  world.hear(ShardWorld::client,
             wire::ReplicaWrite{.scope = world.scope(key), .key = key, .record = record});
  const auto answers = world.take(ShardWorld::client);
  REQUIRE(answers.size() == 1);
  CHECK(ShardWorld::error(answers[0]) == ErrorCode::refused);
  CHECK(world.store.last() == LogPosition{});
  world.hear(ShardWorld::peer,
             wire::ReplicaWrite{.scope = world.scope(key), .key = key, .record = record});
  CHECK(world.store.last() == LogPosition{1});
}

TEST_CASE("a link that another node answers is told of at once and leaves nothing behind") {
  ShardWorld world(5);
  const std::string key = foreign_key(world);
  const std::size_t connections = world.shard.status().connections;
  world.hear(ShardWorld::client, ShardWorld::put(key, "value"));
  REQUIRE(world.transport.dialled.size() == 1);
  const ConnectionId link{NotingTransport::first_dialled};
  world.shard.on_open(link, wire::Hello{.role = wire::Role::peer, .node = node_id(77)});
  const auto answers = world.take(ShardWorld::client);
  REQUIRE(answers.size() == 1);
  CHECK(ShardWorld::error(answers[0]) == ErrorCode::unknown_outcome);
  CHECK(world.shard.status().connections == connections);
}

TEST_CASE("what is too large for a frame is answered by an error, to clients and to nodes") {
  ShardWorld world(1);
  const Bytes key = world.key("a");
  keep(world, key, large_record(key));
  world.hear(ShardWorld::client, ShardWorld::get("a"));
  world.hear(ShardWorld::peer, wire::ReplicaRead{.scope = world.scope(key), .key = key});
  for (const auto connection : {ShardWorld::client, ShardWorld::peer}) {
    const auto answers = world.take(connection);
    REQUIRE(answers.size() == 1);
    CHECK(ShardWorld::error(answers[0]) == ErrorCode::too_large);
  }
}

TEST_CASE("a record that is too large for a frame is not sent to other owners") {
  ShardWorld world;
  const Bytes key = world.key("a");
  keep(world, key, large_record(key));
  world.hear(ShardWorld::client, ShardWorld::get("a"));
  REQUIRE(world.transport.dialled.size() == 1);
  const ConnectionId link{NotingTransport::first_dialled};
  const NodeId asked = node_id(world.transport.dialled[0].first.port - 7000U);
  world.shard.on_open(link, wire::Hello{.role = wire::Role::peer, .node = asked});
  const auto questions = world.take(link);
  REQUIRE(questions.size() == 1);
  const auto id = wire::decode_header(questions[0].substr(0, wire::header_bytes))->request_id;
  // it has none: it is to be repaired before the answer
  world.hear(link, wire::ReplicaReadReply{}, id);
  CHECK(world.take(link).empty());
  const auto answers = world.take(ShardWorld::client);
  REQUIRE(answers.size() == 1);
  CHECK(ShardWorld::error(answers[0]) == ErrorCode::too_large);
}

TEST_CASE("a connection that cannot take its answer is closed") {
  ShardWorld world;
  world.transport.full = {ShardWorld::client};
  world.hear(ShardWorld::client, wire::RingRequest{});
  CHECK(world.transport.closed == std::vector{ShardWorld::client});
  world.transport.full = {ShardWorld::peer};
  const Bytes key = world.key("a");
  world.hear(ShardWorld::peer, wire::ReplicaRead{.scope = world.scope(key), .key = key});
  CHECK(world.transport.closed == std::vector{ShardWorld::client, ShardWorld::peer});
}

TEST_CASE("a shard whose store has stopped answers nothing that rests on it, and keeps nothing") {
  ShardWorld world(1);
  const Bytes key = world.key("a");
  world.hear(ShardWorld::client, ShardWorld::put("a", "value"));
  CHECK(world.take(ShardWorld::client).empty());
  world.hear(ShardWorld::peer, wire::ReplicaRead{.scope = world.scope(key), .key = key});
  CHECK(world.shard.status().waiting_for_log == 2);
  world.store.set_state(StoreState::stopped, "a sync failed");
  CHECK(world.shard.status().waiting_for_log == 0);
  world.hear(ShardWorld::peer, wire::ReplicaRead{.scope = world.scope(key), .key = key});
  world.hear(ShardWorld::peer, wire::ReplicaScan{.scope = world.scope(key)});
  const auto answers = world.take(ShardWorld::peer);
  REQUIRE(answers.size() == 2);
  for (const auto& answer : answers) CHECK(ShardWorld::error(answer) == ErrorCode::unavailable);
  world.hear(ShardWorld::client, ShardWorld::put("b", "value", 2));
  const auto refused = world.take(ShardWorld::client);
  REQUIRE(refused.size() == 1);
  CHECK(ShardWorld::error(refused[0]) == ErrorCode::unavailable);
  CHECK(world.shard.status().waiting_for_log == 0);
}

TEST_CASE("a node's request that waited beyond its deadline is not done") {
  ShardWorld world;
  const Bytes key = world.key("a");
  const Bytes record = encode_record(key, Record{});
  const wire::ReplicaWrite write{.scope = world.scope(key), .key = key, .record = record};
  world.turns.waited = 20ms;
  world.receive(ShardWorld::peer, wire::encode(write, {.request_id = 1, .deadline_ms = 20}));
  CHECK(world.store.last() == LogPosition{});
  CHECK(world.take(ShardWorld::peer).empty());
  CHECK(world.shard.status().expired == 1);
  world.receive(ShardWorld::peer, wire::encode(write, {.request_id = 2, .deadline_ms = 21}));
  CHECK(world.store.last() == LogPosition{1});
  world.turns.waited = 1h;  // without a deadline it waits for ever
  const Bytes other = world.key("b");
  world.hear(ShardWorld::peer, wire::ReplicaRead{.scope = world.scope(other), .key = other});
  CHECK(world.take(ShardWorld::peer).size() == 1);
}

TEST_CASE("a client's request that waited beyond its deadline is not begun") {
  ShardWorld world(1);
  world.turns.waited = 30ms;
  for (const std::uint32_t deadline_ms : {30U, 31U}) {
    world.receive(ShardWorld::client, wire::encode(ShardWorld::put("a", "value"),
                                                   {.request_id = 1, .deadline_ms = deadline_ms}));
  }
  const auto answers = world.take(ShardWorld::client);
  REQUIRE(answers.size() == 1);
  CHECK(ShardWorld::error(answers[0]) == ErrorCode::expired);
  CHECK(world.store.last() == LogPosition{1});
}

TEST_CASE("requests that wait behind others of their turn are refused once that goes on") {
  ShardWorld world(1);
  world.turns.waited_at_most = 60ms;
  std::size_t refused = 0;
  for (int turn = 0; turn < 10; ++turn) {
    for (const Duration waited : {0ms, 50ms}) {
      world.turns.waited = waited;
      world.hear(ShardWorld::client, ShardWorld::get("a"));
    }
    world.timers.advance(50ms);
    for (const auto& answer : world.take(ShardWorld::client)) {
      if (ShardWorld::error(answer) == ErrorCode::overloaded) ++refused;
    }
  }
  CHECK(refused >= 6);
  CHECK(refused <= 10);  // those that waited 50 ms
  CHECK(world.shard.status().refused == refused);
}

TEST_CASE("a request for another shard is admitted where it came in, and answered there") {
  ShardWorld world(1, 2);
  const auto text = [&](std::size_t shard) {
    for (int i = 0;; ++i) {
      std::string key = "key" + std::to_string(i);
      if (world.epoch->partition(world.epoch->token(BucketId{1}, key)).value % 2 == shard) {
        return key;
      }
    }
  };
  const std::string elsewhere = text(1);
  for (std::uint64_t id = 1; id <= limits::in_flight_requests_a_connection + 1; ++id) {
    world.hear(ShardWorld::client, ShardWorld::put(elsewhere, "value", id), id);
  }
  CHECK(world.mesh.passed.size() == limits::in_flight_requests_a_connection);
  auto answers = world.take(ShardWorld::client);
  REQUIRE(answers.size() == 1);
  CHECK(ShardWorld::error(answers[0]) == ErrorCode::overloaded);

  SUBCASE("an answer comes back once") {
    const auto client = world.mesh.passed[4].client;
    for (int i = 0; i < 2; ++i) {
      world.shard.on_passed_answer(client, wire::encode(wire::PutReply{.siblings = 1}, {}));
    }
    answers = world.take(ShardWorld::client);
    REQUIRE(answers.size() == 1);
    CHECK(wire::decode_header(answers[0])->request_id == 5);
    world.hear(ShardWorld::client, ShardWorld::put(elsewhere, "value", 9999));
    CHECK(world.mesh.passed.size() == limits::in_flight_requests_a_connection + 1);
  }
  SUBCASE("or its time is over") {
    world.timers.advance(limits::request_deadline_default + 1s);
    answers = world.take(ShardWorld::client);
    CHECK(answers.size() == limits::in_flight_requests_a_connection);
    CHECK(ShardWorld::error(answers[0]) == ErrorCode::unknown_outcome);
    world.shard.on_passed_answer(world.mesh.passed[4].client, wire::encode(wire::PutReply{}, {}));
    CHECK(world.take(ShardWorld::client).empty());
  }
}

TEST_CASE("a request that waited for its shard beyond its deadline is not begun") {
  ShardWorld world(1);
  const Bytes put = wire::encode(ShardWorld::put("a", "value"), {.deadline_ms = 100});
  const PassedFrame frame{.from = ShardIndex{5},
                          .client = coordinator::ClientHandle{77},
                          .arrived = {.earliest = world.clock.now(), .latest = world.clock.now()},
                          .header = *wire::decode_header(put),
                          .body = put.substr(wire::header_bytes)};
  world.clock.time += 100ms;
  world.shard.on_passed(frame);
  REQUIRE(world.mesh.answered.size() == 1);
  CHECK(world.mesh.answered[0].first == coordinator::ClientHandle{77});
  CHECK(ShardWorld::error(world.mesh.answered[0].second) == ErrorCode::expired);
  CHECK(world.store.last() == LogPosition{});
}

TEST_CASE("while checkpoints are behind clients' puts are refused, and later replicas' writes") {
  ShardWorld world(1);
  const Bytes key = world.key("a");
  const Bytes record = encode_record(key, Record{});
  const wire::ReplicaWrite write{.scope = world.scope(key), .key = key, .record = record};
  world.store.set_backlog(Backlog::clients_wait);
  world.hear(ShardWorld::client, ShardWorld::put("a", "value"));
  CHECK(ShardWorld::error(world.take(ShardWorld::client).at(0)) == ErrorCode::overloaded);
  world.hear(ShardWorld::peer, write);
  CHECK(world.store.last() == LogPosition{1});
  world.store.set_backlog(Backlog::replicas_wait);
  world.hear(ShardWorld::peer, write);
  const auto answers = world.take(ShardWorld::peer);
  REQUIRE(answers.size() == 1);
  const Bytes body = answers[0].substr(wire::header_bytes);
  const auto refusal = wire::decode<wire::ErrorReply>(body);
  REQUIRE(refusal);
  CHECK(refusal->code == ErrorCode::overloaded);
  CHECK(refusal->retry_after_ms > 0);
  CHECK(world.store.last() == LogPosition{1});
  world.hear(ShardWorld::peer, wire::ReplicaRead{.scope = world.scope(key), .key = key});
  CHECK(world.shard.status().waiting_for_log == 2);  // reads go on
}

TEST_CASE("a shard that stops says so, answers what is in progress, and waits for its clients") {
  ShardWorld world(1);
  world.hear(ShardWorld::client, ShardWorld::put("a", "value"));
  bool is_drained = false;
  world.shard.drain([&] { is_drained = true; });
  for (const auto connection : {ShardWorld::client, ShardWorld::peer}) {
    const auto said = world.take(connection);
    REQUIRE(said.size() == 1);
    CHECK(ShardWorld::kind(said[0]) == wire::Kind::go_away);
  }
  SUBCASE("until they hang up") {
    world.timers.advance(1s);
    CHECK_FALSE(is_drained);
    // what was sent before they heard it is served
    world.hear(ShardWorld::client, ShardWorld::put("b", "value", 2));
    world.store.sync();
    CHECK(world.take(ShardWorld::client).size() == 2);
    world.timers.advance(100ms);
    CHECK_FALSE(is_drained);
    world.shard.on_closed(ShardWorld::client, {});
    world.timers.advance(20ms);
    CHECK(is_drained);
  }
  SUBCASE("but not for ever") {
    world.timers.advance(limits::drain_most - 1ms);
    CHECK_FALSE(is_drained);
    world.timers.advance(20ms);
    CHECK(is_drained);
  }
  SUBCASE("and tells whoever comes late") {
    const ConnectionId late{3};
    world.shard.on_open(late, wire::Hello{.role = wire::Role::client});
    REQUIRE(world.take(late).size() == 1);
  }
}
