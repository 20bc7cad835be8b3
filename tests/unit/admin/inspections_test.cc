#include <doctest/doctest.h>

#include <vector>

#include "base/limits.h"
#include "node/inspections.h"
#include "tests/unit/admin/samples.h"
#include "tests/unit/node/hand_time.h"
#include "tests/unit/node/noting_transport.h"

using namespace coterie;
using namespace coterie::admin_samples;

namespace {

struct World {
  HandClock clock;
  HandTimers timers{clock};
  NotingTransport transport;
  PeerLinks links{clock, Random(1), [](ShardIndex theirs) { return wire::Hello{.shard = theirs}; }};
  PeerCalls calls{timers, links};
  std::vector<std::vector<Inspection>> done;

  World() {
    links.attach(transport);
    links.set_view(status_of().view);
  }
  void ask(std::vector<NodeId> others) {
    inspect(calls, {.scope = {.partition = PartitionId{3}}, .key = "key"}, others,
            {{node_id(1), LocalCopies::Inspected{}}},
            [this](auto answers) { done.push_back(std::move(answers)); });
  }
  [[nodiscard]] std::uint64_t id_of(std::size_t frame) const {
    return wire::decode_header(transport.sent[frame].second)->request_id;
  }
  template <class Message>
  bool reply(std::uint64_t id, const Message& message) {
    const Bytes frame = wire::encode(message, {.request_id = id});
    const Bytes body = frame.substr(wire::header_bytes);
    return calls.on_frame(*wire::decode_header(frame), body);
  }
};

}  // namespace

TEST_CASE("all answers come once, behind what is known") {
  World world;
  world.ask({node_id(2), node_id(3)});
  REQUIRE(world.transport.sent.size() == 2);
  CHECK(world.done.empty());
  CHECK(world.reply(world.id_of(1), wire::ReplicaInspectReply{.digest = 9, .leaf_records = 4}));
  CHECK(world.reply(world.id_of(0),
                    wire::ErrorReply{.code = ErrorCode::not_owner, .message = "no copy"}));
  REQUIRE(world.done.size() == 1);
  const auto& answers = world.done[0];
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].node == node_id(1));
  CHECK(answers[1].node == node_id(3));
  CHECK(answers[1].found->digest == 9);
  CHECK(answers[1].found->leaf.records == 4);
  CHECK(answers[2].found.error().message == "no copy");
  CHECK(world.timers.waiting() == 0);
  // Late, doubled or another's: not ours.
  CHECK_FALSE(world.reply(world.id_of(0), wire::ReplicaInspectReply{}));
  CHECK_FALSE(world.reply(17, wire::ReplicaInspectReply{}));
}

TEST_CASE("silence, lost links, unknown nodes and wrong frames end a question too") {
  World world;
  world.ask({node_id(2), node_id(3), node_id(9)});
  world.timers.advance(limits::inspection_patience);
  REQUIRE(world.done.size() == 1);
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(world.done[0][i].found.error().code == ErrorCode::unavailable);
  }

  world.ask({node_id(2), node_id(3)});
  const auto id = world.id_of(world.transport.sent.size() - 1);
  world.calls.on_peer_lost({.node = node_id(2), .shard = ShardIndex{1}});
  CHECK(world.reply(id, wire::ReplicaReadReply{}));
  REQUIRE(world.done.size() == 2);
  CHECK(world.done[1][1].node == node_id(2));
  CHECK(world.done[1][1].found.error().message == "the connection to its peer door failed");
  CHECK(world.done[1][2].found.error().code == ErrorCode::corrupt);

  world.ask({});
  CHECK(world.done.size() == 3);
}

TEST_CASE("questions in progress are bounded") {
  World world;
  for (std::size_t i = 0; i < limits::peer_calls_a_shard; ++i) world.ask({node_id(2)});
  CHECK(world.done.empty());
  world.ask({node_id(2)});
  REQUIRE(world.done.size() == 1);
  CHECK(world.done[0][1].found.error().code == ErrorCode::unavailable);
  world.timers.advance(limits::inspection_patience);
  CHECK(world.done.size() == limits::peer_calls_a_shard + 1);
}
