#include "node/admin/documents.h"

#include <doctest/doctest.h>

#include <set>

#include <nlohmann/json.hpp>

#include "node/admin/explain.h"
#include "storage/key.h"
#include "storage/record.h"
#include "tests/unit/admin/samples.h"

using namespace coterie;
using namespace coterie::admin;
using namespace coterie::admin_samples;
using Json = nlohmann::ordered_json;

namespace {

const WallTime noon{std::chrono::milliseconds(1700000000000)};

Json status_json(const NodeStatus& status) {
  return Json::parse(status_document(status, judge(facts_of(status)), noon));
}

std::vector<std::string> fields(const Json& object) {
  std::vector<std::string> out;
  for (const auto& [key, value] : object.items()) out.push_back(key);
  return out;
}

using Fields = std::vector<std::string>;

HttpRequest ask(std::map<std::string, std::string> parameters) {
  return {.path = "/v1/explain", .parameters = std::move(parameters)};
}

Inspection holding(std::uint64_t node, BytesView key, const Record& record) {
  LocalCopies::Inspected found{.record = encode_record(key, record), .digest = digest(record)};
  found.leaf = {.hash = leaf_hash(key, found.digest), .records = 1};
  found.root = found.leaf;
  return {.node = node_id(node), .found = std::move(found)};
}

Record one_value(std::uint64_t sequence) {
  Record record;
  const Dot dot{.actor = ActorId{0xaa}, .sequence = sequence};
  record.context.add(dot);
  record.siblings.push_back({.dot = dot, .timestamp = {1700000000123ULL << 16}, .value = "hello"});
  return record;
}

}  // namespace

TEST_CASE("status: its fields are those of format 1") {
  const auto status = status_json(status_of());
  CHECK(fields(status) ==
        Fields{"format", "verdict", "problems", "cluster", "partitions", "may_fail", "nodes"});
  CHECK(status["format"] == 1);
  CHECK(fields(status["verdict"]) == Fields{"level", "text"});
  CHECK(status["verdict"]["level"] == "ok");
  CHECK(fields(status["cluster"]) == Fields{"name", "id", "epoch", "epoch_agreed", "replicas"});
  CHECK(status["partitions"] == Json::parse(R"({"total":64,"full":64,"short":0,
      "without_quorum":0,"changing":0,"quorum":2,"thin":null})"));
  CHECK(status["may_fail"] == Json::parse(R"({"nodes":1,"zones":1})"));
  REQUIRE(status["nodes"].size() == 3);
  const auto& self = status["nodes"][0];
  CHECK(fields(self) == Fields{"id", "name", "self", "member", "state", "zone", "weight",
                               "partitions", "epoch", "addresses", "shards", "build",
                               "clock_ahead_ms", "clock_error_ms", "report", "report_error",
                               "clock_skew_ms", "seen_by"});
  CHECK(self["addresses"] == Json::parse(R"({"client":"127.0.0.1:7010",
      "peer":"127.0.0.1:7011","gossip":"127.0.0.1:7012","admin":"127.0.0.1:7013"})"));
  CHECK(self["self"] == true);
  CHECK(self["state"] == "alive");
  CHECK(self["report"]["records"] == 2000);
  CHECK(self["report"]["uptime_s"] == 5 * 3600);
  CHECK(self["report"]["gets"]["count"] == 2);
  CHECK(self["report"]["gets"]["p99_ms"].get<double>() == doctest::Approx(2.0).epsilon(0.04));
  CHECK(self["report"]["wall_ms"] == 1700000000000);
  CHECK(self["report"]["shards"].size() == 2);
  CHECK(status["nodes"][1]["report"].is_null());
}

TEST_CASE("status: the states of the others, and what follows from them") {
  auto degraded = status_of();
  see(degraded, 2, wire::Liveness::dead);
  see(degraded, 3, wire::Liveness::left);
  const auto status = status_json(degraded);
  CHECK(status["nodes"][1]["state"] == "dead");
  CHECK(status["nodes"][2]["state"] == "left");
  CHECK(status["verdict"]["level"] == "critical");
  REQUIRE(status["problems"].size() == 2);
  CHECK(fields(status["problems"][0]) == Fields{"level", "code", "node", "text"});
  CHECK(status["problems"][0]["code"] == "node_dead");
  CHECK(status["partitions"]["without_quorum"] == 64);
}

