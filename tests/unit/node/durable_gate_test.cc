#include "node/durable_gate.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "storage/memory_store.h"

namespace coterie::durable_gate_test {

namespace {

struct World {
  MemoryStore store{16, MemoryStore::Durability::by_hand};
  std::vector<std::string> done;
  DurableGate gate{
      store, [this](ConnectionId, Bytes frame) { done.push_back(std::move(frame)); },
      [this](coordinator::Tag tag) { done.push_back("tag " + std::to_string(tag.value)); }};

  World() {
    store.set_progress_handler([this] { gate.release(); });
  }
  LogPosition append(const Bytes& key) {
    Write write{.space = Space::meta, .key = key, .value = "v"};
    return *store.append(std::span(&write, 1));
  }
};

const ConnectionId somebody{1};

}  // namespace

TEST_CASE("an answer waits for the sync of what it rests on, and asks for it") {
  World world;
  const auto position = world.append("a");
  world.gate.answer(position, Durability::commit, somebody, "a");
  CHECK(world.store.is_sync_requested());
  CHECK(world.done.empty());
  world.store.write();
  CHECK(world.done.empty());
  world.store.sync();
  CHECK(world.done == std::vector<std::string>{"a"});
  CHECK(world.gate.waiting() == 0);
}

TEST_CASE("an interval answer waits for the write only") {
  World world;
  const auto position = world.append("a");
  world.gate.answer(position, Durability::interval, somebody, "a");
  CHECK_FALSE(world.store.is_sync_requested());
  CHECK(world.done.empty());
  world.store.write();
  CHECK(world.done == std::vector<std::string>{"a"});
}

TEST_CASE("what is durable already is answered at once") {
  World world;
  const auto position = world.append("a");
  world.store.sync();
  world.append("b");
  world.gate.answer(position, Durability::commit, somebody, "a");
  CHECK(world.done == std::vector<std::string>{"a"});
}

TEST_CASE("one that rests on less is not held up by those that rest on more") {
  World world;
  const auto first = world.append("a");
  const auto second = world.append("b");
  world.gate.answer(second, Durability::commit, somebody, "b");
  world.gate.vote(first, Durability::commit, coordinator::Tag{5});
  CHECK(world.gate.waiting() == 2);
  world.store.sync();
  CHECK(world.done == std::vector<std::string>{"tag 5", "b"});
}

}  // namespace coterie::durable_gate_test
