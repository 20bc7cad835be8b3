#include "ring/transition/entries.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "ring/birth.h"
#include "ring/epoch_codec.h"
#include "ring/succession.h"
#include "tests/unit/ring/epoch_samples.h"

namespace coterie::entries_test {

using namespace coterie::transition;

namespace {

Epoch base() {
  static const Epoch made = *first_epoch(epoch_samples::birth_of(5));
  return made;
}

/// The partition's last owner becomes somebody who was none.
Handover handover_of(const Epoch& epoch, std::uint32_t partition) {
  const auto owners = epoch.owners(PartitionId{partition});
  Handover out{.partition = PartitionId{partition}, .new_owners = {owners.begin(), owners.end()}};
  for (const Member& member : epoch.members()) {
    if (!epoch.owns(member.id, out.partition)) out.new_owners.back() = member.id;
  }
  return out;
}

/// The epoch after `from`, which must be a legal one.
Epoch entry(const Epoch& from, const std::function<Result<void>(EpochContents&)>& change) {
  EpochContents next = following(from);
  REQUIRE(change(next));
  auto made = Epoch::make(std::move(next));
  REQUIRE(made);
  const auto fine = check_succession(from, *made);
  CHECK((fine ? "" : fine.error().message) == "");
  return *std::move(made);
}

Epoch opened(const Epoch& from, std::vector<std::uint32_t> partitions) {
  return entry(from, [&](EpochContents& next) {
    std::vector<Handover> handovers;
    for (const auto partition : partitions) handovers.push_back(handover_of(from, partition));
    return open_change(next, std::move(handovers), {});
  });
}

Epoch stepped(const Epoch& from, std::uint64_t change, Step step) {
  return entry(from, [&](EpochContents& next) { return take_step(next, change, step); });
}

bool follows(const Epoch& from, const std::function<void(EpochContents&)>& change) {
  EpochContents next = following(from);
  change(next);
  const auto made = Epoch::make(std::move(next));
  REQUIRE(made);
  return check_succession(from, *made).has_value();
}

bool is_valid(const Epoch& epoch, const std::function<void(EpochContents&)>& change) {
  EpochContents contents = epoch.contents();
  change(contents);
  return Epoch::make(std::move(contents)).has_value();
}

}  // namespace

TEST_CASE("a change of owners goes through its stages, entry by entry") {
  const PartitionId moving{3};
  const PartitionId resting{4};
  const Epoch open = opened(base(), {3, 7});
  const auto id = open.number().number;
  CHECK(open.at(moving).stage == Stage::open);
  CHECK(open.at(moving).number.value == 2);
  CHECK(std::ranges::equal(open.at(moving).old_owners, base().owners(moving)));
  const std::vector<NodeId> after = handover_of(base(), 3).new_owners;
  CHECK(std::ranges::equal(open.at(moving).new_owners, after));
  CHECK(open.change(moving)->id == id);
  CHECK(open.change(resting) == nullptr);
  CHECK(open.at(resting).stage == Stage::stable);
  CHECK(open.at(resting).new_owners.empty());

  const Epoch cut_over = stepped(open, id, Step::cut_over);
  CHECK(cut_over.at(moving).stage == Stage::cut_over);
  CHECK(std::ranges::equal(cut_over.owners(moving), base().owners(moving)));

  const Epoch finished = stepped(cut_over, id, Step::finish);
  CHECK(finished.changes().empty());
  CHECK(finished.at(moving).stage == Stage::stable);
  CHECK(finished.at(moving).number.value == 4);
  CHECK(std::ranges::equal(finished.owners(moving), after));
  CHECK(std::ranges::equal(finished.owners(resting), base().owners(resting)));
  CHECK(finished.at(resting).number.value == 1);
}

TEST_CASE("an aborted change leaves the owners as they were, under a new configuration") {
  const Epoch open = opened(base(), {3});
  const auto id = open.number().number;
  const Epoch aborting = stepped(open, id, Step::abort);
  EpochContents late = following(aborting);
  CHECK(take_step(late, id, Step::cut_over).error().code == ErrorCode::refused);
  const Epoch aborted = stepped(aborting, id, Step::end_abort);
  CHECK(aborted.changes().empty());
  CHECK(std::ranges::equal(aborted.owners(PartitionId{3}), base().owners(PartitionId{3})));
  CHECK(aborted.configuration(PartitionId{3}).value == 4);
}

TEST_CASE("changes that share no partition run side by side; others wait") {
  const Epoch one = opened(base(), {3});
  EpochContents next = following(one);
  CHECK(open_change(next, {handover_of(one, 3)}, {}).error().code == ErrorCode::refused);
  const Epoch two = opened(one, {5});
  CHECK(two.changes().size() == 2);
  const Epoch later = stepped(two, two.number().number, Step::cut_over);
  CHECK(later.stage(PartitionId{3}) == Stage::open);
  CHECK(later.stage(PartitionId{5}) == Stage::cut_over);
  EpochContents other = following(later);
  CHECK(take_step(other, 99, Step::finish).error().code == ErrorCode::not_found);
}

TEST_CASE("a paused change is not cut over, can be resumed and aborted") {
  const Epoch open = opened(base(), {3});
  const auto id = open.number().number;
  const auto pause = [id](bool is_paused) {
    return [id, is_paused](EpochContents& next) { return pause_change(next, id, is_paused); };
  };
  const Epoch paused = entry(open, pause(true));
  CHECK(paused.changes().front().is_paused);
  EpochContents next = following(paused);
  CHECK(take_step(next, id, Step::cut_over).error().code == ErrorCode::refused);
  CHECK_FALSE(follows(paused, [id](auto& forced) {
    forced.changes.front().is_paused = false;
    (void)take_step(forced, id, Step::cut_over);
  }));
  (void)stepped(paused, id, Step::abort);
  const Epoch cut_over = stepped(entry(paused, pause(false)), id, Step::cut_over);
  EpochContents late = following(cut_over);
  CHECK(pause_change(late, id, true).error().code == ErrorCode::refused);
}

TEST_CASE("the dead are removed from each change that they are part of, at any stage") {
  const Epoch open = opened(opened(base(), {0}), {1});
  const NodeId dead = open.changes()[0].handovers[0].new_owners.back();
  const auto in_change = [&open, dead](std::size_t i) {
    return open.holds(dead, open.changes()[i].handovers[0].partition);
  };
  const Epoch next = entry(open, [dead](EpochContents& contents) -> Result<void> {
    CHECK(remove_from_changes(contents, dead));
    CHECK_FALSE(remove_from_changes(contents, dead));
    return {};
  });
  REQUIRE(in_change(0));
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(next.changes()[i].removed.size() == (in_change(i) ? 1U : 0U));
  }
  const Epoch cut_over = stepped(next, next.changes()[0].id, Step::cut_over);
  const NodeId also = cut_over.owners(PartitionId{0})[0];
  const Epoch later = entry(cut_over, [also](EpochContents& contents) -> Result<void> {
    CHECK(remove_from_changes(contents, also));
    return {};
  });
  CHECK(later.changes()[0].removed.size() == 2);
}

