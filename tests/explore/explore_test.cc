#include <doctest/doctest.h>

#include <string>

#include "tests/explore/explorer.h"
#include "tests/explore/records.h"
#include "tests/explore/scale.h"
#include "tests/explore/world.h"

using namespace coterie::explore;

namespace {

void explore_all(const std::string& name, const Scope& scope) {
  Records records;
  const Explored explored = Explorer(World(scope, records)).run();
  MESSAGE(name << ": " << explored.states << " states, depth " << explored.depth << ", "
               << explored.seconds << " s");
  CHECK(explored.violation == "");
}

}  // namespace

TEST_CASE("every order of writes, reads and faults keeps what was acknowledged") {
  explore_all("2 writes, 1 read, 1 message doubled", {.reads = 1, .rounds = 0, .doubled = 1});
  explore_all("2 writes, 1 wipe", {.rounds = 0, .wipes = 1});
  explore_all("2 writes, 1 restore", {.rounds = 0, .restores = 1});
  explore_all("3 writes", {.ops = 3, .rounds = 0});
}

TEST_CASE("every order of a purge round's messages brings nothing back") {
  explore_all("2 writes, 1 round", {});
  // Sanitizers slow it down twentyfold and see no more in it.
  if (scale() == "small") return;
  explore_all("2 writes, 1 round, 1 question given up", {.timeouts = 1});
  explore_all("2 writes of one owner, 1 round, 1 restore", {.writers = 1, .restores = 1});
  explore_all("2 writes, 1 round, 1 message doubled", {.doubled = 1});
}

TEST_CASE("every order of a wider scope brings nothing back") {
  if (scale() == "small") return;
  explore_all("2 writes, 1 read, 1 round", {.reads = 1});
  explore_all("2 writes, 1 round, 1 wipe", {.wipes = 1});
  explore_all("2 writes, 1 round, 1 restore", {.restores = 1});
  explore_all("2 writes, 1 round, 1 question given up, late answers",
              {.timeouts = 1, .has_late_answers = true});
}

TEST_CASE("every order of a wide scope brings nothing back") {
  if (scale() != "long") return;
  explore_all("3 writes, 1 round", {.ops = 3});
  explore_all("3 writes, 1 restore", {.ops = 3, .rounds = 0, .restores = 1});
  explore_all("2 writes of one owner, 1 round, 1 restore, 1 message doubled",
              {.writers = 1, .doubled = 1, .restores = 1});
  explore_all("2 writes of one owner, 1 round, 1 restore, 1 question given up, late answers",
              {.writers = 1, .timeouts = 1, .restores = 1, .has_late_answers = true});
  explore_all("2 writes, 1 read, 1 restore", {.reads = 1, .rounds = 0, .restores = 1});
}
