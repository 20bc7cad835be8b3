#include "ring/paxos/acceptor.h"

#include <doctest/doctest.h>

#include "tests/unit/ring/paxos/samples.h"

namespace coterie::acceptor_test {

using namespace coterie::paxos;
using namespace coterie::paxos::samples;

namespace {

constexpr NodeId one{.high = 7, .low = 1};
constexpr NodeId two{.high = 7, .low = 2};

Acceptor fresh() {
  return {voter_of(0), base(), {}};
}

}  // namespace

TEST_CASE("a voter promises each ballot once, and only higher ones") {
  Acceptor acceptor = fresh();
  const auto slot = slot_after(*base());
  const auto first = acceptor.on_prepare({.slot = slot, .ballot = {.round = 1, .proposer = two}});
  REQUIRE(first);
  CHECK(first->vote.verdict == Verdict::granted);
  CHECK(first->must_keep);
  CHECK(first->vote.epoch == nullptr);
  CHECK(acceptor.state().promised == Ballot{.round = 1, .proposer = two});

  for (const NodeId proposer : {one, two}) {
    const auto lower =
        acceptor.on_prepare({.slot = slot, .ballot = {.round = 1, .proposer = proposer}});
    REQUIRE(lower);
    CHECK(lower->vote.verdict == Verdict::outbid);
    CHECK_FALSE(lower->must_keep);
    CHECK(lower->vote.promised == Ballot{.round = 1, .proposer = two});
  }
  CHECK(
      acceptor.on_prepare({.slot = slot, .ballot = {.round = 2, .proposer = one}})->vote.verdict ==
      Verdict::granted);
}

TEST_CASE("a voter tells who promises after it what it has accepted") {
  Acceptor acceptor = fresh();
  const auto slot = slot_after(*base());
  const Ballot low{.round = 1, .proposer = one};
  const auto accepted = acceptor.on_accept({.slot = slot, .ballot = low, .value = next(1)});
  REQUIRE(accepted);
  CHECK(accepted->vote.verdict == Verdict::granted);
  CHECK(accepted->must_keep);

  // Said again, it needs no second write.
  CHECK_FALSE(acceptor.on_accept({.slot = slot, .ballot = low, .value = next(1)})->must_keep);

  const auto promise = acceptor.on_prepare({.slot = slot, .ballot = {.round = 2, .proposer = two}});
  REQUIRE(promise);
  CHECK(promise->vote.accepted == low);
  CHECK(*promise->vote.epoch == *next(1));
  CHECK(acceptor.on_accept({.slot = slot, .ballot = low, .value = next(1)})->vote.verdict ==
        Verdict::outbid);
}

TEST_CASE("a voter that knows the slot decided says so, also when it votes no more") {
  EpochContents contents = base()->contents();
  contents.number.number += 1;
  contents.voters = {voter_of(1)};
  const auto decided = std::make_shared<const Epoch>(*Epoch::make(contents));
  Acceptor acceptor = fresh();
  acceptor.on_decided(decided);
  const Ballot ballot{.round = 9, .proposer = one};
  const auto answer = acceptor.on_prepare({.slot = slot_after(*base()), .ballot = ballot});
  REQUIRE(answer);
  CHECK(answer->vote.verdict == Verdict::decided);
  CHECK(answer->vote.epoch == decided);
  CHECK(acceptor.on_accept({.slot = slot_after(*base()), .ballot = ballot, .value = next(1)})
            ->vote.verdict == Verdict::decided);
  const auto no_voter = acceptor.on_prepare({.slot = slot_after(*decided), .ballot = ballot});
  REQUIRE_FALSE(no_voter);
  CHECK(no_voter.error().code == ErrorCode::refused);
}

TEST_CASE("a voter that lacks the epoch before says that it is behind; one of another is refused") {
  Acceptor acceptor = fresh();
  const Ballot ballot{.round = 1, .proposer = one};
  CHECK(acceptor.on_prepare({.slot = slot_after(*next(1)), .ballot = ballot})->vote.verdict ==
        Verdict::behind);
  Slot foreign = slot_after(*base());
  foreign.base_hash ^= 1;
  CHECK(acceptor.on_prepare({.slot = foreign, .ballot = ballot}).error().code ==
        ErrorCode::refused);
}

TEST_CASE("a voter accepts nothing that cannot follow the epoch it knows") {
  Acceptor acceptor = fresh();
  EpochContents contents = next(1)->contents();
  contents.hash_seed ^= 1;
  const auto wrong = std::make_shared<const Epoch>(*Epoch::make(contents));
  const Accept message{
      .slot = slot_after(*base()), .ballot = {.round = 1, .proposer = one}, .value = wrong};
  CHECK(acceptor.on_accept(message).error().code == ErrorCode::invalid_argument);
  CHECK(acceptor.state().accepted.is_none());
}

TEST_CASE("what was kept of a decided slot is forgotten; of the open one it counts") {
  const AcceptorState kept{.slot = slot_after(*base()).number,
                           .promised = {.round = 3, .proposer = one},
                           .accepted = {.round = 2, .proposer = two},
                           .value = next(2)};
  CHECK(Acceptor(voter_of(0), base(), kept).state().promised.round == 3);
  CHECK(Acceptor(voter_of(0), next(1), kept).state().promised.is_none());
  Acceptor acceptor(voter_of(0), base(), kept);
  acceptor.on_decided(next(2));
  CHECK(acceptor.state().promised.is_none());
  CHECK(acceptor.state().value == nullptr);
  acceptor.on_decided(base());
  CHECK(acceptor.newest() == next(2));
}

}  // namespace coterie::acceptor_test
