#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "node/transfer/handoff.h"
#include "storage/record.h"
#include "tests/unit/node/changes.h"
#include "tests/unit/transfer/handoff_world.h"

using namespace coterie;
using namespace coterie::transfer;
using namespace std::chrono_literals;

namespace {

/// Node 4 of 4 keeps records for owners of partitions that it does not own.
struct FallbackWorld : World {
  FallbackWorld() : World(4) { start({}, node_id(4)); }
  void start(Handoff::Options options, NodeId self) {
    handoff.reset();
    options.self = self;
    handoff = std::make_unique<Handoff>(Handoff::Environment{.clock = clock,
                                                             .timers = timers,
                                                             .store = store,
                                                             .records = *hints,
                                                             .port = port,
                                                             .log = log},
                                        options, Random(3));
    handoff->on_view(epoch);
    timers.advance(1s);
  }
  PartitionId foreign() const {
    for (std::uint32_t p = 0;; ++p) {
      if (!epoch->owns(node_id(4), PartitionId{p})) return PartitionId{p};
    }
  }
  void keep(NodeId target, std::uint64_t actor = 1, std::uint8_t owners = 2) {
    Record record;
    record.context.add({.actor = ActorId{actor}, .sequence = 1});
    record.siblings.push_back({.dot = {.actor = ActorId{actor}, .sequence = 1}, .value = "v"});
    REQUIRE(hints->keep({.target = target,
                         .partition = foreign(),
                         .key = "key",
                         .record = encode_record("key", record),
                         .generation = Generation{3},
                         .owners = owners},
                        clock.wall_now()));
    timers.advance(1s);
  }
  std::vector<NodeId> owners() const {
    const auto of = epoch->owners(foreign());
    return {of.begin(), of.end()};
  }
};

}  // namespace

TEST_CASE("a record goes to its target first, then to others, and its hint when W hold it") {
  FallbackWorld world;
  const auto target = world.owners()[1];
  world.keep(target);
  REQUIRE(world.port.sent.size() == 1);
  CHECK(world.port.sent[0].to == target);
  CHECK(world.port.sent[0].scope.generation == Generation{3});
  CHECK_FALSE(world.port.sent[0].is_repair);
  world.port.answer();
  REQUIRE(world.port.sent.size() == 1);
  CHECK(world.port.sent[0].to == world.owners()[0]);
  CHECK(world.only().kind == HintKind::record);
  CHECK(world.handoff->counted_hints(target) == 1);
  CHECK(world.handoff->cancel(target) == 0);
  CHECK(world.hints_left() == 1);  // one of two
  world.port.answer();
  CHECK(world.hints_left() == 0);
  CHECK(world.handoff->status().records.held == 1);
}

TEST_CASE("the target alone is not enough: the hint stays until W owners hold the record") {
  FallbackWorld world;
  const auto target = world.owners()[0];
  world.port.reaches[world.owners()[1]] = HandoffPort::Reach::away;
  world.port.reaches[world.owners()[2]] = HandoffPort::Reach::away;
  world.keep(target);
  world.port.answer();
  CHECK(world.port.sent.empty());
  CHECK(world.hints_left() == 1);
  CHECK(world.only().why.find("only 1 of the 2 owners") != std::string::npos);
  world.timers.advance(24h);
  world.port.answer_all();
  CHECK(world.hints_left() == 1);  // however old
  world.port.reaches.clear();
  world.handoff->on_view(world.epoch);
  for (int i = 0; i < 5; ++i) {
    world.timers.advance(10s);
    world.port.answer_all();
  }
  CHECK(world.hints_left() == 0);
}

TEST_CASE("while the target is away other owners take the record, if they are enough") {
  FallbackWorld world;
  const auto target = world.owners()[0];
  world.port.reaches[target] = HandoffPort::Reach::away;
  world.port.reaches[world.owners()[1]] = HandoffPort::Reach::away;
  world.keep(target);
  CHECK(world.port.sent.empty());
  world.port.reaches.erase(world.owners()[1]);
  world.timers.advance(10s);
  REQUIRE(world.port.sent.size() == 1);
  CHECK(world.port.sent[0].to != target);
  world.port.answer();
  REQUIRE(world.port.sent.size() == 1);
  CHECK(world.port.sent[0].to != target);
  world.port.answer();
  CHECK(world.hints_left() == 0);
}

TEST_CASE("what was merged into a hint while its record was on the way is sent, too") {
  FallbackWorld world;
  world.keep(world.owners()[0], 1);
  world.keep(world.owners()[0], 2);
  world.port.answer();
  world.port.answer();
  CHECK(world.hints_left() == 1);
  world.timers.advance(1s);
  REQUIRE(world.port.sent.size() == 1);
  CHECK(decode_record("key", world.port.sent[0].record)->siblings.size() == 2);
  world.port.answer_all();
  CHECK(world.hints_left() == 0);
}

TEST_CASE("a hint from before a purge came back with old data: it goes") {
  FallbackWorld world;
  world.keep(world.owners()[0]);
  world.port.answer(std::unexpected(
      Error{.code = ErrorCode::stale_configuration, .message = "purged", .generation = 4}));
  CHECK(world.hints_left() == 0);
  CHECK(world.handoff->status().records.outdated == 1);
  world.keep(world.owners()[0]);
  world.port.answer(
      std::unexpected(Error{.code = ErrorCode::stale_configuration, .message = "another epoch"}));
  CHECK(world.hints_left() == 1);
}

TEST_CASE(
    "while owners change, a hint goes when W of the old and W of the new ones hold its record") {
  FallbackWorld world;
  const auto owners = world.owners();
  const auto target = owners[2];
  world.epoch = opened(world.epoch, world.foreign(), target, node_id(4));
  world.handoff->on_view(world.epoch);
  world.keep(target);
  REQUIRE(world.port.sent.size() == 1);
  CHECK(world.port.sent[0].to == target);
  CHECK(world.port.sent[0].scope.configuration == ConfigurationNumber{2});
  world.port.answer();
  REQUIRE(world.port.sent.size() == 1);
  CHECK(world.port.sent[0].to == owners[0]);
  world.port.answer();
  // Two of the old owners; of the new ones this node is one, and what it has is the hint.
  REQUIRE(world.port.sent.size() == 1);
  CHECK(world.port.sent[0].to == owners[1]);
  SUBCASE("") {
    world.port.answer();
    CHECK(world.hints_left() == 0);
  }
  SUBCASE("an answer under an earlier configuration counts no more") {
    world.epoch = stepped(world.epoch, transition::Step::abort);
    world.handoff->on_view(world.epoch);
    world.port.answer();
    CHECK(world.hints_left() == 1);
    world.timers.advance(60s);
    REQUIRE(world.port.sent.size() == 1);
    CHECK(world.port.sent[0].to == target);
    CHECK(world.port.sent[0].scope.configuration == ConfigurationNumber{3});
  }
}
