#include "node/run_note.h"

#include <doctest/doctest.h>

#include "base/hash.h"
#include "node/identity.h"
#include "tests/sim/env/file.h"
#include "tests/sim/env/world.h"

namespace coterie::run_note_test {

namespace {

constexpr const char* path = "run";

struct World {
  sim::SimWorld sim{1};
  sim::NodeIndex node = sim.add_node();
  sim::SimFileSystem disk{sim, node};
  std::uint64_t last_doubt = 0;

  std::uint64_t begin(const std::string& boot, bool has_data = true) {
    return begin_run(disk, path, {.boot = boot, .has_data = has_data, .fresh_doubt = ++last_doubt})
        .value();
  }
};

Bytes damaged(Bytes bytes) {
  bytes[3] = static_cast<char>(bytes[3] ^ 1);
  return bytes;
}

}  // namespace

TEST_CASE("a run that did not end, in another boot, leaves a doubt; until the next such run") {
  World world;
  CHECK(world.begin("a", false) == 0);
  // kill -9 keeps what was written
  world.sim.crash(world.node, sim::Crash::process);
  CHECK(world.begin("a") == 0);
  world.sim.crash(world.node, sim::Crash::clean_power);
  CHECK(world.begin("b") == 3);
  world.sim.crash(world.node, sim::Crash::process);
  CHECK(world.begin("b") == 3);
  REQUIRE(end_run(world.disk, path));
  world.sim.crash(world.node, sim::Crash::clean_power);
  // what was doubted before is still, until it has been compared
  CHECK(world.begin("c") == 3);
  world.sim.crash(world.node, sim::Crash::clean_power);
  CHECK(world.begin("d") == 6);
}

TEST_CASE("a clean stop leaves none, nor does a first start") {
  World world;
  CHECK(world.begin("a", false) == 0);
  REQUIRE(end_run(world.disk, path));
  world.sim.crash(world.node, sim::Crash::clean_power);
  CHECK(world.begin("b") == 0);
}

TEST_CASE("who does not know how the last run ended doubts") {
  World lost;
  CHECK(lost.begin("a") == 1);
  World damage;
  CHECK(damage.begin("a", false) == 0);
  const auto note = read_file(damage.disk, path).value();
  REQUIRE(replace_file(damage.disk, path, damaged(*note)));
  CHECK(damage.begin("a", false) == 2);
  World nameless;
  CHECK(nameless.begin("", false) == 0);
  CHECK(nameless.begin("") == 2);
  REQUIRE(end_run(nameless.disk, path));
  CHECK(nameless.begin("") == 2);
}

TEST_CASE("the note has the bytes it always had; damage and newer formats are told apart") {
  const RunNote note{.boot = "ab", .has_ended = true, .doubt = 0x0102030405060708};
  const Bytes bytes = encode_run_note(note);
  const std::string_view before(
      "\x01\x00\x01\x08\x07\x06\x05\x04\x03\x02\x01\x02\x00"
      "ab",
      15);
  CHECK(BytesView(bytes).substr(0, bytes.size() - 8) == before);
  CHECK(decode_run_note(bytes) == note);
  CHECK(decode_run_note(damaged(bytes)).error().code == ErrorCode::corrupt);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(decode_run_note(BytesView(bytes).substr(0, size)).error().code == ErrorCode::corrupt);
  }
  Bytes newer = bytes;
  newer[0] = 2;
  CHECK(decode_run_note(newer).error().code == ErrorCode::unsupported_version);
  World world;
  REQUIRE(replace_file(world.disk, path, newer));
  const auto refused = begin_run(world.disk, path, {.boot = "a", .fresh_doubt = 1});
  CHECK(refused.error().code == ErrorCode::unsupported_version);
}

}  // namespace coterie::run_note_test
