#include <doctest/doctest.h>

#include "node/shard.h"
#include "tests/unit/node/shard_world.h"

using namespace coterie;
using namespace std::chrono_literals;

namespace {

/// A world in which a put was acknowledged by nodes 1 and 2 and missed by node 3.
struct MissedPut : ShardWorld {
  MissedPut() {
    timers.advance(1ms);  // hints of earlier runs are counted: none
    hear(client, put("a", "value"));
    shard.on_open(link_to(2), wire::Hello{.role = wire::Role::peer, .node = node_id(2)});
    hear(link_to(2), wire::ReplicaWriteReply{}, request_id(link_to(2)));
    shard.on_closed(link_to(3), Error{.code = ErrorCode::closed, .message = "gone"});
    (void)take(ConnectionId{link_to(3)});
    store.sync();
  }
  std::uint64_t request_id(ConnectionId connection) {
    const auto frames = take(connection);
    REQUIRE(frames.size() == 1);
    return wire::decode_header(frames[0])->request_id;
  }
  /// What is sent to node 3 once it can be dialled again.
  std::vector<Bytes> next_to_three() {
    timers.advance(1s);
    shard.on_open(link_to(3), wire::Hello{.role = wire::Role::peer, .node = node_id(3)});
    timers.advance(1s);
    return take(link_to(3));
  }
};

}  // namespace

TEST_CASE("an owner that missed a put is sent the record of then, until it holds it") {
  MissedPut world;
  CHECK(world.shard.status().hints_left == 1);
  REQUIRE(world.shard.status().handoff.targets.size() == 1);
  CHECK(world.shard.status().handoff.targets[0].target == node_id(3));
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto frames = world.next_to_three();
    REQUIRE(frames.size() == 1);
    CHECK(ShardWorld::kind(frames[0]) == wire::Kind::replica_write);
    const Bytes body = frames[0].substr(wire::header_bytes);
    const auto write = wire::decode<wire::ReplicaWrite>(body);
    REQUIRE(write);
    const Bytes key = world.key("a");
    CHECK(write->key == key);
    // one owner's record does not stand in for a damaged one
    CHECK_FALSE(write->is_repair);
    CHECK(write->record == **world.store.get(Space::records, key));
    const auto id = wire::decode_header(frames[0])->request_id;
    if (attempt == 0) {
      world.hear(world.link_to(3),
                 wire::ErrorReply{.code = ErrorCode::unsure, .message = "being refilled"}, id);
      CHECK(world.shard.status().handoff.hints() == 1);
      CHECK(world.shard.status().handoff.targets[0].why == "being refilled");
    } else {
      world.hear(world.link_to(3), wire::ReplicaWriteReply{}, id);
      CHECK(world.shard.status().handoff.hints() == 0);
    }
  }
  world.timers.advance(10s);
  CHECK(world.take(world.link_to(3)).empty());
}

TEST_CASE("nothing is replayed to a node that gossip does not see alive") {
  MissedPut world;
  auto view = std::make_shared<RingView>(*world.view());
  view->peers[2].liveness = wire::Liveness::suspect;
  world.shard.set_view(view);
  CHECK(world.next_to_three().empty());
  REQUIRE(world.shard.status().handoff.targets.size() == 1);
  CHECK(world.shard.status().handoff.targets[0].state == transfer::HandoffStatus::State::away);
  world.shard.set_view(world.view());
  CHECK(world.next_to_three().size() == 1);
}

TEST_CASE("a shard whose store has stopped pushes nothing") {
  MissedPut world;
  world.store.set_state(StoreState::stopped, "a sync failed");
  CHECK(world.next_to_three().empty());
}
