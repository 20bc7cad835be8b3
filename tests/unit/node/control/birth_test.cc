#include "node/control/birth.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/node/samples.h"

using namespace coterie;

namespace {

Birth member(std::size_t index, Config config) {
  return Birth({.self = node_id(index + 1), .config = std::move(config)}, Random(index));
}

Birth member(std::size_t index) {
  return member(index, sample_config(index));
}

Address gossip(std::size_t index) {
  return sample_config(index).doors.gossip;
}

/// The proposer with all infos in; its proposal is made, not yet durable.
std::shared_ptr<const Epoch> proposal_of(Birth& first) {
  for (std::size_t i = 0; i < 3; ++i) {
    const Birth other = member(i);
    first.on_info(gossip(i), other.info(true));
  }
  return first.take_proposal();
}

bool mentions(const std::vector<std::string>& lines, const std::string& part) {
  return std::ranges::any_of(
      lines, [&part](const auto& line) { return line.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("the first of the list proposes, and only it") {
  CHECK(member(0).is_proposer());
  CHECK_FALSE(member(1).is_proposer());
  CHECK(member(0).questions().size() == 3);
  CHECK(member(1).questions().empty());
  CHECK(mentions(member(1).blockers(), "waiting for 127.0.0.1:7402"));
}

TEST_CASE("an epoch is proposed once every member is empty and configured alike") {
  Birth first = member(0);
  const Birth second = member(1);
  first.on_info(gossip(0), first.info(true));
  first.on_info(gossip(1), second.info(true));
  CHECK(first.take_proposal() == nullptr);
  CHECK(first.questions().size() == 3);
  const Birth third = member(2);
  first.on_info(gossip(2), third.info(true));
  const auto epoch = first.take_proposal();
  REQUIRE(epoch != nullptr);
  CHECK(epoch->members().size() == 3);
  CHECK(epoch->replicas() == 3);
  CHECK(second.admits(*epoch));
  CHECK(third.admits(*epoch));
}

TEST_CASE("it is asked about only once it is durable, and decided once all keep it") {
  Birth first = member(0);
  const auto epoch = proposal_of(first);
  REQUIRE(epoch != nullptr);
  first.resume(epoch);
  for (const auto& question : first.questions()) CHECK(question.ask == Birth::Ask::accept);
  first.on_accepted(gossip(0));
  first.on_accepted(gossip(1));
  CHECK(first.decided() == nullptr);
  first.on_accepted(gossip(2));
  CHECK(first.decided() == epoch);
}

TEST_CASE("a proposal of an earlier run is the only one handed out") {
  Birth first = member(0);
  const auto epoch = proposal_of(first);
  Birth again = member(0);
  again.resume(epoch);
  CHECK(proposal_of(again) == nullptr);
  CHECK(again.proposal() == epoch);
}

TEST_CASE("a member that has data or another configuration stops the birth and is named") {
  Birth first = member(0);
  const Birth second = member(1);
  first.on_info(gossip(0), first.info(true));
  first.on_info(gossip(1), second.info(false));
  Config odd = sample_config(2);
  odd.cluster.replicas = 2;
  const Birth third = member(2, odd);
  first.on_info(gossip(2), third.info(true));
  CHECK(first.take_proposal() == nullptr);
  CHECK(mentions(first.blockers(), "127.0.0.1:7412 belongs to a cluster already"));
  CHECK(mentions(first.blockers(), "127.0.0.1:7422 is configured otherwise"));
  CHECK_FALSE(mentions(first.blockers(), "127.0.0.1:7402"));

  // Once mended, the birth goes on.
  first.on_info(gossip(1), second.info(true));
  const Birth mended = member(2);
  first.on_info(gossip(2), mended.info(true));
  CHECK(first.take_proposal() != nullptr);
}

TEST_CASE("one that does not answer is named") {
  Birth first = member(0);
  first.on_info(gossip(1), fail(ErrorCode::unavailable, "nobody listens"));
  CHECK(mentions(first.blockers(), "127.0.0.1:7412 does not answer: nobody listens"));
}

TEST_CASE("an epoch without this node, or of another configuration, is not kept") {
  Birth first = member(0);
  const auto epoch = proposal_of(first);
  const Birth stranger({.self = node_id(99), .config = sample_config(1)}, Random(1));
  CHECK_FALSE(stranger.admits(*epoch));
  Config odd = sample_config(1);
  odd.cluster.partitions = 32;
  CHECK_FALSE(member(1, odd).admits(*epoch));
}

TEST_CASE("members are asked again until all have answered: one may have been emptied since") {
  Birth first = member(0);
  first.on_info(gossip(0), first.info(true));
  first.on_info(gossip(1), member(1).info(true));
  CHECK(first.questions().size() == 3);
  const Birth emptied({.self = node_id(22), .config = sample_config(1)}, Random(1));
  first.on_info(gossip(1), emptied.info(true));
  first.on_info(gossip(2), member(2).info(true));
  const auto epoch = first.take_proposal();
  REQUIRE(epoch != nullptr);
  CHECK(emptied.admits(*epoch));
}

TEST_CASE("a proposal that could not be kept is made anew") {
  Birth first = member(0);
  REQUIRE(proposal_of(first) != nullptr);
  CHECK(first.questions().size() == 3);
  CHECK(first.take_proposal() == nullptr);
  CHECK(proposal_of(first) != nullptr);
}

TEST_CASE("a member that does not keep the proposal is named, with its reason") {
  Birth first = member(0);
  first.resume(proposal_of(first));
  first.on_refused(gossip(1), "it does not name this node");
  CHECK(mentions(first.blockers(), "127.0.0.1:7412 does not keep the first epoch: it does not"));
  first.on_accepted(gossip(1));
  CHECK_FALSE(mentions(first.blockers(), "127.0.0.1:7412"));
}
