#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "client/admin_tool/transfer_views.h"
#include "node/admin/handoff_admin.h"
#include "tests/unit/admin/samples.h"

using namespace coterie;
using namespace coterie::admin;
using namespace coterie::admin_samples;
using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;
using Target = transfer::HandoffStatus::Target;
using State = transfer::HandoffStatus::State;

namespace {

constexpr WallTime now(1h);

/// Two shards with hints for node 2, one of them hindered; one has some for node 3.
NodeStatus with_hints() {
  NodeStatus status = status_of();
  status.shards[0].handoff.targets = {
      {.target = node_id(2), .hints = 10, .bytes = 1000, .oldest = now - 60s, .hints_a_second = 5}};
  status.shards[1].handoff.targets = {
      {.target = node_id(2),
       .hints = 7,
       .bytes = 700,
       .oldest = now - 90s,
       .state = State::unreachable,
       .why = "nobody answers its peer door"},
      {.target = node_id(3), .hints = 1, .bytes = 64, .oldest = now, .state = State::away}};
  status.shards[1].handoff.needs_repair = 2;
  return status;
}

admin_tool::NodeAnswer answer_of(const std::string& id, const std::string& document) {
  return {id, admin_tool::Fetched{.status = 200, .body = document, .at = now}};
}

}  // namespace

TEST_CASE("a target's hints are those of all shards, and what hinders one is said") {
  const auto document = Json::parse(handoff_document(with_hints(), now));
  CHECK(document["format"] == 1);
  CHECK(document["needs_repair"] == 2);
  REQUIRE(document["targets"].size() == 2);
  const auto& first = document["targets"][0];
  CHECK(first["target"] == to_hex(node_id(2)));
  CHECK(first["kind"] == "strict");
  CHECK(first["hints"] == 17);
  CHECK(first["bytes"] == 1700);
  CHECK(first["oldest_s"] == 90);
  CHECK(first["hints_a_second"] == 5);
  CHECK(first["state"] == "unreachable");
  CHECK(first["why"] == "nobody answers its peer door");
  CHECK(document["targets"][1]["state"] == "away");
}

TEST_CASE("hints are shown from source to target, and whoever says nothing too") {
  const auto merged = admin_tool::merge_answers(
      {answer_of(to_hex(node_id(1)), handoff_document(with_hints(), now)),
       {to_hex(node_id(4)), fail(ErrorCode::unavailable, "nothing listens there")}});
  const auto view = admin_tool::handoff_view(merged, false);
  REQUIRE(view);
  for (const char* part : {"unreachable: nobody answers its peer door", "17", "90 s", "away",
                           "2 times an owner lacks", "does not say: nothing listens there"}) {
    CAPTURE(part);
    CHECK(view->text.find(part) != std::string::npos);
  }
  CHECK(view->text.find(short_name(node_id(2))) != std::string::npos);
}

TEST_CASE("without hints that is said, and that replay is paused") {
  NodeStatus status = status_of();
  status.shards[0].handoff.is_paused = true;
  const auto view = admin_tool::handoff_view(
      admin_tool::merge_answers({answer_of("1", handoff_document(status, now))}), false);
  REQUIRE(view);
  CHECK(view->text.starts_with("no hints"));
  CHECK(view->text.find("cluster-admin handoff resume") != std::string::npos);
}

TEST_CASE("what is no such document is corrupt") {
  for (const char* wrong : {"", "x", "{}", "[]", R"({"nodes":[{}],"silent":[]})"}) {
    CAPTURE(wrong);
    CHECK(admin_tool::handoff_view(wrong, false).error().code == ErrorCode::corrupt);
  }
  const auto merged = admin_tool::merge_answers({answer_of("1", "not JSON")});
  CHECK(Json::parse(merged)["silent"].size() == 1);
}