TEST_CASE("status before the first epoch has the same fields") {
  auto forming = status_of();
  const auto formed = status_json(forming);
  forming.view = nullptr;
  forming.shards.clear();
  forming.blockers = {"the cluster is forming: 127.0.0.1:7022 does not answer"};
  const auto status = status_json(forming);
  CHECK(fields(status) == fields(formed));
  CHECK(status["partitions"].is_null());
  REQUIRE(status["nodes"].size() == 1);
  CHECK(fields(status["nodes"][0]) == fields(formed["nodes"][0]));
  CHECK(status["verdict"]["text"] == "the cluster is forming: 127.0.0.1:7022 does not answer");
  CHECK(Json::parse(members_document(forming))["nodes"].size() == 1);
}

TEST_CASE("status says how the clocks stand to each other, and how this node's is held") {
  auto wrong = status_of();
  wrong.clock = {.ahead = std::chrono::milliseconds(2500),
                 .clamped_by = std::chrono::milliseconds(2000),
                 .disputed_by = {},
                 .peers = {{.node = admin_samples::node_id(3),
                            .ahead = std::chrono::milliseconds(-2500),
                            .error = std::chrono::microseconds(1500)}}};
  const auto status = status_json(wrong);
  CHECK(status["nodes"][0]["report"]["clock"] ==
        Json::parse(R"({"ahead_ms":2500.0,"clamped_by_ms":2000.0,"disputed_by_ms":null,
      "compared_with":1})"));
  CHECK(status["nodes"][0]["clock_ahead_ms"] == 0);
  CHECK(status["nodes"][1]["clock_ahead_ms"].is_null());
  CHECK(status["nodes"][2]["clock_ahead_ms"] == -2500.0);
  CHECK(status["nodes"][2]["clock_error_ms"] == 1.5);
  REQUIRE(status["problems"].size() == 1);
  CHECK(status["problems"][0]["code"] == "clock_clamped");
  CHECK(status["problems"][0]["node"] == status["nodes"][0]["id"]);
  CHECK(status["verdict"]["text"].get<std::string>().find(
            "2500 ms ahead of the median of the cluster's: its timestamps are held to within "
            "500 ms") != std::string::npos);
  wrong.clock = {.disputed_by = std::chrono::milliseconds(700), .peers = {}};
  CHECK(status_json(wrong)["problems"][0]["code"] == "clocks_disputed");
}

TEST_CASE("text from other nodes that is not UTF-8 stays valid JSON") {
  auto status = status_of();
  auto view = std::make_shared<RingView>(*status.view);
  view->peers[1].meta.build = "\xff\xfe";
  status.view = view;
  CHECK_NOTHROW(status_json(status));
}

TEST_CASE("ring: all partitions or one, with their owners") {
  const auto status = status_of();
  const auto all = Json::parse(ring_document(status, std::nullopt));
  CHECK(all["partitions"].size() == 64);
  CHECK(all["partitions_total"] == 64);
  CHECK(all["members"].size() == 3);
  CHECK(all["buckets"][0]["name"] == "default");
  CHECK(all["buckets"][0]["w"] == 2);
  const auto one = Json::parse(ring_document(status, PartitionId{63}));
  REQUIRE(one["partitions"].size() == 1);
  CHECK(one["partitions"][0] == all["partitions"][63]);
  CHECK(one["partitions"][0]["last_token"] == "ffffffffffffffff");
  std::set<std::string> owners;
  for (const auto& owner : one["partitions"][0]["owners"]) owners.insert(owner.get<std::string>());
  CHECK(owners.size() == 3);
}

TEST_CASE("config: every setting with its type, and no secret") {
  const auto status = status_of();
  const std::string text = config_document(status.config);
  CHECK(text.find("00112233445566778899aabbccddeeff") == std::string::npos);
  const auto config = Json::parse(text);
  CHECK(config["settings"].size() == settings_of(status.config).size());
  std::map<std::string, Json> values;
  for (const auto& setting : config["settings"]) {
    CHECK(fields(setting) == Fields{"name", "value", "unit", "meaning"});
    values[setting["name"].get<std::string>()] = setting["value"];
  }
  CHECK(values["node.data_directory"] == "d");
  CHECK(values["cluster.partitions"] == 1024);
  CHECK(values["doors.insecure"] == false);
  CHECK(values["cluster.initial_members"] == Json::parse(R"(["127.0.0.1:7402"])"));
  CHECK(values["cluster.gossip_key"] == "(secret)");
  CHECK(config["buckets"][0]["durability"] == "commit");
}

