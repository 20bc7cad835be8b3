#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/node/changes.h"
#include "tests/unit/node/shard_world.h"

using namespace coterie;

namespace {

/// Of the four nodes' ring, a partition that node 1 owns, a key in it, and one who does not own it.
struct Changing : ShardWorld {
  Changing() : ShardWorld(4) {
    for (int i = 0; text.empty(); ++i) {
      const std::string candidate = "key" + std::to_string(i);
      partition = epoch->partition(epoch->token(BucketId{1}, candidate));
      const auto owners = epoch->owners(partition);
      if (!epoch->owns(node_id(1), partition)) continue;
      text = candidate;
      leaving = owners[0] == node_id(1) ? owners[1] : owners[0];
    }
    for (const auto& member : epoch->members()) {
      if (!epoch->owns(member.id, partition)) arriving = member.id;
    }
    open = opened(epoch, partition, leaving, arriving);
  }
  void hear_of(const EpochPtr& later) {
    epoch = later;
    shard.set_view(view());
  }

  std::string text;
  PartitionId partition;
  NodeId leaving;
  NodeId arriving;
  EpochPtr open;
};

}  // namespace

TEST_CASE("a request under a configuration that is not known here waits for its epoch") {
  Changing world;
  const Bytes stored = world.key(world.text);
  auto scope = world.scope(stored);
  scope.configuration = world.open->configuration(world.partition);
  world.hear(ShardWorld::peer, wire::ReplicaRead{.scope = scope, .key = stored}, 3);
  CHECK(world.take(ShardWorld::peer).empty());
  CHECK(world.mesh.sought == std::vector{node_id(2)});
  SUBCASE("and is served then") {
    world.hear_of(world.open);
    const auto answers = world.take(ShardWorld::peer);
    REQUIRE(answers.size() == 1);
    CHECK(ShardWorld::kind(answers[0]) == wire::Kind::replica_read_reply);
    CHECK(wire::decode_header(answers[0].substr(0, wire::header_bytes))->request_id == 3);
  }
  SUBCASE("or not at all, where its sender has gone") {
    world.shard.on_closed(ShardWorld::peer, {});
    world.hear_of(world.open);
    CHECK(world.take(ShardWorld::peer).empty());
  }
}

TEST_CASE("who asks under an older configuration is told so, and of the epoch") {
  Changing world;
  const Bytes stored = world.key(world.text);
  const auto before = world.scope(stored);
  world.hear_of(world.open);
  world.hear(ShardWorld::peer, wire::ReplicaRead{.scope = before, .key = stored});
  const auto answers = world.take(ShardWorld::peer);
  REQUIRE(answers.size() == 1);
  const Bytes body = answers[0].substr(wire::header_bytes);
  const auto error = wire::decode<wire::ErrorReply>(body);
  CHECK(error->code == ErrorCode::stale_configuration);
  CHECK(error->generation == 0);
  CHECK(error->epoch == world.open->number());
}

TEST_CASE("a put that an owner refuses for its configuration asks for the epoch and goes on") {
  Changing world;
  world.hear(ShardWorld::client, ShardWorld::put(world.text, "value"));
  world.store.sync();
  std::vector<std::pair<NodeId, ConnectionId>> links;
  for (std::size_t i = 0; i < world.transport.dialled.size(); ++i) {
    const NodeId node = node_id(world.transport.dialled[i].first.port - 7000U);
    links.emplace_back(node, ConnectionId{NotingTransport::first_dialled + i});
    world.shard.on_open(links.back().second, wire::Hello{.role = wire::Role::peer, .node = node});
  }
  REQUIRE(links.size() == 2);
  for (const auto& [node, link] : links) {
    const auto asked = world.take(link);
    REQUIRE(asked.size() == 1);
    const auto id = wire::decode_header(asked[0].substr(0, wire::header_bytes))->request_id;
    world.hear(
        link,
        wire::ErrorReply{.code = ErrorCode::stale_configuration, .epoch = world.open->number()},
        id);
  }
  CHECK(world.mesh.sought.size() == 2);
  CHECK(world.take(ShardWorld::client).empty());
  world.hear_of(world.open);
  for (const auto& [node, link] : links) {
    const auto asked = world.take(link);
    REQUIRE(asked.size() == 1);
    const Bytes body = asked[0].substr(wire::header_bytes);
    const auto write = wire::decode<wire::ReplicaWrite>(body);
    REQUIRE(write);
    CHECK(write->scope.configuration == world.open->configuration(world.partition));
    const auto id = wire::decode_header(asked[0].substr(0, wire::header_bytes))->request_id;
    world.hear(link, wire::ReplicaWriteReply{}, id);
  }
  const auto answers = world.take(ShardWorld::client);
  REQUIRE(answers.size() == 1);
  CHECK(ShardWorld::kind(answers[0]) == wire::Kind::put_reply);
  CHECK(world.transport.dialled.size() == 3);
}

