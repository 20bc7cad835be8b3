#include "node/control/control.h"

#include <doctest/doctest.h>

#include "base/limits.h"
#include "base/wire/codec.h"
#include "ring/epoch_codec.h"
#include "tests/unit/node/changes.h"
#include "tests/unit/node/control/control_world.h"
#include "tests/unit/node/samples.h"

namespace coterie::control_test {

namespace {

using World = ControlWorld;

std::optional<ErrorCode> refusal(const Control& control, const wire::Hello& hello) {
  const auto admitted = control.admits(hello);
  return admitted ? std::nullopt : std::optional(admitted.error().code);
}

}  // namespace

TEST_CASE("the peer door is for members of the epoch, under its cluster's id") {
  World world;
  world.keep_epoch();
  const auto control = world.control();
  const ClusterId ours = sample_epoch()->cluster();
  const auto peer = [](ClusterId cluster, std::uint64_t node) {
    return wire::Hello{.role = wire::Role::peer, .cluster = cluster, .node = node_id(node)};
  };
  CHECK(refusal(*control, peer(ours, 2)) == std::nullopt);
  CHECK(refusal(*control, peer({}, 2)) == ErrorCode::refused);
  CHECK(refusal(*control, peer({.high = 5, .low = 5}, 2)) == ErrorCode::refused);
  CHECK(refusal(*control, peer(ours, 77)) == ErrorCode::refused);
}

TEST_CASE("clients, and nodes at the gossip door, need not know the cluster") {
  World world;
  world.keep_epoch();
  const auto control = world.control();
  for (const auto role : {wire::Role::client, wire::Role::control}) {
    CHECK(refusal(*control, {.role = role}) == std::nullopt);
    CHECK(refusal(*control, {.role = role, .cluster = sample_epoch()->cluster()}) == std::nullopt);
    CHECK(refusal(*control, {.role = role, .cluster = {.high = 5, .low = 5}}) ==
          ErrorCode::refused);
  }
}

TEST_CASE("before there is an epoch only the peer door is shut, and only for a while") {
  World world;
  const auto control = world.control();
  CHECK(refusal(*control, {.role = wire::Role::control, .node = node_id(2)}) == std::nullopt);
  CHECK(refusal(*control, {.role = wire::Role::client}) == std::nullopt);
  CHECK(refusal(*control, {.role = wire::Role::peer, .node = node_id(2)}) ==
        ErrorCode::unavailable);
}

TEST_CASE("a data directory with data and no epoch is not empty, and keeps no first epoch") {
  World world;
  for (const bool has_data : {false, true}) {
    const auto control = world.control(has_data);
    control->start(world.transport, world.datagrams);
    const Bytes info = world.ask(*control, wire::BirthInfo{});
    CHECK(wire::decode<wire::BirthInfoReply>(info)->is_empty == !has_data);
  }
  const auto control = world.control(true);
  control->start(world.transport, world.datagrams);
  const Bytes epoch = encode_epoch(*sample_epoch());
  const Bytes answer = world.ask(*control, wire::BirthAccept{.epoch = epoch});
  const auto refusal = wire::decode<wire::ErrorReply>(answer);
  REQUIRE(refusal);
  CHECK(refusal->code == ErrorCode::refused);
  CHECK(refusal->message.find("holds data but no epoch") != BytesView::npos);
}

namespace {

std::shared_ptr<const Epoch> second_epoch() {
  EpochContents contents = sample_epoch()->contents();
  contents.number.number += 1;
  contents.members.front().weight += 1;
  return std::make_shared<const Epoch>(*Epoch::make(std::move(contents)));
}

}  // namespace

TEST_CASE("a proposed epoch that most voters do not answer changes nothing, and it says who") {
  World world;
  world.keep_epoch();
  const auto control = world.control();
  control->start(world.transport, world.datagrams);
  std::optional<Result<void>> said;
  control->propose(second_epoch(), [&said](Result<void> result) { said = std::move(result); });
  CHECK_FALSE(said);
  std::optional<Result<void>> second;
  control->propose(second_epoch(), [&second](Result<void> result) { second = std::move(result); });
  REQUIRE(second);
  CHECK(second->error().code == ErrorCode::refused);
  world.timers.advance(limits::epoch_decision_most);
  REQUIRE(said);
  REQUIRE_FALSE(*said);
  CHECK(said->error().code == ErrorCode::unavailable);
  CHECK(said->error().message.find("2 of the 3 voters do not answer (" + short_name(node_id(2))) !=
        std::string::npos);
  CHECK(control->view()->epoch->number().number == 1);
}

TEST_CASE("an epoch that cannot follow is not proposed, nor is any before the first") {
  World world;
  std::optional<Result<void>> said;
  const auto note = [&said](Result<void> result) { said = std::move(result); };
  const auto young = world.control();
  young->propose(second_epoch(), note);
  REQUIRE(said);
  CHECK(said->error().code == ErrorCode::unavailable);
  world.keep_epoch();
  const auto control = world.control();
  control->start(world.transport, world.datagrams);
  control->propose(sample_epoch(), note);
  CHECK(said->error().code == ErrorCode::invalid_argument);
}

TEST_CASE("who asks what a change waits for is told what this node's shards keep of it") {
  World world;
  const auto before = sample_epoch(4);
  const PartitionId partition{5};
  const PartitionId other{6};
  NodeId to;
  for (const Member& member : before->members()) {
    if (!before->owns(member.id, partition)) to = member.id;
  }
  const auto open = opened(before, partition, before->owners(partition).front(), to);
  world.keep_epoch(open);
  const auto control = world.control(true);
  control->start(world.transport, world.datagrams);
  const auto now = open->configuration(partition);
  const auto note = [&control](wire::PartitionEvidence evidence) {
    control->note_evidence({.partitions = {std::move(evidence)}});
  };
  note({.partition = partition, .fenced = now, .covered = {}, .covered_at = now});
  note({.partition = other, .fenced = now, .covered = {}, .covered_at = {}});
  // What is told again, or late, takes nothing away.
  note({.partition = partition, .fenced = {}, .covered = {node_id(2)}, .covered_at = now});
  note({.partition = partition, .fenced = {}, .covered = {}, .covered_at = {}});
  const auto change = open->changes()[0].id;
  const Bytes answer = world.ask(*control, wire::ChangeEvidence{.change = change});
  const auto told = wire::decode<wire::ChangeEvidenceReply>(answer);
  REQUIRE(told);
  REQUIRE(told->partitions.size() == 1);
  CHECK(told->partitions[0].partition == partition);
  CHECK(told->partitions[0].fenced == now);
  CHECK(told->partitions[0].covered == std::vector{node_id(2)});
  CHECK(told->partitions[0].covered_at == now);
  const Bytes unknown = world.ask(*control, wire::ChangeEvidence{.change = change + 1});
  CHECK(wire::decode<wire::ChangeEvidenceReply>(unknown)->partitions.empty());
  REQUIRE(control->changes().size() == 1);
  CHECK(control->changes()[0].stage == Stage::open);
}

}  // namespace coterie::control_test