TEST_CASE("no stage is left out, and no change is altered on its way") {
  const Epoch open = opened(base(), {3});
  const auto id = open.number().number;
  const auto end_as = [](Stage stage) {
    return [stage](EpochContents& next) {
      next.stages[3] = stage;
      next.configurations[3].value += 1;
      next.changes.front().stage = stage;
    };
  };
  CHECK(follows(open, end_as(Stage::cut_over)));
  CHECK_FALSE(follows(base(), [&](auto& next) {
    (void)open_change(next, {handover_of(base(), 3)}, {});
    next.stages[3] = Stage::cut_over;
    next.changes.front().stage = Stage::cut_over;
  }));
  CHECK_FALSE(follows(open, [](auto& next) {  // finished without a cut-over
    next.changes.clear();
    next.stages[3] = Stage::stable;
    next.configurations[3].value += 1;
  }));
  CHECK_FALSE(follows(stepped(open, id, Step::cut_over), end_as(Stage::aborting)));
  CHECK_FALSE(follows(open, [](auto& next) {
    auto& owners = next.changes.front().handovers.front().new_owners;
    std::swap(owners[0], owners[1]);
    next.configurations[3].value += 1;
  }));
  CHECK_FALSE(follows(base(), [&](auto& next) {
    (void)open_change(next, {handover_of(base(), 3)}, {});
    next.changes.front().id = 1;
  }));
}

