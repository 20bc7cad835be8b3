#include "ring/paxos/proposer.h"

#include <doctest/doctest.h>

#include <map>

#include "ring/paxos/acceptor.h"
#include "tests/unit/ring/paxos/samples.h"

namespace coterie::proposer_test {

using namespace coterie::paxos;
using namespace coterie::paxos::samples;

namespace {

constexpr NodeId self{.high = 7, .low = 1};

Vote granted(const Ballot& accepted = {}, Value value = nullptr) {
  return {.verdict = Verdict::granted, .accepted = accepted, .epoch = std::move(value)};
}

Proposer proposer_of(Value own) {
  return Proposer({.self = self, .base = base(), .own = std::move(own)});
}

}  // namespace

TEST_CASE("three of five voters that promise and accept decide one's own value") {
  Proposer proposer = proposer_of(next(1));
  const Prepare prepare = proposer.begin();
  CHECK(prepare.ballot == Ballot{.round = 1, .proposer = self});
  CHECK_FALSE(proposer.on_promise(voter_of(0), prepare.ballot, granted()));
  // Doubled, it counts once; a stranger's not at all.
  CHECK_FALSE(proposer.on_promise(voter_of(0), prepare.ballot, granted()));
  CHECK_FALSE(proposer.on_promise(self, prepare.ballot, granted()));
  CHECK_FALSE(proposer.on_promise(voter_of(1), prepare.ballot, granted()));
  CHECK_FALSE(proposer.may_win());
  const auto accept = proposer.on_promise(voter_of(2), prepare.ballot, granted());
  REQUIRE(accept);
  CHECK(accept->value == next(1));
  CHECK(proposer.may_win());
  CHECK_FALSE(proposer.on_promise(voter_of(3), prepare.ballot, granted()));

  proposer.on_accepted(voter_of(4), accept->ballot, granted());
  proposer.on_accepted(voter_of(4), accept->ballot, granted());
  proposer.on_accepted(voter_of(1), {.round = 9, .proposer = self}, granted());
  proposer.on_accepted(voter_of(1), accept->ballot, granted());
  CHECK(proposer.phase() == Proposer::Phase::accepting);
  proposer.on_accepted(voter_of(0), accept->ballot, granted());
  CHECK(proposer.phase() == Proposer::Phase::decided);
  CHECK(proposer.decided() == next(1));
}

TEST_CASE("what may have been decided already is carried through, that of the highest ballot") {
  Proposer proposer = proposer_of(next(1));
  const Prepare prepare = proposer.begin();
  const Ballot low{.round = 4, .proposer = self};
  const Ballot high{.round = 5, .proposer = {}};
  (void)proposer.on_promise(voter_of(0), prepare.ballot, granted(high, next(3)));
  (void)proposer.on_promise(voter_of(1), prepare.ballot, granted(low, next(2)));
  const auto accept = proposer.on_promise(voter_of(2), prepare.ballot, granted());
  REQUIRE(accept);
  CHECK(accept->value == next(3));
  CHECK_FALSE(proposer.may_win());
}

TEST_CASE("a round is lost once a majority is out of reach, and the next one bids higher") {
  Proposer proposer = proposer_of(next(1));
  const Prepare prepare = proposer.begin();
  const Vote outbid{.verdict = Verdict::outbid, .promised = {.round = 8, .proposer = {}}};
  (void)proposer.on_promise(voter_of(0), prepare.ballot, outbid);
  proposer.on_failed(voter_of(1), prepare.ballot);
  CHECK(proposer.phase() == Proposer::Phase::preparing);
  (void)proposer.on_promise(voter_of(2), prepare.ballot, outbid);
  CHECK(proposer.phase() == Proposer::Phase::idle);
  CHECK(proposer.begin().ballot.round == 9);
}

TEST_CASE("a voter that knows the decision ends it") {
  Proposer proposer = proposer_of(next(1));
  const Prepare prepare = proposer.begin();
  (void)proposer.on_promise(voter_of(0), prepare.ballot,
                            {.verdict = Verdict::decided, .epoch = next(2)});
  CHECK(proposer.phase() == Proposer::Phase::decided);
  CHECK(proposer.decided() == next(2));
}

TEST_CASE("without a value of one's own, only what others began is finished") {
  Proposer proposer = proposer_of(nullptr);
  SUBCASE("there is nothing") {
    const Prepare prepare = proposer.begin();
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK_FALSE(proposer.on_promise(voter_of(i), prepare.ballot, granted()));
    }
    CHECK(proposer.phase() == Proposer::Phase::nothing);
  }
  SUBCASE("there is something") {
    const Prepare prepare = proposer.begin();
    (void)proposer.on_promise(voter_of(0), prepare.ballot, granted());
    (void)proposer.on_promise(voter_of(1), prepare.ballot,
                              granted({.round = 1, .proposer = {}}, next(2)));
    const auto accept = proposer.on_promise(voter_of(2), prepare.ballot, granted());
    REQUIRE(accept);
    CHECK(accept->value == next(2));
    CHECK_FALSE(proposer.may_win());
  }
}

}  // namespace coterie::proposer_test
