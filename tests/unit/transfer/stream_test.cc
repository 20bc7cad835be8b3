#include <doctest/doctest.h>

#include "base/limits.h"
#include "tests/unit/transfer/stream_world.h"

namespace coterie::transfer {
namespace {

using namespace std::chrono_literals;
using Phase = StreamStatus::Phase;

std::vector<PartitionId> all(const StreamWorld& world) {
  return world.moving;
}

TEST_CASE("a new owner takes all that the owner it displaces holds, whole and once") {
  StreamWorld world;
  std::map<Bytes, std::uint64_t> put;
  for (const auto partition : all(world)) {
    for (std::uint64_t i = 1; i <= 40; ++i) {
      put[world.put(world.displaced(partition), partition, i)] = i;
    }
  }
  world.tell(world.open);
  world.run();
  for (const auto& [key, version] : put) CHECK(world.has(key, version));
  for (const auto partition : all(world)) {
    CHECK(world.streams->covered(partition) == std::vector{world.displaced(partition)});
    CHECK(world.port->full.contains(partition));
    const auto status = world.status(partition);
    CHECK(status.phase == Phase::covered);
    CHECK(status.records == 40);
    CHECK(status.why.empty());
  }
  CHECK(world.port->kept == put.size());
  CHECK(world.told == world.moving.size());
  CHECK(world.streams->status().records == put.size());
}

TEST_CASE("batches are bounded in bytes and records, but hold one record at least") {
  StreamWorld world;
  const auto partition = world.moving.front();
  const auto source = world.displaced(partition);
  std::vector<Bytes> keys;
  for (int i = 0; i < 3; ++i) {
    keys.push_back(world.put(source, partition, 1, limits::stream_batch_bytes * 2 / 3));
  }
  const Bytes large = world.put(source, partition, 1, 2 * limits::stream_batch_bytes);
  for (std::size_t i = 0; i < limits::stream_batch_records; ++i) world.put(source, partition, 1);
  world.tell(world.open);
  world.run();
  for (const auto& key : keys) CHECK(world.has(key, 1, limits::stream_batch_bytes * 2 / 3));
  CHECK(world.has(large, 1, 2 * limits::stream_batch_bytes));
  CHECK(world.status(partition).records == limits::stream_batch_records + 4);
  // Of this partition at least four, and one of each other one.
  CHECK(world.streams->status().batches >= 4 + world.moving.size() - 1);
  CHECK(world.status(partition).bytes_total == world.status(partition).bytes);
}

TEST_CASE("a source that has not durably fenced the opening does not serve; nobody stands in") {
  StreamWorld world;
  world.tell(world.open);
  for (const auto& [node, owner] : world.owners) owner->fenced = ConfigurationNumber{1};
  world.run(5s);
  for (const auto partition : all(world)) {
    CHECK(world.streams->covered(partition).empty());
    CHECK(world.status(partition).phase == Phase::held);
    CHECK(world.status(partition).why.find("fenced") != std::string::npos);
  }
  for (const auto& [node, owner] : world.owners) owner->fenced = ConfigurationNumber{2};
  world.run(20s);
  for (const auto partition : all(world)) CHECK(!world.streams->covered(partition).empty());
}

TEST_CASE("a source in doubt does not serve, and enough of the others do") {
  StreamWorld world;
  const auto partition = world.moving.front();
  const auto away = world.displaced(partition);
  const auto others = world.before->owners(partition).subspan(1);
  const Bytes key = world.put(others[1], partition, 3);
  // Its copy of this partition was restored from an old state.
  world.owners.at(away)->local.heard_of_purge(partition, Generation{9});
  world.tell(world.open);
  world.run(20s);
  CHECK(world.has(key, 3));
  auto sources = std::vector(others.begin(), others.end());
  std::ranges::sort(sources);
  CHECK(world.streams->covered(partition) == sources);
  CHECK(world.port->full.contains(partition));
}

TEST_CASE("one of the others is not enough") {
  StreamWorld world;
  const auto partition = world.moving.front();
  world.port->unreachable = {world.displaced(partition), world.before->owners(partition)[1]};
  world.tell(world.open);
  world.run(30s);
  CHECK(world.streams->covered(partition).size() == 1);
  CHECK(!world.port->full.contains(partition));
  CHECK(world.status(partition).phase == Phase::held);
  world.port->unreachable.clear();
  world.run(30s);
  CHECK(world.port->full.contains(partition));
}

TEST_CASE("a damaged record of the source is neither sent nor skipped") {
  StreamWorld world;
  const auto partition = world.moving.front();
  auto& owner = *world.owners.at(world.displaced(partition));
  std::vector<Bytes> keys;
  for (int i = 0; i < 5; ++i) keys.push_back(world.put(world.displaced(partition), partition, 1));
  std::ranges::sort(keys);
  Bytes bad = *owner.store.get(Space::records, keys[2]).value();
  bad.back() ^= 1;
  Write write{.space = Space::records, .key = keys[2], .value = bad};
  REQUIRE(owner.store.append({&write, 1}));
  world.tell(world.open);
  world.run(200ms);
  CHECK(world.has(keys[1], 1));
  CHECK(!world.store.get(Space::records, keys[3])->has_value());
  CHECK(world.status(partition).why.find("damaged") != std::string::npos);
  CHECK(world.streams->covered(partition).empty());
  REQUIRE(owner.local.keep(partition, {}, keys[2], StreamWorld::record(keys[2], 1), true));
  world.run(20s);
  for (const auto& key : keys) CHECK(world.has(key, 1));
}

TEST_CASE("writes behind and ahead of the cursor change nothing of what was held at the fence") {
  StreamWorld world;
  const auto partition = world.moving.front();
  const auto source = world.displaced(partition);
  std::vector<Bytes> keys;
  for (std::size_t i = 0; i < 3 * limits::stream_batch_records; ++i) {
    keys.push_back(world.put(source, partition, 1));
  }
  std::ranges::sort(keys);
  world.tell(world.open);
  for (int i = 0; i < 20 && world.status(partition).records == 0; ++i) world.deliver();
  CHECK(world.status(partition).records < keys.size());
  // The new owner has these from their coordinators.
  world.put(source, keys.front(), 2);
  world.put(source, keys.back(), 2);
  const auto kept =
      world.port->keep(partition, {}, keys.back(), StreamWorld::record(keys.back(), 2));
  REQUIRE(kept);
  world.run();
  CHECK(world.has(keys.front(), 1));
  CHECK(world.has(keys.back(), 2));
  for (std::size_t i = 1; i + 1 < keys.size(); ++i) CHECK(world.has(keys[i], 1));
}

TEST_CASE("a stream goes on from its durable cursor after a restart, in another session") {
  StreamWorld world;
  const auto partition = world.moving.front();
  const auto source = world.displaced(partition);
  for (std::size_t i = 0; i < 3 * limits::stream_batch_records; ++i)
    world.put(source, partition, 1);
  world.tell(world.open);
  while (world.status(partition).records == 0) world.deliver();
  auto late = std::move(world.port->asked);
  world.start();
  world.streams->on_view(world.open);
  CHECK(world.status(partition).records == limits::stream_batch_records);
  world.run();
  CHECK(world.port->full.contains(partition));
  CHECK(world.status(partition).records == 3 * limits::stream_batch_records);
  CHECK(world.port->kept == 2 * limits::stream_batch_records);
  // A question of the run before is of a session that has ended.
  bool is_refused = false;
  for (auto& question : late) {
    const auto header = wire::decode_header(question.frame);
    if (question.to != source || header->kind != wire::Kind::stream_batch) continue;
    const Bytes body = question.frame.substr(wire::header_bytes);
    const auto answer = world.owners.at(source)->source.answer(header->kind, body, {});
    is_refused = is_refused || (!answer && answer.error().code == ErrorCode::refused);
  }
  CHECK(is_refused);
  // Once covered, no restart asks again.
  world.start();
  world.streams->on_view(world.open);
  world.run(1s);
  CHECK(world.port->kept == 0);
  CHECK(world.streams->covered(partition) == std::vector{source});
  CHECK(world.port->full.contains(partition));
}

TEST_CASE("a stream goes on after its source was started anew") {
  StreamWorld world;
  const auto partition = world.moving.front();
  const auto source = world.displaced(partition);
  for (std::size_t i = 0; i < 3 * limits::stream_batch_records; ++i)
    world.put(source, partition, 1);
  world.tell(world.open);
  while (world.status(partition).records == 0) world.deliver();
  auto& owner = *world.owners.at(source);
  owner.source.on_epoch(world.before);  // its sessions are gone
  owner.source.on_epoch(world.open);
  world.run();
  CHECK(world.port->full.contains(partition));
  CHECK(world.status(partition).records == 3 * limits::stream_batch_records);
  CHECK(world.streams->status().failures >= 1);
}

TEST_CASE("what a damaged log may have lost is taken again") {
  StreamWorld world;
  const auto partition = world.moving.front();
  const Bytes key = world.put(world.displaced(partition), partition, 1);
  world.tell(world.open);
  world.run();
  world.start();
  world.store.set_damaged({partition});
  Write write{.space = Space::records, .key = key};
  REQUIRE(world.store.append({&write, 1}));
  world.streams->on_view(world.open);
  CHECK(world.streams->covered(partition).empty());
  world.run();
  CHECK(world.has(key, 1));
  CHECK(world.streams->covered(partition).size() == 1);
}

TEST_CASE("coverage is told of once it is durable, and that the copy is full before it") {
  StreamWorld world;
  MemoryStore store(16, MemoryStore::Durability::by_hand);
  HandPort port(store);
  std::size_t told = 0;
  Streams streams({.clock = world.clock,
                   .timers = world.timers,
                   .store = store,
                   .port = port,
                   .log = world.log,
                   .should_yield = {},
                   .on_covered = [&told](PartitionId) { ++told; }},
                  {.self = world.self}, Random(1));
  world.tell(world.open);
  world.port->asked.clear();
  streams.on_view(world.open);
  std::swap(port.asked, world.port->asked);
  for (int i = 0; i < 200 && port.waiting.empty(); ++i) {
    if (!world.port->asked.empty()) world.deliver();
    while (!port.asked.empty()) {
      world.port->asked.push_back(std::move(port.asked.front()));
      port.asked.pop_front();
    }
  }
  REQUIRE(!port.waiting.empty());
  CHECK(store.is_sync_requested());
  CHECK(!port.full.empty());
  const auto partition = *port.full.begin();
  CHECK(streams.covered(partition).empty());
  CHECK(told == 0);
  CHECK(port.waiting.front().first == store.last());
  store.sync();
  port.waiting.front().second();
  CHECK(streams.covered(partition).size() == 1);
  CHECK(told == 1);
}

std::shared_ptr<const Epoch> paused(const Epoch& epoch, bool is_paused) {
  auto contents = transition::following(epoch);
  REQUIRE(transition::pause_change(contents, epoch.changes()[0].id, is_paused));
  return std::make_shared<const Epoch>(*Epoch::make(contents));
}

TEST_CASE("a pause stops streams at both ends, and what comes late is dropped") {
  StreamWorld world;
  const auto partition = world.moving.front();
  for (int i = 0; i < 300; ++i) world.put(world.displaced(partition), partition, 1);
  world.tell(world.open);
  REQUIRE(!world.port->asked.empty());
  const auto pause = paused(*world.open, true);
  world.streams->on_view(pause);
  world.run(2s);
  CHECK(world.status(partition).records == 0);
  CHECK(world.status(partition).phase == Phase::paused);
  world.tell(pause);
  world.streams->on_view(world.open);  // it is behind
  world.run(2s);
  CHECK(world.status(partition).records == 0);
  CHECK(world.status(partition).why.find("paused") != std::string::npos);
  world.tell(paused(*pause, false));
  world.run(20s);
  CHECK(world.status(partition).phase == Phase::covered);
}

TEST_CASE("at another stage streams end, and nothing of them stays") {
  StreamWorld world;
  const auto partition = world.moving.front();
  for (int i = 0; i < 300; ++i) world.put(world.displaced(partition), partition, 1);
  world.tell(world.open);
  while (world.status(partition).records == 0) world.deliver();
  auto contents = transition::following(*world.open);
  REQUIRE(transition::take_step(contents, world.open->changes()[0].id, transition::Step::abort));
  const auto aborting = std::make_shared<const Epoch>(*Epoch::make(contents));
  auto late = std::move(world.port->asked);
  world.tell(aborting);
  const auto kept = world.port->kept;
  world.port->asked = std::move(late);
  world.run(5s);
  CHECK(world.port->kept == kept);
  CHECK(world.streams->status().streams.empty());
  for (const auto& [node, owner] : world.owners) CHECK(owner->source.sessions() == 0);
  std::size_t states = 0;
  REQUIRE(world.store.scan(Space::meta, stream_keys, stream_keys_end, [&](BytesView, BytesView) {
    ++states;
    return true;
  }));
  CHECK(states == 0);
}

TEST_CASE("streams yield to clients, but not for ever, and keep within their rate") {
  StreamWorld world({.bytes_a_second = 100'000});
  const auto partition = world.moving.front();
  for (int i = 0; i < 100; ++i) world.put(world.displaced(partition), partition, 1, 10'000);
  world.is_busy = true;
  world.tell(world.open);
  world.run(5s);
  CHECK(world.streams->status().batches == 0);
  CHECK(world.status(partition).why == "clients wait");
  world.run(6s);
  CHECK(world.streams->status().records == 0);  // it has been opened
  world.run(30s);
  CHECK(world.streams->status().records > 0);
  world.is_busy = false;
  const auto before = world.streams->status().bytes;
  world.run(4s);
  const auto moved = world.streams->status().bytes - before;
  CHECK(moved >= 100'000);
  CHECK(moved <= 1'000'000);
  world.streams->set_rate(1 << 30);
  world.run(5s);
  CHECK(world.status(partition).phase == Phase::covered);
}

TEST_CASE("what this node cannot take now is asked for again, from where it stopped") {
  StreamWorld world;
  const auto partition = world.moving.front();
  for (int i = 0; i < 10; ++i) world.put(world.displaced(partition), partition, 1);
  world.port->trouble = Error{.code = ErrorCode::overloaded, .message = "the disk is far behind"};
  world.tell(world.open);
  world.run(2s);
  CHECK(world.status(partition).why == "this node: the disk is far behind");
  CHECK(world.streams->covered(partition).empty());
  world.port->trouble.reset();
  world.run(2s);
  CHECK(world.status(partition).records == 10);
  CHECK(world.streams->covered(partition) == std::vector{world.displaced(partition)});
}

TEST_CASE("a copy takes on the purges of its source before it takes a record") {
  StreamWorld world;
  const auto partition = world.moving.front();
  auto& owner = *world.owners.at(world.displaced(partition));
  REQUIRE(owner.local.raise_generation(partition, Generation{5}));
  world.tell(world.open);
  world.run();
  CHECK(world.port->copy(partition)->generation() == Generation{5});
  CHECK(world.port->copy(partition)->purged() == Generation{0});
}

TEST_CASE("a stream's state has one encoding") {
  const StreamState state{.opened = ConfigurationNumber{7},
                          .is_covered = true,
                          .records = 3,
                          .bytes = 1000,
                          .records_total = 5,
                          .cursor = "k"};
  const Bytes bytes = encode_stream_state(state);
  CHECK(*decode_stream_state(bytes) == state);
  CHECK(bytes.size() == 1 + 8 + 1 + 3 * 8 + 1);
  Bytes later = bytes;
  later[0] = 2;
  CHECK(decode_stream_state(later).error().code == ErrorCode::unsupported_version);
  Bytes flags = bytes;
  flags[9] = 2;
  CHECK(decode_stream_state(flags).error().code == ErrorCode::corrupt);
  CHECK(decode_stream_state(bytes.substr(0, 20)).error().code == ErrorCode::corrupt);
  const StreamKey key{.partition = PartitionId{258}, .source = node_id(3)};
  const Bytes encoded = encode_stream_key(key);
  CHECK(*decode_stream_key(encoded) == key);
  CHECK(encoded.substr(0, 5) == BytesView("t\0\0\1\2", 5));
  CHECK(decode_stream_key(encoded + "x").error().code == ErrorCode::corrupt);
  CHECK(decode_stream_key("p").error().code == ErrorCode::corrupt);
}

}  // namespace
}  // namespace coterie::transfer
