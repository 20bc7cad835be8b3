#include "tests/sim/changes.h"

#include <algorithm>
#include <utility>

#include "ring/transition/entries.h"

namespace coterie::sim {
namespace {

constexpr Duration idle_bound = 60s;
constexpr Duration change_bound = 300s;
constexpr Duration early = 300ms;
constexpr int rounds_most = 8;

}  // namespace

Changes::Wish Changes::draw_wish(Random& random) {
  const double which = random.unit();
  if (which < 0.3) return Wish::shuffle;
  if (which < 0.42) return Wish::join;
  if (which < 0.57) return Wish::leave;
  if (which < 0.71) return Wish::replace;
  return which < 0.86 ? Wish::replace_dead : Wish::remove;
}

Changes::Changes(std::uint64_t seed)
    : random_(seed ^ 0x6d6f7665),
      wish_(draw_wish(random_)),
      is_sloppy_(random_.chance(0.25)),
      uses_interval_(random_.chance(0.3)),
      writes_all_(!is_sloppy_ && random_.chance(0.2)),
      has_restores_(wish_ != Wish::remove && wish_ != Wish::replace_dead && random_.chance(0.5)),
      cluster_(seed, draw_cluster()),
      watch_(cluster_) {
  Workload::Settings settings;
  settings.keys = static_cast<std::size_t>(20 + random_.below(120));
  settings.value_bytes_most = random_.chance(0.2) ? 20000 : 300;
  settings.remove = random_.chance(0.3) ? 0.3 : 0.05;
  // What power loss may take of it is not promised.
  settings.uses_interval = uses_interval_;
  workload_ = std::make_unique<Workload>(cluster_, history_, settings);
}

Cluster::Settings Changes::draw_cluster() {
  Cluster::Settings settings;
  settings.nodes = static_cast<std::size_t>(4 + random_.below(2));
  settings.shards =
      random_.chance(0.5) ? std::vector<std::uint16_t>{1} : std::vector<std::uint16_t>{2, 1, 3};
  settings.store.segment_bytes = std::size_t{32768} << random_.below(4);
  settings.store.overlay_records = static_cast<std::size_t>(5 + random_.below(500));
  settings.store.checkpoint_part = settings.store.overlay_records / 8 + 1;
  settings.store.overlay_age = draw(random_, 100ms, 5s);
  settings.sloppy = is_sloppy_;
  // What an owner misses it keeps on missing, unless something must be made good.
  settings.anti_entropy.enabled = uses_interval_ || has_restores_;
  settings.anti_entropy.interval_s = 3;
  if (!is_sloppy_) settings.hints.hints = 0;
  if (writes_all_) settings.w = settings.replicas;
  return settings;
}

std::optional<Violation> Changes::run() {
  choose();
  for (auto* node : members()) start(*node);
  become_alike();
  if (leaver_ != nullptr) leaver_id_ = leaver_->id();
  write();
  if (!bad_ && random_.chance(0.8)) workload_->start();
  const bool is_dead = wish_ == Wish::remove || wish_ == Wish::replace_dead;
  if (!bad_ && is_dead) lose_for_good();
  if (newcomer_ != nullptr) start(*newcomer_);
  for (int round = 0; round < rounds_most && !bad_; ++round) {
    draw_aims();
    if (round > 0) aims_.clear();
    open();
    if (!bad_) trouble(round == 0 ? draw(random_, 2s, 12s) : 1s);
    settle();
    if (bad_ || is_fulfilled()) break;
  }
  if (!bad_ && !is_fulfilled()) bad_ = {"progress", "what people want is not done"};
  workload_->stop();
  if (!bad_) let_hints_go();
  refill();
  if (!bad_) come_back();
  if (!bad_) read_all();
  return bad_;
}

/// Who comes and who goes.
void Changes::choose() {
  const auto& nodes = cluster_.nodes();
  if (is_sloppy_) ++tally_["sloppy"];
  if (uses_interval_) ++tally_["interval"];
  if (writes_all_) ++tally_["R=1"];
  if (wish_ == Wish::join || wish_ == Wish::replace || wish_ == Wish::replace_dead) {
    newcomer_ = &cluster_.add_node();
  }
  const auto initial = nodes.size() - (newcomer_ == nullptr ? 0 : 1);
  if (wish_ != Wish::shuffle && wish_ != Wish::join) {
    leaver_ = nodes[static_cast<std::size_t>(random_.below(initial))].get();
  }
}

/// Writes, while now and then a node is away that so misses some.
void Changes::write() {
  for (int turn = 0; turn < 2 && !bad_; ++turn) {
    const auto all = members();
    auto& away = *all[static_cast<std::size_t>(random_.below(all.size()))];
    if (random_.chance(writes_all_ ? 0.2 : 0.7)) crash(away);
    for (KeyIndex key = 0; key < history_.keys.size() && !bad_; ++key) {
      if (random_.chance(0.5)) continue;
      auto* node = some_member(true);
      issue(OperationKind::put, key, *node);
      run_for(draw(random_, 0ms, 20ms));
    }
    run_until([this] { return workload_->is_idle(); }, idle_bound);
    start(away);
    become_alike();
  }
  if (bad_ || !has_restores_) return;
  // A voter or not; who leaves is another matter.
  auto all = members();
  std::erase(all, leaver_);
  forgetful_ = all[static_cast<std::size_t>(random_.below(all.size()))];
  copy_ = forgetful_->copy();
}

void Changes::issue(OperationKind kind, KeyIndex key, SimNode& node) {
  Workload::Request request{.kind = kind, .key = key, .node = 0, .context_of = {}};
  const auto& nodes = cluster_.nodes();
  request.node = static_cast<std::size_t>(
      std::ranges::find(nodes, &node, [](const auto& one) { return one.get(); }) - nodes.begin());
  const auto last = last_.find(key);
  if (kind == OperationKind::put && last != last_.end()) request.context_of = last->second;
  (void)workload_->issue(request, [this, key, kind](OperationIndex index) {
    const bool is_done = history_.operations[index].outcome == Outcome::done;
    if (is_done && kind == OperationKind::put) last_[key] = index;
  });
}

void Changes::crash_some() {
  if (auto* node = some_member(true)) crash(*node);
}

void Changes::start_some(double chance) {
  for (const auto& node : cluster_.nodes()) {
    if (random_.chance(chance)) start(*node);
  }
}

void Changes::trouble(Duration time) {
  auto& world = cluster_.world();
  const bool has_crashes = random_.chance(0.7);
  const bool has_people = random_.chance(0.4);
  const Instant begin = world.now();
  while (world.now() < begin + time && !bad_) {
    // Most is decided in the first moments.
    const bool is_early = world.now() < begin + early;
    if (has_crashes && random_.chance(is_early ? 0.05 : 0.15)) crash_some();
    if (copy_ && random_.chance(0.1)) make_forget();
    if (has_people && random_.chance(is_early ? 0.15 : 0.2)) interfere();
    const bool is_short = is_early || random_.chance(0.5);
    run_for(is_short ? draw(random_, 1ms, is_early ? 10ms : 100ms) : draw(random_, 100ms, 2s));
    start_some(is_early ? 0.05 : 0.4);
    // A stranger under its address.
    if (is_dead_ && leaver_->is_gone() && !leaver_->is_up() && random_.chance(0.1)) {
      if (!leaver_->start()) bad_ = {"progress", "a stranger does not start"};
    }
  }
  aims_.clear();
  start_some(1);
}

/// The change ends by itself, once nobody pauses it.
void Changes::settle() {
  const Instant end = cluster_.world().now() + change_bound;
  while (!bad_) {
    become_alike();
    if (bad_) return;
    const auto epoch = watch_.newest();
    take_out();
    if (epoch->changes().empty() && watch_.newest() == epoch) return;
    if (!epoch->changes().empty() && epoch->changes().front().is_paused) {
      auto contents = transition::following(*epoch);
      if (transition::pause_change(contents, epoch->changes().front().id, false)) {
        propose(*some_member(true), std::move(contents), "");
      }
    }
    if (is_dead_) declare_dead();
    // With an owner gone, what power may have taken from another can be compared with too few.
    for (auto* node : members()) {
      if (!is_dead_ || !node->is_ready() || !node->accept_doubts()) continue;
      history_.is_loss_accepted = true;
    }
    run_for(500ms);
    if (cluster_.world().now() > end && !bad_) bad_ = {"progress", "the change does not end"};
  }
}

/// All of it, or nothing of it.
void Changes::judge(std::uint64_t id) {
  const auto opening = watch_.find(id);
  if (opening == nullptr) return;
  const auto& epoch = *watch_.newest();
  const auto& handovers = opening->changes().front().handovers;
  const auto moved =
      static_cast<std::size_t>(std::ranges::count_if(handovers, [&epoch](const Handover& handover) {
        return std::ranges::equal(epoch.owners(handover.partition), handover.new_owners);
      }));
  if (moved == handovers.size()) {
    ++tally_["finished"];
  } else if (moved == 0) {
    ++tally_["aborted"];
    has_aborted_ = true;
  } else {
    bad_ = {"one change", std::to_string(moved) + " of its partitions have changed"};
  }
}

void Changes::let_hints_go() {
  run_until([this] { return workload_->is_idle(); }, idle_bound);
  if (!is_sloppy_ || bad_) return;
  become_alike();
  if (!run_until([this] { return cluster_.counted_hints() == 0; }, change_bound) && !bad_) {
    bad_ = {"hints drain", std::to_string(cluster_.counted_hints()) + " counted hints are left"};
    for (const auto& node : cluster_.nodes()) {
      if (!node->is_ready()) continue;
      for (std::uint16_t i = 0; i < node->shards(); ++i) {
        for (const auto& target : node->status(ShardIndex{i}).handoff.targets) {
          bad_->story += "; " + node->name() + " for " + short_name(target.target) + ": " +
                         std::to_string(target.hints) + ", " + target.why;
        }
      }
    }
  }
  history_.hints_gone_at = cluster_.world().now();
}

/// Who was taken out comes back, or is still there, and believes what it believes.
void Changes::come_back() {
  static constexpr const char* wishes[] = {"shuffled", "joined",        "left",
                                           "replaced", "replaced dead", "removed"};
  if (!has_aborted_ || is_dead_) ++tally_[wishes[static_cast<std::size_t>(wish_)]];
  for (const auto& node : cluster_.nodes()) {
    if (!node->is_ready()) continue;
    for (std::uint16_t i = 0; i < node->shards(); ++i) {
      tally_["streamed"] += node->status(ShardIndex{i}).streams.records;
    }
  }
  const bool is_out = leaver_ != nullptr && watch_.newest()->member(leaver_id_) == nullptr;
  if (!is_out || leaver_->is_gone() || random_.chance(0.3)) return;
  if (leaver_->is_up() && random_.chance(0.5)) crash(*leaver_);
  is_dead_ = false;
  start(*leaver_);
  ++tally_["came back"];
  const auto before = history_.operations.size();
  for (int turn = 0; turn < 4 && !bad_; ++turn) {
    for (KeyIndex key = 0; key < history_.keys.size() && !bad_; key += 4) {
      issue(random_.chance(0.5) ? OperationKind::get : OperationKind::put, key, *leaver_);
      run_for(draw(random_, 0ms, 50ms));
    }
    run_for(500ms);
  }
  run_until([this] { return workload_->is_idle(); }, idle_bound);
  for (auto index = before; index < history_.operations.size(); ++index) {
    const auto& operation = history_.operations[index];
    if (operation.outcome != Outcome::done || operation.node != leaver_->index()) continue;
    ++tally_["passed on by one taken out"];
    // It believes that it owns what it owned, and nobody else does.
    const bool was_dead = wish_ == Wish::remove || wish_ == Wish::replace_dead;
    if (was_dead && operation.quorum >= cluster_.replicas() / 2 + 1) {
      bad_ = {"removed means removed", leaver_->name() + " served a request"};
    }
  }
}

/// What a node that had forgotten all holds now.
void Changes::refill() {
  if (forgetful_ == nullptr || forgetful_->begun_anew() == 0 || bad_) return;
  const auto is_full = [this] {
    return std::ranges::all_of(watch_.newest()->partitions_of(forgetful_->id()),
                               [this](PartitionId p) { return forgetful_->is_sure(p); });
  };
  if (!run_until([&] { return forgetful_->is_ready() && is_full(); }, change_bound) && !bad_) {
    bad_ = {"progress", forgetful_->name() + " is not filled again"};
  }
  ++tally_["filled again"];
}

/// Each key, with all nodes there and with each of them away.
void Changes::read_all() {
  const auto all = members();
  for (std::size_t away = 0; away <= all.size() && !bad_; ++away) {
    if (away < all.size()) crash(*all[away]);
    run_for(3s);
    for (KeyIndex key = 0; key < history_.keys.size() && !bad_; ++key) {
      const auto step = static_cast<std::size_t>(1 + random_.below(all.size() - 1));
      issue(OperationKind::get, key, *all[(away + step) % all.size()]);
      run_for(draw(random_, 0ms, 5ms));
    }
    run_until([this] { return workload_->is_idle(); }, idle_bound);
    if (away < all.size()) start(*all[away]);
    become_alike();
  }
  std::size_t reads = 0;
  for (const auto& operation : history_.operations) {
    const bool is_get = operation.kind == OperationKind::get;
    reads += is_get && operation.outcome == Outcome::done ? 1 : 0;
  }
  if (!bad_ && reads < last_.size()) bad_ = {"progress", "keys are not read"};
  if (!bad_) bad_ = check_history(history_);
}

}  // namespace coterie::sim
