#include "node/transfer/handoff.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/node/changes.h"
#include "tests/unit/transfer/handoff_world.h"

using namespace coterie;
using namespace coterie::transfer;
using namespace std::chrono_literals;

TEST_CASE("a hint waits while its target is away, and is replayed and dropped when it is back") {
  World world;
  world.port.reaches[node_id(2)] = HandoffPort::Reach::away;
  const Bytes key = world.leave();
  world.timers.advance(1h);
  CHECK(world.port.sent.empty());
  CHECK(world.only().state == HandoffStatus::State::away);
  world.port.records[key] = "a newer record";
  world.port.reaches.clear();
  world.handoff->on_view(world.epoch);
  world.timers.advance(1s);
  REQUIRE(world.port.sent.size() == 1);
  const auto& sent = world.port.sent[0];
  CHECK(sent.to == node_id(2));
  CHECK(sent.key == key);
  CHECK(sent.record == "a newer record");
  CHECK_FALSE(sent.is_repair);
  CHECK(sent.durability == wire::Durability::commit);
  CHECK(sent.scope.generation == Generation{5});
  CHECK(world.hints_left() == 1);  // sent is not held
  world.port.answer();
  CHECK(world.hints_left() == 0);
  CHECK(world.handoff->status().replayed == 1);
}

TEST_CASE("a write that is missed while the replay is under way keeps the hint") {
  World world;
  const Bytes key = world.leave();
  world.timers.advance(1s);
  REQUIRE(world.port.sent.size() == 1);
  world.port.records[key] = "second";
  world.handoff->leave(world.partition(key), key, node_id(2));
  world.port.answer();
  CHECK(world.hints_left() == 1);
  world.timers.advance(1s);
  REQUIRE(world.port.sent.size() == 1);
  CHECK(world.port.sent[0].record == "second");
  world.port.answer();
  CHECK(world.hints_left() == 0);
}

TEST_CASE("what the target does not answer stays, and is tried again after a growing pause") {
  World world;
  (void)world.leave();
  world.timers.advance(1s);
  Duration before{};
  for (int attempt = 0; attempt < 4; ++attempt) {
    CAPTURE(attempt);
    REQUIRE(world.port.sent.size() == 1);
    world.port.answer(fail(ErrorCode::unavailable, "no answer"));
    CHECK(world.hints_left() == 1);
    CHECK(world.only().state == HandoffStatus::State::refused);
    CHECK(world.only().why == "no answer");
    Duration waited{};
    while (world.port.sent.empty()) {
      world.timers.advance(10ms);
      waited += 10ms;
      REQUIRE(waited < 10s);
    }
    CHECK(waited >= before / 2);
    before = waited;
  }
  world.port.answer();
  CHECK(world.hints_left() == 0);
}

TEST_CASE("all hints get through a window that never overflows, slower while clients wait") {
  World world;
  world.start({.window = 16});
  world.port.reaches[node_id(2)] = HandoffPort::Reach::away;
  for (int i = 0; i < 1000; ++i) (void)world.leave();
  world.port.reaches.clear();
  world.port.busy = true;
  world.handoff->on_view(world.epoch);
  world.timers.advance(1s);
  CHECK(world.port.sent.size() == 2);
  world.port.busy = false;
  std::size_t answered = 0;
  while (world.hints_left() > 0) {
    CHECK(world.port.sent.size() <= 16);
    if (world.port.sent.empty()) {
      world.timers.advance(10ms);
      REQUIRE(world.clock.time < Instant(3h));
    } else {
      world.port.answer();
      ++answered;
    }
  }
  CHECK(answered == 1000);
}