TEST_CASE("explain: which record is asked about") {
  const auto epoch = epoch_of(3);
  const auto plain = read_question(ask({{"key", "user/1"}, {"sort_key", "a"}}), *epoch);
  REQUIRE(plain);
  CHECK(plain->bucket->name == "default");
  CHECK(plain->token == epoch->token(plain->bucket->id, "user/1"));
  CHECK(plain->partition == epoch->partition(plain->token));
  CHECK(decode_key(plain->key)->sort_key == "a");
  const auto encoded =
      read_question(ask({{"key_base64", "dXNlci8x"}, {"sort_key_base64", "YQ=="}}), *epoch);
  REQUIRE(encoded);
  CHECK(encoded->key == plain->key);

  CHECK(read_question(ask({}), *epoch).error().code == ErrorCode::invalid_argument);
  CHECK(read_question(ask({{"key_base64", "*"}}), *epoch).error().code ==
        ErrorCode::invalid_argument);
  CHECK(read_question(ask({{"key", "a"}, {"bucket", "b"}}), *epoch).error().code ==
        ErrorCode::unknown_bucket);
  CHECK(read_question(ask({{"key", std::string(401, 'k')}}), *epoch).error().code ==
        ErrorCode::too_large);
}

TEST_CASE("explain: copies that agree, differ, are missing or do not answer") {
  const auto status = status_of();
  const auto question = *read_question(ask({{"key", "k"}}), *status.view->epoch);
  const auto explain = [&](const std::vector<Inspection>& owners) {
    return Json::parse(explain_document(status, question, owners, noon));
  };
  const auto equal =
      explain({holding(1, question.key, one_value(1)), holding(2, question.key, one_value(1)),
               holding(3, question.key, one_value(1))});
  CHECK(equal["equal"] == Json::parse(R"({"record":true,"leaf":true,"root":true})"));
  CHECK(equal["text"] == "all 3 owners hold the same version");
  const auto& owner = equal["owners"][0];
  CHECK(owner["state"] == "value");
  CHECK(owner["context"] == Json::parse(R"([{"actor":"00000000000000aa","sequence":1}])"));
  CHECK(owner["siblings"][0]["value_bytes"] == 5);
  CHECK(owner["siblings"][0]["written"] == "2023-11-14T22:13:20.123Z");
  CHECK(equal["placement"]["partition"] == question.partition.value);

  std::vector<Inspection> differing = {holding(1, question.key, one_value(1)),
                                       holding(2, question.key, one_value(2)),
                                       {node_id(3), fail(ErrorCode::unavailable, "silence")}};
  const auto different = explain(differing);
  CHECK(different["equal"]["record"] == false);
  CHECK(different["text"] == "2 of 3 owners answered and differ on this record; a read repairs it");
  CHECK(different["owners"][2]["answered"] == false);
  CHECK(different["owners"][2]["error"] == "silence");

  differing[1].found = fail(ErrorCode::unavailable, "silence");
  CHECK(explain(differing)["equal"]["record"].is_null());
  const auto absent = explain({{node_id(1), LocalCopies::Inspected{}},
                               {node_id(2), LocalCopies::Inspected{}},
                               {node_id(3), LocalCopies::Inspected{}}});
  CHECK(absent["text"] == "all 3 owners hold no such record");
  CHECK(absent["owners"][0]["state"] == "absent");
}

TEST_CASE("explain: deleted, expired, sibling and damaged records are called so") {
  const auto status = status_of();
  const auto question = *read_question(ask({{"key", "k"}}), *status.view->epoch);
  const auto state = [&](const Inspection& owner) {
    const std::vector<Inspection> owners = {owner};
    return Json::parse(explain_document(status, question, owners, noon))["owners"][0]["state"]
        .get<std::string>();
  };
  Record tombstone = one_value(1);
  tombstone.siblings.clear();
  CHECK(state(holding(1, question.key, tombstone)) == "deleted");
  Record expired = one_value(1);
  expired.siblings[0].expires_ms = 1700000000000;
  CHECK(state(holding(1, question.key, expired)) == "expired");
  expired.siblings[0].expires_ms = 1700000000001;
  CHECK(state(holding(1, question.key, expired)) == "value");
  Record two = one_value(1);
  const Dot dot{.actor = ActorId{0xbb}, .sequence = 4};
  two.context.add(dot);
  two.siblings.push_back({.dot = dot, .value = "x"});
  CHECK(state(holding(1, question.key, two)) == "siblings");
  auto damaged = holding(1, question.key, two);
  damaged.found->record.back() ^= 1;
  CHECK(state(damaged) == "damaged");
}
