#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "client/admin_tool/status_merge.h"
#include "node/admin/documents.h"
#include "tests/unit/admin/samples.h"

namespace coterie::status_merge_test {

using namespace coterie::admin_tool;
using namespace coterie::admin_samples;
using Json = nlohmann::ordered_json;

namespace {

const WallTime noon{std::chrono::milliseconds(1700000000000)};

Fetched answer_of(const NodeStatus& status, int clock_ms = 0) {
  const auto wall = noon + std::chrono::milliseconds(clock_ms);
  return {.status = 200,
          .body = admin::status_document(status, admin::judge(admin::facts_of(status)), wall),
          .at = noon};
}

Json merged(const NodeStatus& asked, const std::vector<OtherAnswer>& others) {
  const auto text = merge_status(answer_of(asked), others);
  REQUIRE(text);
  return Json::parse(*text);
}

std::string hex(std::uint64_t number) {
  return to_hex(node_id(number));
}

}  // namespace

TEST_CASE("the doors to ask are those of members that may answer") {
  auto status = status_of();
  const auto doors = other_doors(answer_of(status).body);
  REQUIRE(doors);
  REQUIRE(doors->size() == 2);
  CHECK((*doors)[0].id == hex(2));
  CHECK((*doors)[0].door.text() == "127.0.0.1:7023");
  see(status, 2, wire::Liveness::dead);
  CHECK(other_doors(answer_of(status).body)->size() == 1);
  CHECK_FALSE(other_doors("{}"));
  CHECK_FALSE(other_doors("no JSON"));
}

TEST_CASE("the others' reports, clocks and views are put in") {
  const auto status = merged(
      status_of(), {{hex(2), answer_of(status_of(2), 7)}, {hex(3), answer_of(status_of(3), -9)}});
  CHECK(status["verdict"]["level"] == "ok");
  CHECK(status["nodes"][1]["report"]["records"] == 2000);
  CHECK(status["nodes"][0]["clock_skew_ms"] == 0);
  CHECK(status["nodes"][1]["clock_skew_ms"] == 7);
  CHECK(status["nodes"][2]["clock_skew_ms"] == -9);
  for (const auto& node : status["nodes"]) CHECK(node["seen_by"].size() == 2);
}

TEST_CASE("what only another node sees becomes a problem") {
  auto other = status_of(2);
  see(other, 3, wire::Liveness::suspect);
  other.shards[1].store.state = StoreState::stopped;
  other.shards[1].store.reason = "a sync failed";
  const auto status =
      merged(status_of(), {{hex(2), answer_of(other, 2000)}, {hex(3), answer_of(status_of(3))}});
  REQUIRE(status["problems"].size() == 3);
  CHECK(status["verdict"]["level"] == "critical");
  CHECK(status["problems"][0]["code"] == "store_stopped");
  CHECK(status["problems"][0]["node"] == hex(2));
  CHECK(status["problems"][1]["code"] == "clock_skew");
  CHECK(status["problems"][2]["code"] == "views_differ");
  CHECK(status["verdict"]["text"].get<std::string>().ends_with("(and 2 more problems)"));
}

TEST_CASE("doors that do not answer, or answer something else, are named") {
  const auto status =
      merged(status_of(), {{hex(2), fail(ErrorCode::unavailable, "nothing listens there")},
                           {hex(3), Fetched{.status = 200, .body = "<html>", .at = noon}}});
  CHECK(status["nodes"][1]["report"].is_null());
  CHECK(status["nodes"][1]["report_error"] == "nothing listens there");
  CHECK(status["nodes"][2]["report_error"] == "its admin door answered something else");
  const auto stranger = merged(status_of(), {{hex(2), answer_of(status_of(3))}});
  CHECK(stranger["nodes"][1]["report"].is_null());
  CHECK(stranger["nodes"][1]["report_error"] == "another node answers at its admin address");
  CHECK_FALSE(merge_status({.status = 200, .body = "[]", .at = noon}, {}));
}

TEST_CASE("a node that came back with fewer records is not passed over") {
  auto fresh = status_of();
  fresh.shards[0].store.records = 100'000;
  auto behind = status_of(3);
  behind.shards[0].store.records = 7'000;
  auto second = status_of(2);
  second.shards[0].store.records = 99'000;  // a writer is at work: within the slack
  const auto status = merged(fresh, {{hex(2), answer_of(second)}, {hex(3), answer_of(behind)}});
  REQUIRE(status["problems"].size() == 1);
  CHECK(status["problems"][0]["code"] == "copies_behind");
  CHECK(status["problems"][0]["node"] == hex(3));
  CHECK(status["verdict"]["level"] == "degraded");
  const auto text = status["verdict"]["text"].get<std::string>();
  CHECK(text.starts_with("node 33333333 holds 8000 of 101000 records"));

  // Where nodes own different partitions, counts say nothing.
  auto larger = status_of();
  larger.view = [] {
    auto view = std::make_shared<RingView>();
    view->epoch = epoch_of(5);
    for (std::uint64_t i = 1; i <= 5; ++i) view->peers.push_back(peer_of(*view->epoch, i));
    return view;
  }();
  larger.shards[0].store.records = 100'000;
  behind.view = larger.view;
  CHECK(merged(larger, {{hex(3), answer_of(behind)}})["problems"].empty());
}

}  // namespace coterie::status_merge_test
