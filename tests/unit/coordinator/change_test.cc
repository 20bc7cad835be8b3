// Requests while the partition's owners change: nodes 0, 1, 2 hand over to 0, 1, 3, R = W = 2.

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "node/coordinator/scan_range.h"
#include "tests/unit/coordinator/cluster.h"

using namespace coterie;
using namespace coterie::test;
using namespace std::chrono_literals;

namespace {

const Bytes key = Cluster::key("k");
const wire::Scan all{.bucket = BucketId{1}};

auto write_to(std::size_t node) {
  return [node](const Message& message) {
    return message.as<WriteMessage>() != nullptr && message.to == node;
  };
}
auto answer_of(std::size_t node) {
  return [node](const Message& message) { return !message.is_request() && message.from == node; };
}

struct World : Cluster {
  explicit World(std::size_t stand_ins = 0) : Cluster(3, 2, 2) {
    add_nodes(1);
    if (stand_ins > 0) add_fallbacks(stand_ins);
  }
  [[nodiscard]] Ring open() const { return changing(Stage::open, 2, {0, 1, 3}); }
  [[nodiscard]] Ring cut_over() const { return changing(Stage::cut_over, 3, {0, 1, 3}); }
  [[nodiscard]] Ring finished() const {
    return {.configuration = ConfigurationNumber{4},
            .owners = {{.node = id_of(0)}, {.node = id_of(1)}, {.node = id_of(3)}},
            .groups = {}};
  }
  void all_learn(const Ring& ring) {
    for (const auto& node : nodes) node->learn(ring);
  }
  void cut_off(std::size_t node) {
    for (const auto& each : nodes) each->cut_from.insert(node);
  }
  /// The nodes that hold it.
  [[nodiscard]] std::vector<std::size_t> holders() const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i]->records.contains(::key)) out.push_back(i);
    }
    return out;
  }
};

}  // namespace

TEST_CASE("while owners change, a put is acknowledged by W of the old and W of the new ones") {
  for (const bool is_cut_over : {false, true}) {
    World world;
    world.all_learn(is_cut_over ? world.cut_over() : world.open());
    const auto put = world.put(0, key, "v");
    CHECK(world.queue.size() == 3);
    // Nodes 0 and 3 are W of the new ones, and one of the old.
    CHECK(world.deliver(write_to(3)));
    CHECK(world.deliver(answer_of(3)));
    CHECK(world.answer(put).times == 0);
    // Node 2 makes it W of the old.
    CHECK(world.deliver(write_to(2)));
    CHECK(world.deliver(answer_of(2)));
    CHECK(world.answer(put).is_ok());
    world.deliver_all();
    CHECK(world.holders() == std::vector<std::size_t>{0, 1, 2, 3});
  }
}

TEST_CASE("an owner of both groups counts to both: no more owners are needed than before") {
  World world;
  world.all_learn(world.open());
  world.cut_off(2);
  world.cut_off(3);
  CHECK(world.put_now(0, key, "v").is_ok());
  CHECK(world.nodes[0]->hints().size() == 2);
}

TEST_CASE("a put is refused up front where either group lacks W") {
  World world;
  auto ring = world.open();
  for (const std::size_t away : {1U, 3U}) ring.owners[away].reach = coordinator::Reach::none;
  world.all_learn(ring);
  const auto& refused = world.put_now(0, key, "v");
  CHECK(refused.code() == ErrorCode::unavailable);
  CHECK(world.holders().empty());
}

TEST_CASE("new owners are never read before the cut-over, old ones not after it") {
  World world;
  world.all_learn(world.open());
  // What only the new owner has is what is streamed to it; no read finds it.
  CHECK(world.put_now(0, key, "v").is_ok());
  world.cut_off(1);
  world.cut_off(2);
  const auto get = world.get(0, key);
  world.deliver_all();
  CHECK(world.answer(get).code() == ErrorCode::unavailable);

  World later;
  later.all_learn(later.cut_over());
  CHECK(later.put_now(0, key, "v").is_ok());
  later.cut_off(2);
  later.nodes[3]->records.clear();
  later.cut_off(1);
  const auto& got = later.get_now(0, key, {.want_evidence = true});
  CHECK(got.values == std::vector<Bytes>{"v"});
  CHECK(got.evidence.answered == std::vector{later.id_of(0), later.id_of(3)});
  CHECK(got.evidence.repaired == 1);
}

TEST_CASE(
    "a leaving owner still coordinates after the cut-over, and reads of the new owners only") {
  World world;
  world.all_learn(world.cut_over());
  CHECK(world.put_now(2, key, "v").is_ok());
  const auto& got = world.get_now(2, key, {.want_evidence = true});
  CHECK(got.values == std::vector<Bytes>{"v"});
  CHECK(std::ranges::count(got.evidence.answered, world.id_of(2)) == 0);
  const auto page = world.scan(2, all, *coordinator::scan_range(all, Token{42}, 1));
  world.deliver_all();
  CHECK(world.answer(page).rows.size() == 1);
}

TEST_CASE("a read repairs both groups") {
  World world;
  world.all_learn(world.open());
  CHECK(world.put_now(0, key, "v").is_ok());
  for (const std::size_t bare : {1U, 2U, 3U}) world.nodes[bare]->records.clear();
  CHECK(world.get_now(0, key).values == std::vector<Bytes>{"v"});
  world.deliver_all();
  CHECK(world.holders() == std::vector<std::size_t>{0, 1, 2, 3});
}

