#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "client/admin_tool/scrub_command.h"
#include "client/admin_tool/transfer_views.h"
#include "node/admin/documents.h"
#include "node/admin/metrics.h"
#include "node/admin/scrub_admin.h"
#include "tests/unit/admin/samples.h"

namespace coterie::scrub_test {

using namespace coterie::admin;
using namespace coterie::admin_samples;
using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

namespace {

constexpr WallTime now(1h);

/// One shard is walked, the other was.
NodeStatus with_walk() {
  NodeStatus status = status_of();
  status.shards[0].scrub.walk = transfer::ScrubStatus::Walk{.began = now - 60s,
                                                            .partitions = 32,
                                                            .partitions_done = 8,
                                                            .found = {.records = 100},
                                                            .left = 180s};
  status.shards[1].scrub.last = transfer::ScrubPass{
      .began = now - 120s,
      .ended = now - 30s,
      .found = {.records = 900, .bytes = 90000, .damaged = 2, .leaves_wrong = 1, .unreadable = 3}};
  status.shards[1].scrub.last_trouble = "partition 3: MDB_CORRUPTED";
  status.shards[1].anti_entropy.damaged_waiting = 1;
  status.shards[1].anti_entropy.damaged_refilled = 1;
  return status;
}

std::string merged(const std::string& body) {
  return admin_tool::merge_answers(
      {{to_hex(node_id(1)), admin_tool::Fetched{.status = 200, .body = body, .at = now}}});
}

admin_tool::Rendered view_of(const NodeStatus& status) {
  return *admin_tool::scrub_view(merged(scrub_document(status, now)), false);
}

}  // namespace

TEST_CASE("a scrub is that of all shards, and goes on while one is walked") {
  auto status = with_walk();
  const auto document = Json::parse(scrub_document(status, now));
  CHECK(document["walk"]["partitions"] == 32);
  CHECK(document["walk"]["left_s"] == 180);
  CHECK(document["last"]["damaged"] == 2);
  CHECK(document["damaged_waiting"] == 1);
  CHECK(document["damaged_refilled"] == 1);
  CHECK(view_of(status).text.find("8 of 32 partitions, 3 m") != std::string::npos);
  status.shards[0].scrub.last =
      transfer::ScrubPass{.began = now - 300s, .ended = now - 20s, .found = {.records = 100}};
  status.shards[0].scrub.walk.reset();
  const auto over = Json::parse(scrub_document(status, now));
  CHECK(over["walk"].is_null());
  CHECK(over["last"]["records"] == 1000);
  CHECK(over["last"]["began_ms"] == (now - 300s).time_since_epoch().count());
  const auto view = view_of(status);
  CHECK(!view.is_well);
  CHECK(view.text.find("ended 20 s ago") != std::string::npos);
  CHECK(view.text.find("MDB_CORRUPTED") != std::string::npos);
  CHECK(view_of(status_of()).is_well);
}

TEST_CASE("the status tells of bad records that wait and of a table that cannot be read") {
  const auto status = with_walk();
  const auto verdict = judge(facts_of(status));
  CHECK(verdict.level == Level::degraded);
  REQUIRE(verdict.problems.size() == 2);
  CHECK(verdict.problems[0].code == "records_damaged");
  CHECK(verdict.problems[0].text.find("1 record with a bad checksum waits") != std::string::npos);
  CHECK(verdict.problems[1].code == "table_unreadable");
  CHECK(verdict.problems[1].text.find("MDB_CORRUPTED") != std::string::npos);
}

TEST_CASE("the status tells what goes on, and for whom tombstones wait") {
  auto status = with_walk();
  for (auto& shard : status.shards) {
    shard.purge.waiting[node_id(3)] = {.records = 600, .since = now - 1h * (1 + shard.shard.value)};
  }
  const auto text = status_document(status, judge(facts_of(status)), now);
  const auto view = admin_tool::status_view(text, false);
  REQUIRE(view);
  CHECK(view->text.find("deleted records waiting to be purged: 1,200 for node 33333333, which is "
                        "alive, for 2 h") != std::string::npos);
  CHECK(view->text.find("scrub: 8 of 32 partitions read on 1 node") != std::string::npos);
  CHECK(metrics_text(status, judge(facts_of(status)))
            .find("coterie_tombstones_waiting{for=\"" + to_hex(node_id(3)) + "\"} 1200\n") !=
        std::string::npos);
}

TEST_CASE("who waits for a scrub sees how far it is, and an answer that cannot be read") {
  const std::vector<std::string> ids{to_hex(node_id(1))};
  auto status = with_walk();
  const auto going = admin_tool::scrub_progress(merged(scrub_document(status, now)), ids);
  REQUIRE(going);
  CHECK_FALSE(going->is_over);
  CHECK(going->line.find("8 of 32 partitions") != std::string::npos);
  // what walks elsewhere is not waited for
  CHECK(admin_tool::scrub_progress(merged(scrub_document(status, now)), {})->is_over);
  status.shards[0].scrub.walk.reset();
  CHECK(admin_tool::scrub_progress(merged(scrub_document(status, now)), ids)->is_over);
  // of another build, say
  for (const char* body : {"{}", R"({"node": 1})", R"({"node": "1", "walk": 7})"}) {
    CAPTURE(body);
    const auto odd = admin_tool::scrub_progress(merged(body), ids);
    CHECK((!odd && odd.error().code == ErrorCode::corrupt));
  }
}

}  // namespace coterie::scrub_test
