#include "node/admin/changes_admin.h"

#include <chrono>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "ring/plan/report.h"
#include "tests/unit/admin/door.h"

using namespace coterie;
using namespace coterie::admin_samples;
using Json = nlohmann::ordered_json;

namespace {

struct Door : AnyDoor {
  /// HTTP's status, and what is said.
  std::pair<int, Json> post(const std::string& path, const Json& order) const {
    const auto said = AnyDoor::post(path, order.dump());
    return {said.status, Json::parse(said.body)};
  }
  Json json(const std::string& path, int expected) const {
    const auto fetched = get(path);
    CHECK(fetched.status == expected);
    return Json::parse(fetched.body);
  }
};

std::string id_of(std::uint64_t number) {
  return to_hex(node_id(number));
}

Json stage(const std::string& what, const Json& fields = Json::object()) {
  Json out = {{"action", "stage"}, {"what", what}};
  out.update(fields);
  return out;
}

bool contains(const Json& answer, const std::string& part) {
  return answer["error"]["message"].get<std::string>().find(part) != std::string::npos;
}

/// What the door's node was told last.
template <class Kind>
Kind last(const Door& door) {
  REQUIRE_FALSE(door.orders.empty());
  const auto* order = std::get_if<Kind>(&door.orders.back());
  REQUIRE(order != nullptr);
  return *order;
}

template <class Kind>
Kind last_staged(const Door& door) {
  const auto staged = last<topology::Stage>(door).what;
  if constexpr (std::is_same_v<Kind, topology::JoinAt> ||
                std::is_same_v<Kind, topology::ReplaceBy>) {
    return std::get<Kind>(staged);
  } else {
    return std::get<Kind>(std::get<plan::StagedChange>(staged));
  }
}

}  // namespace

TEST_CASE("what is asked of the ring is handed on as an order") {
  Door door;
  const auto tell = [&door](const Json& order) {
    const auto [status, answer] = door.post("/v1/changes", order);
    CHECK_MESSAGE(status == 200, answer.dump());
    CHECK(answer["format"] == 1);
  };
  CHECK(door.json("/v1/changes", 200)["staged"].empty());
  last<topology::Look>(door);
  tell(stage("join", {{"address", "10.0.0.4:7402"}, {"weight", 3}, {"zone", "d"}}));
  const auto join = last_staged<topology::JoinAt>(door);
  CHECK(join.gossip.text() == "10.0.0.4:7402");
  CHECK(join.weight == 3);
  CHECK(join.zone == "d");
  tell(stage("join", {{"address", "10.0.0.4:7402"}}));
  CHECK_FALSE(last_staged<topology::JoinAt>(door).weight.has_value());
  tell(stage("leave", {{"node", id_of(2)}}));
  CHECK(last_staged<plan::Leave>(door).node == node_id(2));
  tell(stage("weight", {{"node", id_of(2)}, {"weight", "5"}}));
  CHECK(last_staged<plan::Weigh>(door).weight == 5);
  tell(stage("zone", {{"node", id_of(2)}, {"zone", "z"}}));
  CHECK(last_staged<plan::Rezone>(door).zone == "z");
  tell(stage("replace", {{"node", id_of(2)}, {"address", "10.0.0.4:7402"}}));
  CHECK_FALSE(last_staged<topology::ReplaceBy>(door).is_dead);
  tell({{"action", "unstage"}, {"node", id_of(3)}});
  CHECK(last<topology::Unstage>(door).node == node_id(3));
  tell({{"action", "clear"}});
  last<topology::Clear>(door);
  tell({{"action", "commit"}, {"hash", "00000000000000ff"}});
  CHECK(last<topology::Commit>(door).hash == 255);
  CHECK_FALSE(last<topology::Commit>(door).is_forced);
  tell({{"action", "commit"}, {"hash", "00000000000000ff"}, {"force", true}});
  CHECK(last<topology::Commit>(door).is_forced);
  tell({{"action", "abort"}, {"change", 7}});
  CHECK(last<topology::Abort>(door).change == 7);
  tell({{"action", "pause"}, {"change", 7}});
  CHECK(last<topology::Pause>(door).is_paused);
  tell({{"action", "resume"}, {"change", 7}});
  CHECK_FALSE(last<topology::Pause>(door).is_paused);
}

TEST_CASE("what is asked wrongly is said, and nothing is ordered") {
  Door door;
  const Json wrong[] = {Json::object(),
                        {{"action", "grow"}},
                        stage("grow"),
                        stage("join"),
                        stage("join", {{"address", "nowhere"}}),
                        stage("leave"),
                        stage("leave", {{"node", "12"}}),
                        stage("weight", {{"node", id_of(2)}}),
                        stage("weight", {{"node", id_of(2)}, {"weight", "many"}}),
                        stage("leave", {{"node", id_of(2)}, {"force", "perhaps"}}),
                        {{"action", "commit"}},
                        {{"action", "commit"}, {"hash", "ff"}},
                        {{"action", "commit"}, {"hash", "00000000000000fg"}},
                        {{"action", "abort"}},
                        {{"action", "pause"}, {"change", "x"}},
                        {{"action", "unstage"}}};
  for (const auto& order : wrong) {
    const auto [status, answer] = door.post("/v1/changes", order);
    CAPTURE(order.dump());
    CHECK(status == 400);
    CHECK(answer["error"]["code"] == "invalid_argument");
  }
  CHECK(door.orders.empty());
  door.answer = fail(ErrorCode::refused, "the plan has changed");
  const auto [status, answer] =
      door.post("/v1/changes", {{"action", "commit"}, {"hash", "00000000000000ff"}});
  CHECK(status == 409);
  CHECK(answer["error"]["message"] == "the plan has changed");
}

