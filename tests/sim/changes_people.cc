// What people do to the ring, and to nodes.

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "ring/plan/members.h"
#include "ring/plan/plan.h"
#include "ring/transition/entries.h"
#include "tests/sim/changes.h"

namespace coterie::sim {

/// The leaver goes, and nobody will have its data again.
void Changes::lose_for_good() {
  crash(*leaver_);
  is_dead_ = true;
  Damage damage{.when = cluster_.world().now(), .owned = {}, .keys = {}};
  for (KeyIndex key = 0; key < history_.keys.size(); ++key) damage.owned.insert(key);
  damage.keys = damage.owned;
  history_.damages.push_back(std::move(damage));
  if (random_.chance(0.5)) {
    // What starts under its address is a stranger, with nothing.
    tell(leaver_->name() + " is wiped");
    ++tally_["wiped"];
    leaver_->wipe();
  }
}

/// It gets its old data directory, and must notice by what the others remember; or none, and begins
/// anew. What the others know only of its last two seconds is not remembered: it is started once
/// more before, which they all hear of.
void Changes::make_forget() {
  const auto all = members();
  const bool are_all_up =
      std::ranges::all_of(all, [](const SimNode* node) { return node->is_ready(); });
  if (!are_all_up) return;
  if (!std::exchange(is_copy_old_, true)) {
    crash(*forgetful_);
    start(*forgetful_);
    return;
  }
  crash(*forgetful_);
  Damage damage{.when = cluster_.world().now(), .owned = {}, .keys = {}};
  for (KeyIndex key = 0; key < history_.keys.size(); ++key) damage.owned.insert(key);
  damage.keys = damage.owned;
  history_.damages.push_back(std::move(damage));
  const auto copy = *std::exchange(copy_, std::nullopt);
  const bool is_voter = std::ranges::count(watch_.newest()->voters(), forgetful_->id()) != 0;
  if (is_voter) ++tally_["voters that forget"];
  if (random_.chance(0.5)) {
    tell(forgetful_->name() + " gets its old data directory");
    forgetful_->restore(copy);
    is_put_back_ = true;
    ++tally_["restored"];
  } else {
    tell(forgetful_->name() + " loses its data directory, and begins anew");
    ++tally_["wiped and begun anew"];
    if (!forgetful_->begin_anew(forgetful_->id())) bad_ = {"progress", "it does not begin anew"};
  }
}

EpochContents Changes::shuffled(const Epoch& base) {
  std::vector<Handover> handovers;
  for (std::uint32_t p = 0; p < base.partitions(); ++p) {
    const PartitionId partition{p};
    const bool moves = random_.chance(0.5) || p + 1 == base.partitions();
    if (!moves) continue;
    const auto owners = base.owners(partition);
    std::vector<NodeId> to(owners.begin(), owners.end());
    for (const Member& member : base.members()) {
      const bool is_gone = is_dead_ && member.id == leaver_id_;
      if (base.owns(member.id, partition) || is_gone) continue;
      auto& displaced = to[random_.below(to.size())];
      // One more may take the place of one that has none yet.
      if (base.owns(displaced, partition)) displaced = member.id;
    }
    if (std::ranges::equal(owners, to)) continue;
    handovers.push_back({.partition = partition, .new_owners = std::move(to)});
  }
  auto contents = transition::following(base);
  (void)transition::open_change(contents, std::move(handovers), {});
  return contents;
}

/// Nothing: it cannot be planned, and bad_ says why.
std::optional<EpochContents> Changes::wanted(const Epoch& base) {
  const auto newcomer = [this] {
    return Member{.id = newcomer_->id(), .address = newcomer_->config().doors.gossip.text()};
  };
  std::vector<plan::StagedChange> staged;
  switch (wish_) {
    case Wish::shuffle:
      return shuffled(base);
    case Wish::join:
      if (base.member(newcomer_->id()) == nullptr) staged = {plan::Join{.member = newcomer()}};
      break;
    case Wish::leave:
      staged = {plan::Leave{.node = leaver_id_}};
      break;
    case Wish::remove:
      staged = {plan::Remove{.node = leaver_id_}};
      break;
    case Wish::replace:
    case Wish::replace_dead:
      // After an abort it is a member that owns nothing, and takes over by what is planned then.
      if (base.member(newcomer_->id()) == nullptr) {
        staged = {plan::Replace{
            .node = leaver_id_, .by = newcomer(), .is_dead = wish_ == Wish::replace_dead}};
      } else if (wish_ == Wish::replace) {
        staged = {plan::Leave{.node = leaver_id_}};
      } else {
        staged = {plan::Remove{.node = leaver_id_}};
      }
      break;
  }
  auto planned = plan::make_plan(base, staged, {});
  if (!planned) {
    bad_ = {"plan", planned.error().message};
    return std::nullopt;
  }
  return planned->next.contents();
}

void Changes::open() {
  auto* node = some_member(true);
  if (node == nullptr || !node->is_ready()) return;
  auto contents = wanted(*node->view()->epoch);
  if (!contents) return;
  if (random_.chance(0.4)) return compete(*node, *contents);
  const bool crashes = random_.chance(0.15);
  propose(*node, *std::move(contents), "");
  if (!crashes) return run_for(draw(random_, 0ms, 10ms));
  // Before it is decided, or just after.
  const auto number = watch_.newest()->number();
  run_for(draw(random_, 0ms, 3ms));
  ++tally_[watch_.newest()->number() == number ? "crashes before open" : "crashes after open"];
  crash(*node);
}

/// Two operators at once, at two nodes: one epoch, and one refusal.
void Changes::compete(SimNode& one, const EpochContents& contents) {
  auto* other = some_member(true);
  if (other == nullptr || other == &one || !other->is_ready() ||
      other->view()->epoch->number() != one.view()->epoch->number()) {
    return propose(one, contents, "");
  }
  struct Said {
    int decided = 0;
    int refused = 0;
    int unknown = 0;
  };
  auto said = std::make_shared<Said>();
  const auto hears = [said](const Result<void>& result) {
    if (result) ++said->decided;
    if (!result && result.error().code == ErrorCode::refused) ++said->refused;
    if (!result && result.error().code != ErrorCode::refused) ++said->unknown;
  };
  auto theirs = Epoch::make(shuffled(*other->view()->epoch));
  auto ours = Epoch::make(contents);
  if (!theirs || !ours) {
    bad_ = {"valid", (theirs ? ours : theirs).error().message};
    return;
  }
  const bool are_equal = theirs->hash() == ours->hash();
  tell(one.name() + " and " + other->name() + " are asked for different changes at once");
  one.propose(std::make_shared<const Epoch>(*std::move(ours)), hears);
  other->propose(std::make_shared<const Epoch>(*std::move(theirs)), hears);
  run_until([said] { return said->decided + said->refused + said->unknown == 2; }, 5s);
  if (said->decided > 1 && !are_equal) bad_ = {"one epoch", "both proposers were told yes"};
  if (said->decided == 1 && said->refused == 1) ++tally_["one of two proposers refused"];
}

void Changes::propose(SimNode& node, EpochContents contents, std::string what) {
  auto next = Epoch::make(std::move(contents));
  if (!next) {
    bad_ = {"valid", next.error().message};
    return;
  }
  if (!node.is_ready()) return;
  node.propose(std::make_shared<const Epoch>(*std::move(next)),
               [this, what = std::move(what)](const Result<void>& result) {
                 if (!what.empty()) ++tally_[what + (result ? ", decided" : ", refused")];
               });
}

/// What people ask for, whoever they ask: it competes with what the nodes do by themselves.
void Changes::interfere() {
  auto* node = some_member(true);
  if (node == nullptr || !node->is_ready() || node->view()->epoch->changes().empty()) return;
  if (!random_.chance(0.5)) return abort_now();
  const auto epoch = node->view()->epoch;
  auto contents = transition::following(*epoch);
  const Change& change = epoch->changes().front();
  if (transition::pause_change(contents, change.id, !change.is_paused)) {
    propose(*node, std::move(contents), "");
  }
}

void Changes::abort_now() {
  auto* node = some_member(true);
  if (node == nullptr || !node->is_ready() || node->view()->epoch->changes().empty()) return;
  const auto epoch = node->view()->epoch;
  auto contents = transition::following(*epoch);
  const auto change = epoch->changes().front().id;
  if (!transition::take_step(contents, change, transition::Step::abort)) return;
  const bool is_race = watch_.is_ready(epoch->changes().front());
  propose(*node, std::move(contents), is_race ? "aborts against a cut-over" : "");
  if (!random_.chance(0.2)) return;
  ++tally_["crashes before aborting"];
  crash(*node);
}

/// Whoever has handed over all that it owned is no member any more.
void Changes::take_out() {
  const auto& epoch = *watch_.newest();
  const bool goes = wish_ == Wish::leave || wish_ == Wish::remove || wish_ == Wish::replace ||
                    wish_ == Wish::replace_dead;
  if (!goes || epoch.member(leaver_id_) == nullptr || !epoch.changes().empty()) return;
  if (!epoch.partitions_of(leaver_id_).empty()) return;
  auto contents = transition::following(epoch);
  const NodeId leaver = leaver_id_;
  if (!plan::settle_members(contents, std::span(&leaver, 1))) return;
  if (auto* node = some_member(true)) propose(*node, std::move(contents), "");
  run_for(500ms);
}

/// A change that was opened while nobody knew may wait for the fence of one who is dead.
void Changes::declare_dead() {
  auto contents = transition::following(*watch_.newest());
  bool is_news = false;
  for (Change& change : contents.changes) {
    const auto place = std::ranges::lower_bound(change.removed, leaver_id_);
    if (place != change.removed.end() && *place == leaver_id_) continue;
    change.removed.insert(place, leaver_id_);
    is_news = true;
  }
  if (!is_news) return;
  ++tally_["declared dead meanwhile"];
  if (auto* node = some_member(true)) propose(*node, std::move(contents), "");
}

bool Changes::is_fulfilled() const {
  const auto& epoch = *watch_.newest();
  if (!epoch.changes().empty()) return false;
  if (has_aborted_ && !is_dead_) return true;
  switch (wish_) {
    case Wish::shuffle:
      return true;
    case Wish::join:
      return !epoch.partitions_of(newcomer_->id()).empty();
    case Wish::leave:
    case Wish::replace:
    case Wish::remove:
    case Wish::replace_dead:
      break;
  }
  return epoch.member(leaver_id_) == nullptr;
}

}  // namespace coterie::sim
