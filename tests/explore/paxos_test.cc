#include <doctest/doctest.h>

#include <string>

#include "tests/explore/explorer.h"
#include "tests/explore/paxos/world.h"
#include "tests/explore/scale.h"

using namespace coterie::explore;

namespace {

void explore_all(const std::string& name, const paxos::Scope& scope) {
  const Explored explored = Explorer(paxos::World(scope)).run();
  MESSAGE(name << ": " << explored.states << " states, depth " << explored.depth << ", "
               << explored.seconds << " s");
  CHECK(explored.violation == "");
}

}  // namespace

TEST_CASE("every order of two proposers' messages and crashes decides at most one epoch") {
  explore_all("1 and 1 round, a voter crashes", {.voter_crashes = 1});
  explore_all("1 and 1 round, a proposer crashes", {.proposer_crashes = 1});
}

TEST_CASE("every order of more rounds, and of news of the decision, leaves it as it is") {
  // Sanitizers slow it down tenfold and see no more in it.
  if (scale() == "small") return;
  explore_all("2 and 1 rounds", {.rounds = {2, 1}});
  explore_all("1 and 1 round, news", {.has_news = true});
}

TEST_CASE("every order of a wide scope decides at most one epoch") {
  if (scale() != "long") return;
  explore_all("2 and 2 rounds", {.rounds = {2, 2}});
  explore_all("2 and 1 rounds, a voter and a proposer crash",
              {.rounds = {2, 1}, .voter_crashes = 1, .proposer_crashes = 1});
}