TEST_CASE("while owners change, the smallest R and W stand, and who was removed stays removed") {
  CHECK(smallest_quorums(base()).r == 1);
  CHECK(smallest_quorums(base()).w == 3);
  const NodeId dead = base().owners(PartitionId{3}).back();
  const Epoch open = entry(base(), [&](EpochContents& next) {
    return open_change(next, {handover_of(base(), 3)}, {dead});
  });
  const auto with_bucket = [](std::uint32_t r, std::uint32_t w) {
    return [r, w](EpochContents& next) {
      next.buckets.push_back({.id = BucketId{9}, .name = "fresh", .r = r, .w = w});
    };
  };
  CHECK(follows(open, with_bucket(1, 3)));
  CHECK_FALSE(follows(open, with_bucket(2, 2)));
  CHECK(follows(base(), with_bucket(2, 2)));
  CHECK_FALSE(follows(open, [](auto& next) { next.changes.front().removed.clear(); }));
}

TEST_CASE("an epoch's changes agree with its partitions") {
  const Epoch open = opened(base(), {3, 7});
  CHECK(is_valid(open, [](auto&) {}));
  CHECK_FALSE(is_valid(open, [](auto& c) { c.stages[3] = Stage::stable; }));
  CHECK_FALSE(is_valid(open, [](auto& c) { c.stages[4] = Stage::open; }));
  CHECK_FALSE(is_valid(open, [](auto& c) { c.changes.clear(); }));
  CHECK_FALSE(is_valid(open, [](auto& c) { c.changes.push_back(c.changes.front()); }));
  CHECK_FALSE(is_valid(open, [](auto& c) {
    c.changes.push_back(c.changes.front());
    c.changes.front().id = 1;
  }));
  CHECK_FALSE(is_valid(open, [](auto& c) { c.changes.front().id = 0; }));
  CHECK_FALSE(is_valid(open, [](auto& c) { c.changes.front().id = 77; }));
  CHECK_FALSE(is_valid(open, [](auto& c) { c.changes.front().stage = Stage::stable; }));
  CHECK_FALSE(is_valid(open, [](auto& c) { c.changes.front().removed = {NodeId{}}; }));
  using Change = std::function<void(std::vector<Handover>&)>;
  for (const Change& spoil : std::vector<Change>{
           [](auto& all) { all.pop_back(); }, [](auto& all) { std::swap(all[0], all[1]); },
           [](auto& all) { all[0].new_owners.pop_back(); },
           [](auto& all) { all[0].new_owners[0] = all[0].new_owners[1]; },
           [](auto& all) { all[0].new_owners[0] = NodeId{}; },
           [](auto& all) { all[1].partition.value = 16; }}) {
    CHECK_FALSE(is_valid(open, [&](auto& c) { spoil(c.changes.front().handovers); }));
  }
}

namespace {

/// Of base(): owns nothing but partition 3 any more, which it hands over as it leaves.
struct Leaving {
  NodeId node = base().owners(PartitionId{3}).back();
  Epoch before = [this] {
    EpochContents contents = base().contents();
    for (std::uint32_t partition = 0; partition < base().partitions(); ++partition) {
      if (partition == 3) continue;
      const Handover other = handover_of(base(), partition);
      for (std::size_t i = 0; i < base().replicas(); ++i) {
        NodeId& owner = contents.owners[std::size_t{partition} * base().replicas() + i];
        if (owner == node) owner = other.new_owners.back();
      }
    }
    return *Epoch::make(std::move(contents));
  }();
  Epoch open = entry(before, [this](EpochContents& next) {
    return open_change(next, {handover_of(before, 3)}, {}, {node});
  });
  std::uint64_t id = open.number().number;
};

void erase_member(EpochContents& contents, NodeId node) {
  std::erase_if(contents.members, [node](const Member& member) { return member.id == node; });
  contents.voters = choose_voters(contents.members);
}

}  // namespace

