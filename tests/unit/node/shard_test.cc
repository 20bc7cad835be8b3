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