TEST_CASE("a put under way goes on under the later configuration, and mints nothing anew") {
  World world;
  std::size_t minted = 0;
  world.on_mint = [&](std::size_t, const Dot&, Timestamp, const wire::Put&) { ++minted; };
  const auto put = world.put(0, key, "v", {.id = {.high = 1, .low = 5}});
  for (const std::size_t owner : {1U, 2U, 3U}) world.nodes[owner]->learn(world.open());
  world.deliver_all();
  CHECK(world.answer(put).times == 0);
  CHECK(world.nodes[0]->sought() == std::vector<std::size_t>{1, 2});
  CHECK(world.holders() == std::vector<std::size_t>{0});
  SUBCASE("once its node has heard of that") {
    world.nodes[0]->learn(world.open());
    CHECK(world.queue.size() == 3);
    for (const auto& message : world.queue) {
      CHECK(message.as<WriteMessage>()->scope.configuration == ConfigurationNumber{2});
    }
    world.deliver_all();
    CHECK(world.answer(put).is_ok());
    CHECK(world.holders() == std::vector<std::size_t>{0, 1, 2, 3});
    // Tried again, it is known.
    CHECK(world.put_now(0, key, "v", {.id = {.high = 1, .low = 5}}).is_ok());
  }
  SUBCASE("also where the change has ended by then") {
    world.all_learn(world.finished());
    world.deliver_all();
    CHECK(world.answer(put).is_ok());
    CHECK(world.holders() == std::vector<std::size_t>{0, 1, 3});
  }
  SUBCASE("or its outcome is unknown") {
    world.pass(2s);
    CHECK(world.answer(put).code() == ErrorCode::unknown_outcome);
  }
  CHECK(minted == 1);
  world.deliver_all();
  CHECK(world.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("votes under an earlier configuration do not count to the later one") {
  World world;
  const auto put = world.put(0, key, "v");
  world.nodes[0]->is_durable_at_once = false;
  // Node 2 took it before it fenced; node 1 has fenced, and this node knows of it.
  REQUIRE(world.deliver(write_to(2)));
  for (const std::size_t owner : {0U, 1U, 2U, 3U}) world.nodes[owner]->learn(world.open());
  const auto late = world.take(answer_of(2));
  REQUIRE(late);
  REQUIRE(world.deliver(write_to(1)));
  REQUIRE(world.deliver(answer_of(1)));
  world.deliver(*late);
  CHECK(world.answer(put).times == 0);
  REQUIRE(world.deliver(write_to(3)));
  REQUIRE(world.deliver(answer_of(3)));
  REQUIRE(world.deliver(write_to(1)));
  REQUIRE(world.deliver(answer_of(1)));
  CHECK(world.answer(put).times == 0);
  // What this node holds of it counts once more when it is known to be durable.
  world.nodes[0]->sync();
  CHECK(world.answer(put).is_ok());
  world.deliver_all();
}

TEST_CASE("an answered put does not go on: who has fenced is told by a hint") {
  World world;
  const auto put = world.put(0, key, "v");
  REQUIRE(world.deliver(write_to(1)));
  REQUIRE(world.deliver(answer_of(1)));
  CHECK(world.answer(put).is_ok());
  world.nodes[2]->learn(world.open());
  world.deliver_all();
  CHECK(world.nodes[0]->hints().size() == 1);
  CHECK(world.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("a read or a scan under way begins anew under the later configuration") {
  World world;
  world.all_learn(world.open());
  CHECK(world.put_now(0, key, "v").is_ok());
  const auto get = world.get(0, key);
  const auto page = world.scan(0, all, *coordinator::scan_range(all, Token{42}, 1));
  for (const std::size_t owner : {1U, 2U, 3U}) world.nodes[owner]->learn(world.cut_over());
  world.deliver_all();
  CHECK(world.answer(get).times == 0);
  CHECK(world.answer(page).times == 0);
  CHECK(world.nodes[0]->sought().size() == 2);
  world.nodes[0]->learn(world.cut_over());
  world.deliver_all();
  CHECK(world.answer(get).values == std::vector<Bytes>{"v"});
  CHECK(world.answer(page).rows.size() == 1);
  CHECK(world.nodes[0]->coordinator().operations() == 0);
}

TEST_CASE("a fallback counts to the groups of the owner that it stands in for") {
  World world(2);
  world.all_learn(world.open());
  world.cut_off(1);
  SUBCASE("one for an owner of both groups") {
    world.cut_off(2);
    world.cut_off(3);
    const auto& put = world.put_now(0, key, "v");
    CHECK(put.is_ok());
    CHECK(put.stand_ins == 1);
    CHECK(world.holders() == std::vector<std::size_t>{0, 4});
  }
  SUBCASE("one for the new owner where the old ones are enough") {
    world.cut_off(3);
    const auto put = world.put(0, key, "v");
    const auto asked = std::ranges::find_if(world.queue, write_to(4));
    REQUIRE(asked != world.queue.end());
    CHECK(asked->as<WriteMessage>()->intended == world.id_of(1));
    world.deliver_all();
    CHECK(world.answer(put).is_ok());
    CHECK(world.holders() == std::vector<std::size_t>{0, 2, 4});
  }
}