TEST_CASE("who leaves by a change goes with the entry that finishes it, and stays after an abort") {
  const Leaving leaving;
  CHECK(leaving.open.is_leaving(leaving.node));
  CHECK_FALSE(leaving.before.is_leaving(leaving.node));
  CHECK_FALSE(follows(leaving.open, [](auto& next) { next.changes.front().leaving.clear(); }));
  const Epoch cut = stepped(leaving.open, leaving.id, Step::cut_over);
  CHECK_FALSE(follows(cut, [&](auto& next) { (void)take_step(next, leaving.id, Step::finish); }));
  CHECK(follows(cut, [&](auto& next) {
    (void)take_step(next, leaving.id, Step::finish);
    erase_member(next, leaving.node);
  }));
  const Epoch aborting = stepped(leaving.open, leaving.id, Step::abort);
  CHECK_FALSE(aborting.is_leaving(leaving.node));
  const Epoch aborted = stepped(aborting, leaving.id, Step::end_abort);
  CHECK(aborted.member(leaving.node) != nullptr);
}

TEST_CASE("who leaves is a member that keeps nothing, and is given nothing") {
  const Leaving leaving;
  const auto with = [&](std::vector<NodeId> nodes) {
    return is_valid(leaving.open, [&](auto& c) { c.changes.front().leaving = std::move(nodes); });
  };
  const NodeId given = handover_of(leaving.before, 3).new_owners.back();
  const NodeId keeps = leaving.before.owners(PartitionId{3}).front();
  CHECK(with({leaving.node}));
  CHECK_FALSE(with({leaving.node, leaving.node}));
  CHECK_FALSE(with({NodeId{}}));
  CHECK_FALSE(with({given}));
  CHECK_FALSE(with({keeps}));
  CHECK_FALSE(is_valid(leaving.open, [](auto& c) {
    c.stages[3] = Stage::aborting;
    c.changes.front().stage = Stage::aborting;
  }));
  const Bytes bytes = encode_epoch(leaving.open);
  CHECK(*decode_epoch(bytes) == leaving.open);
  CHECK(bytes.substr(bytes.size() - 10, 2) ==
        Bytes{1, static_cast<char>(*leaving.open.member_index(leaving.node))});
}

TEST_CASE("an epoch with changes has bytes of its own, and comes back as it was") {
  const NodeId dead = base().owners(PartitionId{3}).back();
  const Epoch open = entry(opened(base(), {5}), [&](EpochContents& next) {
    return open_change(next, {handover_of(base(), 3)}, {dead});
  });
  const Bytes bytes = encode_epoch(open);
  CHECK(bytes[0] == 2);
  CHECK(encode_epoch(base())[0] == 1);
  const auto back = decode_epoch(bytes);
  REQUIRE(back);
  CHECK(*back == open);
  // One change more than in the golden bytes of an epoch: count, id, stage, paused, removed,
  // handovers, one of them, leaving.
  const Epoch one = opened(base(), {3});
  Bytes tail{1, 2, 1, 0, 0, 1, 3};
  for (const NodeId owner : one.at(PartitionId{3}).new_owners) {
    tail.push_back(static_cast<char>(*one.member_index(owner)));
  }
  tail.push_back(0);
  const Bytes whole = encode_epoch(one);
  CHECK(whole.substr(whole.size() - 8 - tail.size(), tail.size()) == tail);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode_epoch(BytesView(bytes).substr(0, size)));
  }
}

}  // namespace coterie::entries_test
