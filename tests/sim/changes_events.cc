// What happens to nodes while owners change, and when.

#include <algorithm>
#include <utility>

#include "ring/transition/entries.h"
#include "tests/sim/changes.h"

namespace coterie::sim {
namespace {

constexpr Duration alike_bound = 60s;
constexpr Duration close_look = 1ms;
constexpr Duration serves_most = 3s;  // one that was restored, before it hears of it

const char* name_of(Stage entered) {
  switch (entered) {
    case Stage::open:
      return "open";
    case Stage::cut_over:
      return "cut over";
    case Stage::aborting:
      return "aborting";
    case Stage::stable:
      break;
  }
  return "end";
}

}  // namespace

void Changes::start(SimNode& node) {
  if (node.is_up() || (is_dead_ && &node == leaver_)) return;
  if (!node.start()) bad_ = {"progress", node.name() + " does not start"};
}

void Changes::crash(SimNode& node) {
  if (!node.is_up()) return;
  ++tally_["crashes"];
  const auto how = random_.chance(0.5) ? Crash::power : Crash::process;
  // What was only to be kept against the end of a process goes with it, and may.
  if (how == Crash::power) {
    history_.power_losses.push_back({.when = cluster_.world().now(), .node = node.index()});
  }
  node.crash(how);
  watch_.forget(node);
}

/// Virtual time, and a look at every node after each event.
void Changes::run_for(Duration time) {
  (void)run_until([] { return false; }, time);
}

bool Changes::run_until(const std::function<bool()>& done, Duration at_most) {
  const bool is_done = cluster_.world().run_until(
      [&] {
        if (auto* node = watch_.look()) on_new_epoch(*node);
        const Instant now = cluster_.world().now();
        if (now >= looked_ + close_look) {
          looked_ = now;
          look_closely();
          look_at_restored();
        }
        if (!bad_) bad_ = watch_.bad();
        return bad_.has_value() || done();
      },
      at_most);
  return is_done && !bad_;
}

/// `node` is the first to show it; most others do not know it yet.
void Changes::on_new_epoch(SimNode& node) {
  const auto& epoch = *watch_.newest();
  const auto before = watch_.find(epoch.number().number - 1);
  if (before == nullptr) return;
  const auto stage_in = [](const Epoch& one) {
    return one.changes().empty() ? Stage::stable : one.changes().front().stage;
  };
  const bool is_paused = !epoch.changes().empty() && epoch.changes().front().is_paused;
  const bool was_paused = !before->changes().empty() && before->changes().front().is_paused;
  if (is_paused && !was_paused) ++tally_["pauses"];
  if (was_paused && !is_paused) ++tally_["resumes"];
  const auto entered = stage_in(epoch);
  if (entered == stage_in(*before)) return;
  if (cluster_.story().is_heard()) tell(std::string("the stage is ") + name_of(entered));
  if (entered == Stage::stable) judge(before->changes().front().id);
  const auto aim = std::ranges::find_if(aims_, [entered](const Aim& one) {
    return !one.is_before && !one.is_abort && one.entered == entered;
  });
  if (aim == aims_.end()) return;
  aims_.erase(aim);
  ++tally_[std::string("crashes after ") + name_of(entered)];
  auto* other = random_.chance(0.6) ? nullptr : some_member(true);
  crash(other == nullptr ? node : *other);
}

/// Whether the next entry could be decided now.
void Changes::look_closely() {
  watch_.look_at_copies();
  if (aims_.empty() || watch_.newest() == nullptr || watch_.newest()->changes().empty()) return;
  const Change& change = watch_.newest()->changes().front();
  const auto next = change.stage == Stage::open ? Stage::cut_over : Stage::stable;
  const auto aim = std::ranges::find_if(
      aims_, [next](const Aim& one) { return one.is_before && one.entered == next; });
  if (aim == aims_.end() || change.is_paused || !watch_.is_ready(change)) return;
  const bool is_abort = aim->is_abort;
  aims_.erase(aim);
  if (is_abort) return abort_now();
  auto* node = some_member(true);
  if (node == nullptr) return;
  ++tally_[std::string("crashes before ") + name_of(next)];
  crash(*node);
}

/// The others know that it has been started since, and one of them suffices to say so.
void Changes::look_at_restored() {
  if (!is_put_back_ || !forgetful_->is_ready() || forgetful_->begun_anew() > 0) {
    serving_since_.reset();
    return;
  }
  const Instant now = cluster_.world().now();
  const auto all = members();
  const bool is_alone = std::ranges::none_of(
      all, [this](const SimNode* node) { return node != forgetful_ && node->is_ready(); });
  if (!serving_since_ || is_alone) serving_since_ = now;
  if (now < *serving_since_ + serves_most) return;
  bad_ = {"who was restored does not serve", forgetful_->name() + " does"};
}

void Changes::draw_aims() {
  aims_.clear();
  for (const auto entered : {Stage::open, Stage::cut_over, Stage::aborting, Stage::stable}) {
    if (random_.chance(0.35)) aims_.push_back({.entered = entered});
    // An abort needs nothing but that it is asked for: abort_now() crashes who is asked.
    const bool is_waited_for = entered == Stage::cut_over || entered == Stage::stable;
    if (is_waited_for && random_.chance(0.35)) {
      aims_.push_back({.entered = entered, .is_before = true});
    }
  }
  if (random_.chance(0.3)) {
    aims_.push_back({.entered = Stage::cut_over, .is_before = true, .is_abort = true});
  }
}

/// Those of the newest epoch that are not gone for good.
std::vector<SimNode*> Changes::members() const {
  std::vector<SimNode*> out;
  for (const auto& node : const_cast<Cluster&>(cluster_).nodes()) {
    const bool is_gone = is_dead_ && node.get() == leaver_;
    const bool is_in = watch_.newest() == nullptr ? node.get() != newcomer_
                                                  : watch_.newest()->member(node->id()) != nullptr;
    if (is_in && !is_gone) out.push_back(node.get());
  }
  return out;
}

/// Null: there is none.
SimNode* Changes::some_member(bool is_up) {
  auto all = members();
  if (is_up) std::erase_if(all, [](const SimNode* node) { return !node->is_up(); });
  if (all.empty()) return nullptr;
  return all[static_cast<std::size_t>(random_.below(all.size()))];
}

bool Changes::are_alike() const {
  const auto all = members();
  return std::ranges::all_of(all, [&](const SimNode* node) {
    if (!node->is_ready() || node->is_broken()) return false;
    const auto view = node->view();
    if (view->epoch->number() != watch_.newest()->number()) return false;
    return std::ranges::all_of(all, [&view](const SimNode* other) {
      const auto seen = std::ranges::find(view->peers, other->id(), &PeerView::node);
      return seen != view->peers.end() && seen->liveness == wire::Liveness::alive;
    });
  });
}

void Changes::become_alike() {
  if (bad_) return;
  const bool is_done =
      run_until([this] { return watch_.newest() != nullptr && are_alike(); }, alike_bound);
  if (!is_done && !bad_) bad_ = {"progress", "the nodes are not at one epoch"};
}

}  // namespace coterie::sim