TEST_CASE("what a client asks of a leaving owner after the cut-over is passed on") {
  Changing world;
  auto epoch = opened(world.epoch, world.partition, node_id(1), world.arriving);
  world.hear_of(epoch);
  world.hear_of(stepped(epoch, transition::Step::cut_over));
  world.hear(ShardWorld::client, ShardWorld::get(world.text));
  CHECK(world.shard.status().forwarded == 1);
  // Whoever passes it on to this node has not heard of the cut-over.
  auto get = ShardWorld::get(world.text);
  get.forwarded = true;
  world.hear(ShardWorld::peer, get);
  CHECK(world.shard.status().coordinator.gets == 1);
}

TEST_CASE("a put goes on when its coordinator owns the key no more, at those who do") {
  Changing world;
  auto epoch = opened(world.epoch, world.partition, node_id(1), world.arriving);
  world.hear_of(epoch);
  world.hear(ShardWorld::client, ShardWorld::put(world.text, "value"));
  world.store.sync();
  for (std::size_t i = 0; i < world.transport.dialled.size(); ++i) {
    const NodeId node = node_id(world.transport.dialled[i].first.port - 7000U);
    const ConnectionId link{NotingTransport::first_dialled + i};
    world.shard.on_open(link, wire::Hello{.role = wire::Role::peer, .node = node});
    (void)world.take(link);
  }
  epoch = stepped(epoch, transition::Step::cut_over);
  world.hear_of(epoch);
  const auto final_epoch = stepped(epoch, transition::Step::finish);
  world.hear_of(final_epoch);
  std::size_t asked = 0;
  for (const NodeId owner : final_epoch->owners(world.partition)) {
    const auto link = world.link_to(owner.low);
    const auto frames = world.take(link);
    REQUIRE(frames.size() == 1);
    const Bytes body = frames[0].substr(wire::header_bytes);
    const auto write = wire::decode<wire::ReplicaWrite>(body);
    REQUIRE(write);
    CHECK(write->scope.configuration == final_epoch->configuration(world.partition));
    CHECK(!write->record.empty());
    // This node's own copy counts for nothing any more.
    CHECK(world.take(ShardWorld::client).empty());
    if (++asked > 2) break;
    const auto id = wire::decode_header(frames[0].substr(0, wire::header_bytes))->request_id;
    world.hear(link, wire::ReplicaWriteReply{}, id);
    if (asked < 2) continue;
    const auto answers = world.take(ShardWorld::client);
    REQUIRE(answers.size() == 1);
    CHECK(ShardWorld::kind(answers[0]) == wire::Kind::put_reply);
  }
  CHECK(asked == 3);
  // What an owner does not take is left to the others to bring it: there is nothing here to replay.
  CHECK(world.shard.status().hints_left == 0);
}

TEST_CASE("a put tried again at a leaving owner is not begun by another") {
  Changing world;
  auto epoch = opened(world.epoch, world.partition, node_id(1), world.arriving);
  world.hear_of(epoch);
  const auto leave = [&] { world.hear_of(stepped(epoch, transition::Step::cut_over)); };
  auto put = ShardWorld::put(world.text, "value");
  put.id = RequestId{7, 7};
  const auto told = [&]() -> std::optional<ErrorCode> {
    const auto answers = world.take(ShardWorld::client);
    if (answers.size() != 1) return std::nullopt;
    const Bytes body = answers[0].substr(wire::header_bytes);
    const auto error = wire::decode<wire::ErrorReply>(body);
    return error ? std::optional(error->code) : std::nullopt;
  };
  SUBCASE("this node began it") {
    world.hear(ShardWorld::client, put);
    leave();
    world.hear(ShardWorld::client, put);
    CHECK(told() == ErrorCode::unknown_outcome);
    CHECK(world.shard.status().forwarded == 0);
  }
  SUBCASE("it was passed on") {
    leave();
    const auto puts_sent = [&] {
      std::vector<ConnectionId> to;
      for (std::size_t i = 0; i < world.transport.dialled.size(); ++i) {
        const ConnectionId link{NotingTransport::first_dialled + i};
        for (const auto& frame : world.take(link)) {
          if (ShardWorld::kind(frame) == wire::Kind::put) to.push_back(link);
        }
      }
      return to;
    };
    for (std::size_t i = 0; i < world.transport.dialled.size(); ++i) {
      world.shard.on_open(
          ConnectionId{NotingTransport::first_dialled + i},
          wire::Hello{.role = wire::Role::peer,
                      .node = node_id(world.transport.dialled[i].first.port - 7000U)});
    }
    world.hear(ShardWorld::client, put);
    const auto first = puts_sent();
    REQUIRE(first.size() == 1);
    world.hear(ShardWorld::client, put);
    CHECK(puts_sent() == first);
    world.shard.on_closed(first[0], Error{.code = ErrorCode::closed, .message = "by the test"});
    (void)world.take(ShardWorld::client);
    world.hear(ShardWorld::client, put);
    CHECK(told() == ErrorCode::unknown_outcome);
    CHECK(puts_sent().empty());
  }
}