TEST_CASE("records go at the configured rate") {
  World world;
  world.start({.bytes_a_second = 100'000, .window = 1000});
  world.port.reaches[node_id(2)] = HandoffPort::Reach::away;
  for (int i = 0; i < 300; ++i) {
    const Bytes key = world.leave();
    world.port.records[key] = Bytes(1000, 'v');
  }
  world.port.reaches.clear();
  world.handoff->on_view(world.epoch);
  std::size_t sent = 0;
  for (int i = 0; i < 100; ++i) {
    world.timers.advance(10ms);
    sent += world.port.sent.size();
    world.port.answer_all();
  }
  // 1.1 s' worth of them, the burst counted, at about 1,150 bytes each.
  CHECK(sent > 85);
  CHECK(sent < 105);
}

TEST_CASE("owners are recomputed: a target that owns the partition no more gets nothing") {
  World world(5);
  Bytes key = world.new_key();
  while (world.epoch->owns(node_id(2), world.partition(key))) {
    key = world.new_key(node_id(1));
  }
  world.handoff->leave(world.partition(key), key, node_id(2));
  world.timers.advance(1s);
  CHECK(world.port.sent.empty());
  CHECK(world.hints_left() == 0);
  CHECK(world.handoff->status().forgotten == 1);
  CHECK(world.handoff->needs_repair().empty());
}

TEST_CASE("a restart forgets the hints for those that are no owners, even of the dead") {
  World world(5);
  world.port.reaches[node_id(2)] = HandoffPort::Reach::away;
  Bytes key = world.new_key();
  while (world.epoch->owns(node_id(2), world.partition(key))) key = world.new_key(node_id(1));
  world.handoff->leave(world.partition(key), key, node_id(2));
  (void)world.leave();
  CHECK(world.hints_left() == 2);
  world.start();
  CHECK(world.hints_left() == 1);
}

TEST_CASE("a hint whose record is gone is dropped") {
  World world;
  const Bytes key = world.new_key();
  world.port.records.erase(key);
  world.handoff->leave(world.partition(key), key, node_id(2));
  world.timers.advance(1s);
  CHECK(world.port.sent.empty());
  CHECK(world.hints_left() == 0);
}

TEST_CASE("a partition that is refused does not hold up the others") {
  World world;
  world.start({.window = 4});
  world.port.reaches[node_id(2)] = HandoffPort::Reach::away;
  for (int i = 0; i < 200; ++i) (void)world.leave();
  world.port.reaches.clear();
  world.handoff->on_view(world.epoch);
  world.timers.advance(1s);
  REQUIRE_FALSE(world.port.sent.empty());
  const PartitionId bad = world.port.sent[0].scope.partition;
  const auto turn = [&] {
    for (int i = 0; i < 400 && !world.port.sent.empty(); ++i) {
      const bool is_bad = world.port.sent[0].scope.partition == bad;
      world.port.answer(is_bad ? Result<void>(fail(ErrorCode::unsure, "it is being refilled"))
                               : Result<void>());
    }
  };
  turn();
  const std::uint64_t left = world.hints_left();
  CHECK(left > 0);
  CHECK(left < 50);
  CHECK(world.handoff->status().replayed == 200 - left);
  CHECK(world.only().why == "it is being refilled");
  for (int i = 0; i < 10; ++i) {
    world.timers.advance(1s);
    turn();
  }
  CHECK(world.hints_left() == left);
  for (int i = 0; i < 20 && world.hints_left() > 0; ++i) {
    world.timers.advance(5s);
    world.port.answer_all();
  }
  CHECK(world.hints_left() == 0);
}

TEST_CASE("a copy that may lack data is not pushed, one too large is left") {
  World world;
  world.port.copy_error = Error{.code = ErrorCode::unsure, .message = "may lack data"};
  const Bytes key = world.leave();
  world.timers.advance(1s);
  CHECK(world.port.sent.empty());
  CHECK(world.hints_left() == 1);
  CHECK(world.only().why == "this node's copy: may lack data");
  world.port.copy_error.reset();
  world.port.records[key] = Bytes(limits::frame_bytes, 'v');
  world.timers.advance(1min);
  CHECK(world.port.sent.empty());
  CHECK(world.hints_left() == 1);
  world.port.records[key] = "small";
  world.timers.advance(1min);
  CHECK(world.port.sent.size() == 1);
}

TEST_CASE("pause, resume, and what cannot be sent to") {
  World world;
  world.handoff->pause();
  (void)world.leave();
  world.timers.advance(1min);
  CHECK(world.port.sent.empty());
  CHECK(world.only().state == HandoffStatus::State::paused);
  world.start();
  world.timers.advance(1min);
  CHECK(world.port.sent.empty());
  CHECK(world.only().state == HandoffStatus::State::paused);
  CHECK(world.only().hints == 1);
  CHECK(world.handoff->status().needs_repair == 0);  // the pause is no mark
  world.port.refuses_sends = true;
  world.handoff->resume();
  world.timers.advance(1s);
  CHECK(world.only().state == HandoffStatus::State::refused);
  world.port.refuses_sends = false;
  world.port.reaches[node_id(2)] = HandoffPort::Reach::unreachable;
  world.timers.advance(10s);
  CHECK(world.only().state == HandoffStatus::State::unreachable);
  CHECK(world.port.sent.empty());
  world.port.reaches.clear();
  world.timers.advance(1s);
  CHECK(world.port.sent.size() == 1);
}

TEST_CASE("cancel gives the hints up and marks their partitions, until those are repaired") {
  World world;
  world.port.reaches[node_id(2)] = HandoffPort::Reach::away;
  const Bytes key = world.leave();
  world.leave(node_id(3));
  CHECK(world.handoff->cancel(node_id(2)) == 1);
  CHECK(world.handoff->cancel(node_id(7)) == 0);
  world.timers.advance(1s);
  REQUIRE(world.hints_left() == 1);
  CHECK(world.only().target == node_id(3));
  const auto marks = world.handoff->needs_repair();
  REQUIRE(marks.size() == 1);
  CHECK(marks[0].partition == world.partition(key));
  CHECK(marks[0].target == node_id(2));
  world.handoff->repaired(marks[0]);
  CHECK(world.handoff->needs_repair().empty());
}

TEST_CASE("after a restart what was left is replayed") {
  World world;
  world.port.reaches[node_id(2)] = HandoffPort::Reach::away;
  for (int i = 0; i < 2100; ++i) (void)world.leave();
  world.port.reaches.clear();
  world.start();
  for (int i = 0; i < 10000 && world.hints_left() > 0; ++i) {
    world.timers.advance(1ms);
    world.port.answer_all();
  }
  CHECK(world.hints_left() == 0);
  CHECK(world.handoff->status().replayed == 2100);
}

TEST_CASE(
    "hints follow the owners: a new one is sent what it missed, and who gave up sends nothing") {
  World world(4);
  const Bytes key = world.new_key();
  const auto partition = world.partition(key);
  NodeId arriving;
  for (const auto& member : world.epoch->members()) {
    if (!world.epoch->owns(member.id, partition)) arriving = member.id;
  }
  world.epoch = opened(world.epoch, partition, node_id(1), arriving);
  world.handoff->on_view(world.epoch);
  world.handoff->leave(partition, key, arriving);
  world.timers.advance(std::chrono::seconds(1));
  REQUIRE(world.port.sent.size() == 1);
  CHECK(world.port.sent[0].to == arriving);
  CHECK(world.hints_left() == 1);
  world.epoch = stepped(world.epoch, transition::Step::cut_over);
  world.handoff->on_view(world.epoch);
  CHECK(world.hints_left() == 1);
  world.epoch = stepped(world.epoch, transition::Step::finish);
  world.handoff->on_view(world.epoch);
  world.timers.advance(std::chrono::seconds(1));
  CHECK(world.hints_left() == 0);
  CHECK(world.handoff->status().forgotten == 1);
}
