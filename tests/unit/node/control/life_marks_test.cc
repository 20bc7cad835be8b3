#include "node/control/life_marks.h"

#include <doctest/doctest.h>

#include "node/control/recovery.h"
#include "tests/unit/node/samples.h"

namespace coterie::life_marks_test {

namespace {

wire::LifeMark mark() {
  return {.node = node_id(2),
          .life = 1,
          .incarnation = 5,
          .run = RunId{50},
          .vote_slot = {.lineage = 1, .number = 8},
          .promised = {.round = 3, .proposer = node_id(1)},
          .accepted = {.round = 2, .proposer = node_id(3)},
          .logs = {{.log_id = 7, .synced = 100}, {.log_id = 8, .synced = 50}}};
}

/// As it would start again on its own data directory.
wire::LifeMark next_run() {
  auto next = mark();
  next.incarnation = 6;
  next.run = RunId{60};
  return next;
}

bool lacks(const wire::LifeMark& own) {
  return what_is_missing(own, mark()).has_value();
}

}  // namespace

TEST_CASE("a node that goes on, or starts again, lacks nothing") {
  CHECK_FALSE(lacks(mark()));
  auto next = next_run();
  CHECK_FALSE(lacks(next));
  next.logs[1].synced = 51;
  next.vote_slot.number = 9;
  next.promised = {.round = 1, .proposer = node_id(2)};
  next.accepted = {};
  CHECK_FALSE(lacks(next));
  next.logs.clear();  // not open yet
  CHECK_FALSE(lacks(next));
  next.logs = {{}, {.log_id = 8, .synced = 50}};
  CHECK_FALSE(lacks(next));
}

TEST_CASE("an older state is noticed by its runs, its votes, and each of its logs") {
  auto same_run = next_run();
  same_run.incarnation = 5;
  CHECK(lacks(same_run));
  auto other_slot = next_run();
  other_slot.vote_slot.number = 7;
  CHECK(lacks(other_slot));
  auto lower_promise = next_run();
  lower_promise.promised.round = 2;
  CHECK(lacks(lower_promise));
  auto no_vote = next_run();
  no_vote.vote_slot = {};
  no_vote.promised = no_vote.accepted = {};
  CHECK(lacks(no_vote));
  auto no_acceptance = next_run();
  no_acceptance.accepted = {};
  CHECK(lacks(no_acceptance));
  for (const std::size_t shard : {0U, 1U}) {
    auto shorter = next_run();
    --shorter.logs[shard].synced;
    CHECK(lacks(shorter));
    auto other = next_run();
    ++other.logs[shard].log_id;
    other.logs[shard].synced = 1000;
    CHECK(lacks(other));
  }
}

TEST_CASE("a later life lacks nothing of an earlier one, and an earlier one is over") {
  wire::LifeMark fresh{.node = node_id(2), .life = 2, .incarnation = 1, .run = RunId{1}};
  fresh.logs = {{.log_id = 9, .synced = 0}};
  CHECK_FALSE(lacks(fresh));
  fresh.life = 0;
  CHECK(lacks(fresh));
}

TEST_CASE("the highest of what a node has shown is remembered, and kept") {
  LifeMarks marks;
  CHECK(marks.find(node_id(2)) == nullptr);
  CHECK(marks.take(mark()) == mark());
  CHECK(marks.has_changed());
  const auto kept = marks.encode();
  CHECK_FALSE(marks.has_changed());
  auto older = mark();
  older.logs[0].synced = 99;
  CHECK(marks.take(older) == mark());
  CHECK_FALSE(marks.has_changed());
  auto starting = next_run();
  starting.logs.clear();
  CHECK(marks.take(starting) == next_run());
  marks.forget_others({node_id(1)});
  CHECK(marks.find(node_id(2)) == nullptr);
  REQUIRE(marks.decode(kept));
  REQUIRE(marks.find(node_id(2)) != nullptr);
  CHECK(*marks.find(node_id(2)) == mark());
}

TEST_CASE("of a life that is over nothing is remembered in the next") {
  LifeMarks marks;
  (void)marks.take(mark());
  const wire::LifeMark fresh{.node = node_id(2), .life = 2, .incarnation = 1, .run = RunId{1}};
  CHECK(marks.take(fresh) == fresh);
  CHECK(marks.take(mark()) == fresh);
}

TEST_CASE("damaged marks and those of a newer build are refused") {
  LifeMarks marks;
  (void)marks.take(mark());
  const auto good = marks.encode();
  for (std::size_t i = 2; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    const auto decoded = marks.decode(bad);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == ErrorCode::corrupt);
    CHECK_FALSE(marks.decode(good.substr(0, i)));
  }
  auto newer = good;
  newer[0] = 2;
  const auto decoded = marks.decode(newer);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code == ErrorCode::unsupported_version);
}

TEST_CASE("a recovery is kept as it is, and a damaged one is refused") {
  const Recovery recovery{
      .life = 3, .votes = Recovery::Votes::through, .through = {.lineage = 1, .number = 9}};
  const auto good = encode_recovery(recovery);
  REQUIRE(decode_recovery(good));
  CHECK(*decode_recovery(good) == recovery);
  for (std::size_t i = 2; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    CHECK_FALSE(decode_recovery(bad));
  }
  auto newer = good;
  newer[0] = 2;
  const auto decoded = decode_recovery(newer);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code == ErrorCode::unsupported_version);
}

}  // namespace coterie::life_marks_test
