#include "node/transfer/purge_round.h"

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::transfer;

namespace {

using Step = PurgeRound::Step;

PurgeEntry entry(std::string_view key, std::uint64_t digest,
                 wire::Purging what = wire::Purging::erase) {
  return {.key = Bytes(key), .digest = digest, .what = what};
}

PurgeListing listing(std::vector<PurgeEntry> entries, std::uint64_t generation,
                     std::string_view reach = {}) {
  return {
      .entries = std::move(entries), .reach = Bytes(reach), .generation = Generation{generation}};
}

const Error away{.code = ErrorCode::unavailable, .message = "away"};

}  // namespace

TEST_CASE("what all owners list alike is purged above every generation it was listed under") {
  PurgeRound round(3);
  auto asked = round.take_questions();
  REQUIRE(asked.size() == 3);
  CHECK(round.step() == Step::list);
  round.on_listed(asked[0].id, listing({entry("a", 1), entry("b", 2), entry("c", 3)}, 4));
  round.on_listed(asked[1].id, listing({entry("a", 1), entry("b", 9), entry("c", 3)}, 7));
  CHECK(round.take_questions().empty());
  round.on_listed(asked[2].id, listing({entry("a", 1), entry("c", 3, wire::Purging::trim)}, 5));
  CHECK(round.step() == Step::raise);
  CHECK(round.generation() == Generation{8});
  CHECK(round.batch() == std::vector{entry("a", 1)});
  CHECK(round.unequal() == 2);

  asked = round.take_questions();
  REQUIRE(asked.size() == 3);
  for (const auto& question : asked) round.on_raised(question.id, Generation{8});
  CHECK(round.step() == Step::apply);
  for (const auto& question : round.take_questions()) round.on_applied(question.id);
  CHECK(round.step() == Step::done);
  CHECK(round.take_questions().empty());
}

TEST_CASE("pages go on from where the shortest listing ends") {
  PurgeRound round(2);
  auto asked = round.take_questions();
  round.on_listed(asked[0].id, listing({entry("a", 1), entry("m", 2)}, 1, "n"));
  round.on_listed(asked[1].id, listing({entry("a", 2)}, 1, "f"));
  CHECK(round.step() == Step::list);
  CHECK(round.from() == "f");
  CHECK(round.unequal() == 1);
  asked = round.take_questions();
  round.on_listed(asked[0].id, listing({entry("m", 2)}, 1));
  round.on_listed(asked[1].id, listing({entry("m", 2)}, 1));
  CHECK(round.batch() == std::vector{entry("m", 2)});
  // a listing that does not get on ends the round instead of repeating it
  PurgeRound stuck(1);
  const auto first = stuck.take_questions();
  stuck.on_listed(first[0].id, listing({}, 1, "b"));
  const auto second = stuck.take_questions();
  stuck.on_listed(second[0].id, listing({}, 1, "b"));
  CHECK(stuck.step() == Step::done);
}

TEST_CASE("a round without one owner is no round") {
  for (const bool while_raising : {false, true}) {
    PurgeRound round(3);
    auto asked = round.take_questions();
    if (while_raising) {
      for (const auto& question : asked) {
        round.on_listed(question.id, listing({entry("a", 1)}, 1));
      }
      asked = round.take_questions();
      round.on_raised(asked[0].id, Generation{2});
    }
    round.on_failed(asked[1].id, away);
    CHECK(round.step() == Step::abandoned);
    CHECK(round.blamed() == 1);
    CHECK(round.reason() == "away");
    round.on_raised(asked[2].id, Generation{2});
    round.on_listed(asked[2].id, listing({}, 1));
    CHECK(round.step() == Step::abandoned);
    CHECK(round.take_questions().empty());
  }
}

TEST_CASE("an owner that did not raise its generation ends the round") {
  PurgeRound round(1);
  round.on_listed(round.take_questions()[0].id, listing({entry("a", 1)}, 5));
  round.on_raised(round.take_questions()[0].id, Generation{5});
  CHECK(round.step() == Step::abandoned);
}

TEST_CASE("late and second answers count for nothing") {
  PurgeRound round(2);
  const auto asked = round.take_questions();
  round.on_listed(asked[0].id, listing({entry("a", 1)}, 1));
  round.on_listed(asked[0].id, listing({entry("a", 1)}, 1));
  CHECK(round.step() == Step::list);
  round.on_listed(asked[1].id, listing({entry("a", 1)}, 1));
  CHECK(round.step() == Step::raise);
  const auto raises = round.take_questions();
  round.on_listed(asked[1].id, listing({}, 9));
  round.on_raised(asked[0].id, Generation{2});
  round.on_raised(raises[0].id, Generation{2});
  round.on_raised(raises[0].id, Generation{2});
  CHECK(round.step() == Step::raise);
  CHECK(round.generation() == Generation{2});
}

TEST_CASE("where one owner fails to purge, the others have done so, and the round ends") {
  PurgeRound round(2);
  for (const auto& question : round.take_questions()) {
    round.on_listed(question.id, listing({entry("a", 1)}, 1, "b"));
  }
  for (const auto& question : round.take_questions()) round.on_raised(question.id, Generation{2});
  const auto asked = round.take_questions();
  round.on_failed(asked[0].id, away);
  CHECK(round.step() == Step::apply);
  round.on_applied(asked[1].id);
  CHECK(round.step() == Step::abandoned);
}

TEST_CASE("an owner that an abandoned round left behind is raised, with nothing to purge") {
  PurgeRound round(2);
  const auto asked = round.take_questions();
  round.on_listed(asked[0].id, listing({}, 7));
  round.on_listed(asked[1].id, listing({}, 6));
  CHECK(round.step() == Step::raise);
  CHECK(round.generation() == Generation{8});
  CHECK(round.batch().empty());
}

TEST_CASE("an owner behind an applied purge is told so, and nothing is purged") {
  PurgeRound round(2);
  const auto asked = round.take_questions();
  auto ahead = listing({}, 7);
  ahead.purged = Generation{6};
  round.on_listed(asked[0].id, ahead);
  round.on_listed(asked[1].id, listing({entry("a", 1)}, 5));
  CHECK(round.step() == Step::raise);
  CHECK(round.purged() == Generation{6});
  CHECK(round.batch().empty());
  const auto raises = round.take_questions();
  round.on_failed(raises[1].id, away);
  CHECK(round.step() == Step::abandoned);
  CHECK(round.blamed() == 1);
}

TEST_CASE("every bystander must have cleared the partition before anything is purged") {
  for (const bool is_clear : {true, false}) {
    CAPTURE(is_clear);
    PurgeRound round(2, 2);
    auto asked = round.take_questions();
    REQUIRE(asked.size() == 2);
    for (const auto& question : asked) round.on_listed(question.id, listing({entry("a", 1)}, 4));
    asked = round.take_questions();
    REQUIRE(asked.size() == 2);
    for (const auto& question : asked) round.on_raised(question.id, Generation{5});
    CHECK(round.step() == Step::clear);
    CHECK(round.generation() == Generation{5});
    asked = round.take_questions();
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].owner == 2);
    CHECK(asked[1].owner == 3);
    round.on_raised(asked[0].id, Generation{5});
    CHECK(round.step() == Step::clear);
    if (is_clear) {
      round.on_raised(asked[1].id, Generation{5});
      CHECK(round.step() == Step::apply);
      CHECK(round.take_questions().size() == 2);
    } else {
      round.on_failed(asked[1].id, {.code = ErrorCode::unavailable, .message = "keeps 1 hints"});
      CHECK(round.step() == Step::abandoned);
      CHECK(round.blamed() == 3);
    }
  }
}