TEST_CASE("a node goes only where the others have their quorums without it, or forced") {
  Door door;
  CHECK(door.post("/v1/changes", stage("leave", {{"node", id_of(2)}})).first == 200);
  door.change([](auto& status) { see(*status, 3, wire::Liveness::dead); });
  const auto [status, answer] = door.post("/v1/changes", stage("leave", {{"node", id_of(2)}}));
  CHECK(status == 409);
  CHECK(contains(answer,
                 "without node 22222222 64 of 64 partitions would have no quorum of nodes that "
                 "can be reached: bring back 33333333 first"));
  CHECK(door.orders.size() == 1);
  CHECK(door.post("/v1/changes", stage("leave", {{"node", id_of(2)}, {"force", true}})).first ==
        200);
  // The dead one may be removed: the others have their quorums.
  CHECK(door.post("/v1/changes", stage("remove", {{"node", id_of(3)}})).first == 200);
  CHECK(last_staged<plan::Remove>(door).node == node_id(3));
  door.change([](auto& seen) { see(*seen, 2, wire::Liveness::left); });
  CHECK(door.post("/v1/changes", stage("remove", {{"node", id_of(3)}})).first == 409);
}

TEST_CASE("who lives is not taken for dead, forced or not") {
  Door door;
  for (const auto liveness : {wire::Liveness::alive, wire::Liveness::suspect}) {
    door.change([&](auto& status) { see(*status, 3, liveness); });
    for (const Json& order :
         {stage("remove", {{"node", id_of(3)}, {"force", true}}),
          stage("replace", {{"node", id_of(3)}, {"address", "10.0.0.4:7402"}, {"dead", true}})}) {
      const auto [status, answer] = door.post("/v1/changes", order);
      CHECK(status == 409);
      CHECK(contains(answer, liveness == wire::Liveness::alive ? "is alive" : "is suspect"));
    }
  }
  CHECK(door.post("/v1/changes", stage("remove", {{"node", id_of(1)}})).first == 409);
  CHECK(door.orders.empty());
}

TEST_CASE("a node that the others need is not stopped, unless forced") {
  Door door;
  CHECK(door.json("/v1/drain", 405)["error"]["message"] == "/v1/drain takes POST only");
  CHECK(door.post("/v1/drain", Json::object()).first == 200);
  CHECK(door.stops == 1);
  door.change([](auto& status) { see(*status, 2, wire::Liveness::dead); });
  const auto [status, answer] = door.post("/v1/drain", Json::object());
  CHECK(status == 409);
  CHECK(contains(answer, "without node 11111111"));
  CHECK(door.stops == 1);
  CHECK(door.post("/v1/drain", {{"force", true}}).first == 200);
  CHECK(door.stops == 2);
  CHECK(door.post("/v1/drain", {{"force", "yes"}}).first == 400);
}

TEST_CASE("buckets are made and set, and a lineage is forced, by orders of their own") {
  Door door;
  const auto told = [&door](const Json& order) { return door.post("/v1/changes", order).first; };
  CHECK(told({{"action", "create_bucket"},
              {"name", "7"},
              {"w", 3},
              {"sloppy", true},
              {"durability", "interval"},
              {"time_to_live_s", 60}}) == 200);
  const auto made = last<topology::CreateBucket>(door).bucket;
  CHECK(made.name == "7");
  CHECK(made.r == 2);
  CHECK(made.w == 3);
  CHECK(made.sloppy);
  CHECK(made.durability == Durability::interval);
  CHECK(made.default_ttl == std::chrono::minutes(1));
  CHECK(told({{"action", "set_bucket"}, {"name", "default"}, {"r", 3}}) == 200);
  const auto set = last<topology::SetBucket>(door);
  CHECK(set.name == "default");
  CHECK(set.settings.r == 3);
  CHECK_FALSE(set.settings.w.has_value());
  CHECK(told({{"action", "force_lineage"}, {"lost", id_of(3) + "," + id_of(2)}}) == 200);
  const auto force = last<topology::ForceLineage>(door);
  CHECK(force.lost == std::vector<NodeId>{node_id(2), node_id(3)});
  CHECK_FALSE(force.is_confirmed);
  const auto orders = door.orders.size();
  const Json wrong[] = {{{"action", "create_bucket"}},
                        {{"action", "create_bucket"}, {"name", "a b"}},
                        {{"action", "create_bucket"}, {"name", "a"}, {"color", "red"}},
                        {{"action", "create_bucket"}, {"name", "a"}, {"r", "many"}},
                        {{"action", "set_bucket"}, {"name", "a"}, {"resolver", "lww"}},
                        {{"action", "force_lineage"}},
                        {{"action", "force_lineage"}, {"lost", "12"}},
                        {{"action", "force_lineage"}, {"lost", id_of(2)}, {"confirmed", "so"}}};
  for (const auto& order : wrong) {
    CAPTURE(order.dump());
    CHECK(told(order) == 400);
  }
  CHECK(door.orders.size() == orders);
}
