#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/node/shard_world.h"

using namespace coterie;

namespace {

/// Node 1 of five, asked for a key that it does not own, with links to its owners.
struct Asked : ShardWorld {
  Asked() : ShardWorld(5) {
    for (int i = 0; i < 1000 && text.empty(); ++i) {
      const std::string candidate = "key-" + std::to_string(i);
      const auto partition = epoch->partition(epoch->token(BucketId{1}, candidate));
      if (!epoch->owns(node_id(1), partition)) text = candidate;
    }
    // The first try dials; from then on there are links.
    hear(client, put(text, "value", 99));
    const auto partition = epoch->partition(epoch->token(BucketId{1}, text));
    for (const NodeId owner : epoch->owners(partition)) {
      const auto link = link_to(owner.low);
      if (link == ConnectionId{}) continue;
      shard.on_open(link, wire::Hello{.role = wire::Role::peer, .node = owner});
    }
  }

  struct Sent {
    ConnectionId to;
    std::uint64_t id = 0;
  };
  /// Puts that were passed on since the last call.
  std::vector<Sent> passed_on() {
    std::vector<Sent> out;
    for (std::size_t i = 0; i < transport.dialled.size(); ++i) {
      const ConnectionId link{NotingTransport::first_dialled + i};
      for (const auto& frame : take(link)) {
        if (kind(frame) != wire::Kind::put) continue;
        out.push_back({.to = link, .id = wire::decode_header(frame)->request_id});
      }
    }
    return out;
  }
  void answer(const Sent& sent, ErrorCode code) {
    hear(sent.to, wire::ErrorReply{.code = code, .message = "no"}, sent.id);
    // Whoever was dialled for it answers its hello.
    for (std::size_t i = 0; i < transport.dialled.size(); ++i) {
      const auto port = transport.dialled[i].first.port;
      shard.on_open(ConnectionId{NotingTransport::first_dialled + i},
                    wire::Hello{.role = wire::Role::peer, .node = node_id(port - 7000U)});
    }
  }

  std::string text;
};

}  // namespace

TEST_CASE("a put that its owner refuses, not executed, is passed on to another owner") {
  Asked world;
  (void)world.passed_on();
  world.hear(ShardWorld::client, ShardWorld::put(world.text, "value", 5));
  std::vector<ConnectionId> asked;
  for (int owner = 0; owner < 3; ++owner) {
    const auto sent = world.passed_on();
    REQUIRE(sent.size() == 1);
    CHECK(std::ranges::count(asked, sent[0].to) == 0);
    asked.push_back(sent[0].to);
    CHECK(world.take(ShardWorld::client).empty());
    world.answer(sent[0], ErrorCode::unavailable);
  }
  CHECK(world.passed_on().empty());
  const auto told = world.take(ShardWorld::client);
  REQUIRE(told.size() == 1);
  CHECK(ShardWorld::error(told[0]) == ErrorCode::unavailable);
  // Nobody has it: the next try may go to anybody.
  world.hear(ShardWorld::client, ShardWorld::put(world.text, "value", 5));
  const auto again = world.passed_on();
  REQUIRE(again.size() == 1);
  CHECK(again[0].to == asked[0]);
}

TEST_CASE("one that was tried before stays with the owner that may have executed it") {
  Asked world;
  (void)world.passed_on();
  world.hear(ShardWorld::client, ShardWorld::put(world.text, "value", 5));
  world.hear(ShardWorld::client, ShardWorld::put(world.text, "value", 5));
  const auto sent = world.passed_on();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].to == sent[1].to);
  world.answer(sent[0], ErrorCode::unavailable);
  CHECK(world.passed_on().empty());
  CHECK(world.take(ShardWorld::client).size() == 1);
}

TEST_CASE("what another owner would refuse, too, and what may have been executed, is answered") {
  for (const auto code :
       {ErrorCode::too_large, ErrorCode::overloaded, ErrorCode::unknown_outcome}) {
    Asked world;
    (void)world.passed_on();
    world.hear(ShardWorld::client, ShardWorld::put(world.text, "value", 5));
    const auto sent = world.passed_on();
    REQUIRE(sent.size() == 1);
    world.answer(sent[0], code);
    CHECK(world.passed_on().empty());
    const auto told = world.take(ShardWorld::client);
    REQUIRE(told.size() == 1);
    CHECK(ShardWorld::error(told[0]) == code);
  }
}
