#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "client/admin_tool/repair_views.h"
#include "client/admin_tool/transfer_views.h"
#include "node/admin/repair_admin.h"
#include "storage/key.h"
#include "tests/unit/admin/samples.h"

namespace coterie::repair_test {

using namespace coterie::admin;
using namespace coterie::admin_samples;
using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

namespace {

constexpr WallTime now(1h);

/// A verify on two shards, one of which has ended.
NodeStatus with_command() {
  NodeStatus status = status_of();
  for (auto& shard : status.shards) {
    auto& of_shard = shard.anti_entropy;
    of_shard.is_enabled = true;
    of_shard.command = transfer::RepairCommand{.action = transfer::RepairAction::verify,
                                               .began = now - 10s,
                                               .ended = now - 1s,
                                               .partitions = 30,
                                               .partitions_done = 30,
                                               .differing = 2,
                                               .bytes = 1000};
  }
  auto& second = status.shards[1].anti_entropy;
  second.command->ended.reset();
  second.command->partitions_done = 10;
  second.command->left = 20s;
  const Bytes key = *encode_key({.token = Token{1},
                                 .bucket = status.view->epoch->buckets()[0].id,
                                 .partition_key = "apple",
                                 .sort_key = "\xff"});
  second.command->keys = {{.partition = PartitionId{3}, .other = node_id(2), .key = key}};
  second.verified = {{PartitionId{3}, now - 60s}, {PartitionId{5}, now - 90s}};
  second.refilling = {PartitionId{7}};
  return status;
}

std::string merged_of(const NodeStatus& status) {
  return admin_tool::merge_answers(
      {{to_hex(node_id(1)),
        admin_tool::Fetched{.status = 200, .body = repair_document(status, now), .at = now}}});
}

}  // namespace

TEST_CASE("a command is that of all shards, and goes on while one does") {
  const auto document = Json::parse(repair_document(with_command(), now));
  const auto& command = document["command"];
  CHECK(command["action"] == "verify");
  CHECK(command["partitions"] == 60);
  CHECK(command["partitions_done"] == 40);
  CHECK(command["differing"] == 4);
  CHECK(command["ended_ms"].is_null());
  CHECK(command["left_s"] == 20);
  REQUIRE(command["keys"].size() == 1);
  CHECK(command["keys"][0]["key"] == "apple");
  CHECK(command["keys"][0]["sort_key_base64"] == "/w==");
  CHECK(document["verified"]["oldest_ms"] == (now - 90s).time_since_epoch().count());
  CHECK(document["refilling"][0] == 7);
  CHECK(Json::parse(repair_document(status_of(), now))["command"].is_null());
}

TEST_CASE("a command of before says nothing of the one that goes on") {
  NodeStatus status = with_command();
  status.shards[0].anti_entropy.command->began = now - 1h;
  const auto command = Json::parse(repair_document(status, now))["command"];
  CHECK(command["partitions"] == 30);
  CHECK(command["partitions_done"] == 10);
}

TEST_CASE("progress is told of those that were asked, and the end when all have ended") {
  NodeStatus status = with_command();
  const auto asked = admin_tool::repair_progress(merged_of(status), {to_hex(node_id(1))});
  REQUIRE(asked);
  CHECK_FALSE(asked->is_over);
  CHECK(asked->left_s == 20);
  CHECK(admin_tool::progress_text(*asked) ==
        "40 of 60 pairs of copies compared, 4 keys differ, 0 repaired, 2.00 kB, 20 s left");
  CHECK(admin_tool::repair_progress(merged_of(status), {})->partitions == 0);
  status.shards[1].anti_entropy.command->ended = now;
  CHECK(admin_tool::repair_progress(merged_of(status), {to_hex(node_id(1))})->is_over);
  CHECK(admin_tool::repair_progress("{}", {}).error().code == ErrorCode::corrupt);
}

TEST_CASE("a verify that found something is not well, a repair that repaired it is") {
  NodeStatus status = with_command();
  const auto verify = admin_tool::repair_view(merged_of(status), false);
  REQUIRE(verify);
  CHECK_FALSE(verify->is_well);
  CHECK(verify->text.find("apple") != std::string::npos);
  CHECK(verify->text.find("cluster-admin repair") != std::string::npos);
  CHECK(verify->text.find("of 2 partitions all owners were seen equal, of the oldest 90 s ago") !=
        std::string::npos);
  for (auto& shard : status.shards) {
    shard.anti_entropy.command->action = transfer::RepairAction::repair;
    shard.anti_entropy.command->repaired = 2;
  }
  CHECK(admin_tool::repair_view(merged_of(status), false)->is_well);
  status.shards[0].anti_entropy.command->partitions_failed = 1;
  status.shards[0].anti_entropy.command->last_failure = "it did not answer in time";
  const auto failed = admin_tool::repair_view(merged_of(status), false);
  CHECK_FALSE(failed->is_well);
  CHECK(failed->text.find("it did not answer in time") != std::string::npos);
  CHECK(admin_tool::repair_view("x", false).error().code == ErrorCode::corrupt);
}

}  // namespace coterie::repair_test
