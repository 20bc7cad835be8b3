#include "tests/sim/beside.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "ring/bucket_entries.h"
#include "ring/plan/plan.h"
#include "ring/transition/entries.h"

namespace coterie::sim {
namespace {

constexpr Duration beside_idle_bound = 60s;
constexpr Duration beside_alike_bound = 60s;
constexpr Duration end_bound = 300s;
constexpr Duration beside_close_look = 5ms;
constexpr std::size_t newcomers = 3;

}  // namespace

Beside::Beside(std::uint64_t seed)
    : random_(seed ^ 0x62657369),
      lowers_w_(random_.chance(0.25)),
      cluster_(seed, draw_cluster()),
      watch_(cluster_) {
  Workload::Settings settings;
  settings.keys = static_cast<std::size_t>(20 + random_.below(80));
  settings.remove = 0.1;
  settings.uses_interval = false;
  // Who has what fewer than W acknowledged need be nobody's source.
  settings.own_quorum = 0;
  workload_ = std::make_unique<Workload>(cluster_, history_, settings);
}

Cluster::Settings Beside::draw_cluster() {
  Cluster::Settings settings;
  settings.nodes = static_cast<std::size_t>(6 + random_.below(4));
  settings.replicas = random_.chance(0.4) ? 2 : 3;
  settings.shards =
      random_.chance(0.5) ? std::vector<std::uint16_t>{1} : std::vector<std::uint16_t>{2, 1, 3};
  settings.store.segment_bytes = std::size_t{32768} << random_.below(3);
  settings.store.overlay_records = static_cast<std::size_t>(5 + random_.below(200));
  // What an owner misses it keeps on missing.
  settings.anti_entropy.enabled = false;
  settings.hints.hints = 0;
  return settings;
}

std::optional<Violation> Beside::run() {
  history_.owners = cluster_.replicas();
  for (auto* node : members()) start(*node);
  become_alike();
  for (std::size_t i = 0; i < newcomers; ++i) spare_.push_back(&cluster_.add_node());
  write();
  if (!bad_) workload_->start();
  trouble(draw(random_, 5s, 20s));
  settle();
  workload_->stop();
  run_until([this] { return workload_->is_idle(); }, beside_idle_bound);
  if (!bad_) read_all();
  return bad_;
}

/// Writes, while now and then a node is away that so misses some.
void Beside::write() {
  for (int turn = 0; turn < 2 && !bad_; ++turn) {
    auto& away = *some_member(true);
    if (random_.chance(0.6)) crash(away);
    for (KeyIndex key = 0; key < history_.keys.size() && !bad_; ++key) {
      issue(OperationKind::put, key, *some_member(true));
      run_for(draw(random_, 0ms, 10ms));
    }
    run_until([this] { return workload_->is_idle(); }, beside_idle_bound);
    start(away);
    become_alike();
  }
}

void Beside::issue(OperationKind kind, KeyIndex key, SimNode& node) {
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

void Beside::trouble(Duration time) {
  auto& world = cluster_.world();
  const bool has_crashes = random_.chance(0.7);
  const bool has_death = !lowers_w_ && random_.chance(0.3);
  const Instant begin = world.now();
  while (world.now() < begin + time && !bad_) {
    if (random_.chance(lowers_w_ ? 0.15 : 0.5)) operate();
    if (random_.chance(0.2)) interfere();
    if (random_.chance(lowers_w_ ? 0.3 : 0.1)) set_buckets();
    if (has_death && dead_ == nullptr && random_.chance(0.05)) lose_for_good();
    auto* victim = has_crashes && random_.chance(0.15) ? some_member(true) : nullptr;
    if (victim != nullptr) crash(*victim);
    run_for(random_.chance(0.5) ? draw(random_, 1ms, 100ms) : draw(random_, 100ms, 1s));
    for (const auto& node : cluster_.nodes()) {
      if (node->id().is_zero() || !random_.chance(0.4)) continue;
      if (watch_.newest()->member(node->id()) != nullptr) start(*node);
    }
  }
  for (auto* node : members()) start(*node);
}

/// All of it ends by itself, once nobody pauses it, and the dead are removed.
void Beside::settle() {
  const Instant end = cluster_.world().now() + end_bound;
  while (!bad_) {
    become_alike();
    if (bad_) return;
    const auto epoch = watch_.newest();
    const bool has_dead = dead_ != nullptr && epoch->member(dead_->id()) != nullptr;
    if (epoch->changes().empty() && !has_dead) return;
    resume_all();
    // With an owner gone, what power may have taken from another can be compared with too few.
    for (auto* node : members()) {
      if (dead_ == nullptr || !node->is_ready() || !node->accept_doubts()) continue;
      history_.is_loss_accepted = true;
    }
    if (auto contents = has_dead ? without_dead(*epoch) : std::nullopt) {
      propose(*some_member(true), *std::move(contents));
    }
    run_for(500ms);
    if (cluster_.world().now() > end && !bad_) bad_ = {"progress", "the changes do not end"};
  }
}

void Beside::operate() {
  auto* node = some_member(true);
  if (node == nullptr || !node->is_ready()) return;
  const auto base = node->view()->epoch;
  auto contents = wanted(*base);
  if (!contents) return;
  propose(*node, *std::move(contents));
  if (random_.chance(0.1)) {
    run_for(draw(random_, 0ms, 5ms));
    crash(*node);
  }
}

std::optional<EpochContents> Beside::wanted(const Epoch& base) {
  if (dead_ != nullptr && base.member(dead_->id()) != nullptr && random_.chance(0.4)) {
    return without_dead(base);
  }
  const NodeId one = base.members()[random_.below(base.members().size())].id;
  const double which = random_.unit();
  if (which < 0.45) return moved_about(base);
  if (which < 0.65) {
    const auto weight = static_cast<std::uint32_t>(1 + random_.below(3));
    return planned(base, plan::Weigh{.node = one, .weight = weight});
  }
  if (which < 0.8) return planned(base, plan::Leave{.node = one});
  const auto member = newcomer();
  if (!member) return std::nullopt;
  if (which < 0.9) return planned(base, plan::Join{.member = *member});
  const bool is_dead = dead_ != nullptr && dead_->id() == one;
  return planned(base, plan::Replace{.node = one, .by = *member, .is_dead = is_dead});
}

/// A few partitions, of those that are free, to whoever may own them.
std::optional<EpochContents> Beside::moved_about(const Epoch& base) {
  std::vector<Handover> handovers;
  const double share = random_.chance(0.5) ? 0.1 : 0.3;
  for (std::uint32_t p = 0; p < base.partitions(); ++p) {
    const PartitionId partition{p};
    if (base.stage(partition) != Stage::stable || !random_.chance(share)) continue;
    const auto owners = base.owners(partition);
    std::vector<NodeId> to(owners.begin(), owners.end());
    for (const Member& member : base.members()) {
      const bool is_gone = dead_ != nullptr && member.id == dead_->id();
      if (base.owns(member.id, partition) || base.is_leaving(member.id) || is_gone) continue;
      auto& displaced = to[random_.below(to.size())];
      if (base.owns(displaced, partition)) displaced = member.id;
    }
    if (!std::ranges::equal(owners, to))
      handovers.push_back({.partition = partition, .new_owners = std::move(to)});
  }
  auto contents = transition::following(base);
  if (!transition::open_change(contents, std::move(handovers), {})) return std::nullopt;
  ++tally_["asked: moved about"];
  return contents;
}

std::optional<EpochContents> Beside::planned(const Epoch& base, plan::StagedChange change) {
  static constexpr const char* names[] = {"join", "replace", "weigh", "rezone", "leave", "remove"};
  const std::string which = names[change.index()];
  std::vector<plan::StagedChange> staged;
  if (!plan::stage(base, {}, staged, std::move(change))) return std::nullopt;
  auto made = plan::make_plan(base, staged, {});
  if (!made) {
    const bool waits = made.error().message.find("waits for change") != std::string::npos;
    if (waits) ++tally_["waited: " + which];
    return std::nullopt;
  }
  ++tally_["asked: " + which];
  return made->next.contents();
}

/// What `remove` does: whoever waits for it goes on, then others get what it owned. A change that
/// was to give it something can only be taken back.
std::optional<EpochContents> Beside::without_dead(const Epoch& base) {
  auto contents = transition::following(base);
  if (transition::remove_from_changes(contents, dead_->id())) {
    ++tally_["declared dead"];
    return contents;
  }
  for (const Change& change : base.changes()) {
    const bool is_given = std::ranges::any_of(change.handovers, [&](const Handover& handover) {
      return std::ranges::count(handover.new_owners, dead_->id()) != 0 &&
             !base.owns(dead_->id(), handover.partition);
    });
    if (!is_given || !transition::take_step(contents, change.id, transition::Step::abort)) continue;
    ++tally_["aborted: it gave the dead something"];
    return contents;
  }
  return planned(base, plan::Remove{.node = dead_->id()});
}

std::optional<Member> Beside::newcomer() {
  if (spare_.empty()) return std::nullopt;
  auto* node = spare_.back();
  start(*node);
  if (watch_.newest()->member(node->id()) != nullptr) {
    spare_.pop_back();
    return std::nullopt;
  }
  return Member{.id = node->id(), .address = node->config().doors.gossip.text()};
}

void Beside::lose_for_good() {
  auto* node = some_member(true);
  if (node == nullptr || watch_.newest()->is_leaving(node->id())) return;
  crash(*node);
  dead_ = node;
  ++tally_["died"];
  Damage damage{.when = cluster_.world().now(), .owned = {}, .keys = {}};
  for (KeyIndex key = 0; key < history_.keys.size(); ++key) damage.owned.insert(key);
  damage.keys = damage.owned;
  history_.damages.push_back(std::move(damage));
}

/// With one of the changes; the others go on.
void Beside::interfere() {
  auto* node = some_member(true);
  if (node == nullptr || !node->is_ready() || node->view()->epoch->changes().empty()) return;
  const auto epoch = node->view()->epoch;
  const auto& changes = epoch->changes();
  const Change& change = changes[random_.below(changes.size())];
  auto contents = transition::following(*epoch);
  const bool aborts = random_.chance(0.4);
  const auto done = aborts ? transition::take_step(contents, change.id, transition::Step::abort)
                           : transition::pause_change(contents, change.id, !change.is_paused);
  if (done) propose(*node, std::move(contents));
}

/// R and W of all go up, and down again to what they were; or W below that, after a fence.
void Beside::set_buckets() {
  auto* node = some_member(true);
  if (node == nullptr || !node->is_ready()) return;
  const auto epoch = node->view()->epoch;
  const auto majority = cluster_.replicas() / 2 + 1;
  const auto spread = cluster_.replicas() - majority + 1;
  auto r = static_cast<std::uint32_t>(majority + random_.below(spread));
  auto w = static_cast<std::uint32_t>(majority + random_.below(spread));
  auto contents = transition::following(*epoch);
  if (lowers_w_) {
    r = cluster_.replicas();
    w = 1;
    if (transition::open_fence(contents)) {
      ++tally_["asked: fence"];
      return propose(*node, std::move(contents));
    }
    const bool is_raised =
        std::ranges::all_of(epoch->buckets(), [r](const Bucket& bucket) { return bucket.r == r; });
    if (!is_raised) w = majority;
  }
  std::size_t set = 0;
  for (const Bucket& bucket : epoch->buckets()) {
    const auto done = set_bucket(contents, bucket.name, {.r = r, .w = w, .default_ttl = {}});
    set += done ? 1U : 0U;
  }
  if (set == 0) return;
  if (w < majority) {
    ++tally_[majority < r ? "W lowered to 1 after a fence" : "W lowered to 1 of 2"];
  } else {
    ++tally_[r == majority && w == majority ? "buckets lowered" : "buckets raised"];
  }
  propose(*node, std::move(contents));
}

void Beside::resume_all() {
  const auto epoch = watch_.newest();
  auto contents = transition::following(*epoch);
  bool is_any = false;
  for (const Change& change : epoch->changes()) {
    if (!change.is_paused) continue;
    is_any = transition::pause_change(contents, change.id, false).has_value() || is_any;
  }
  if (is_any) propose(*some_member(true), std::move(contents));
}

void Beside::propose(SimNode& node, EpochContents contents) {
  auto next = Epoch::make(std::move(contents));
  if (!next) {
    bad_ = {"valid", next.error().message};
    return;
  }
  if (!node.is_ready()) return;
  node.propose(std::make_shared<const Epoch>(*std::move(next)), [](const Result<void>&) {});
}

void Beside::start(SimNode& node) {
  if (node.is_up() || &node == dead_) return;
  if (!node.start()) bad_ = {"progress", node.name() + " does not start"};
}

void Beside::crash(SimNode& node) {
  if (!node.is_up()) return;
  ++tally_["crashes"];
  const auto how = random_.chance(0.5) ? Crash::power : Crash::process;
  if (how == Crash::power) {
    history_.power_losses.push_back({.when = cluster_.world().now(), .node = node.index()});
  }
  node.crash(how);
  watch_.forget(node);
}

void Beside::run_for(Duration time) {
  (void)run_until([] { return false; }, time);
}

bool Beside::run_until(const std::function<bool()>& done, Duration at_most) {
  const bool is_done = cluster_.world().run_until(
      [&] {
        if (watch_.look() != nullptr) on_new_epoch();
        const Instant now = cluster_.world().now();
        if (now >= looked_ + beside_close_look) {
          looked_ = now;
          watch_.look_at_copies();
        }
        if (!bad_) bad_ = watch_.bad();
        return bad_.has_value() || done();
      },
      at_most);
  return is_done && !bad_;
}

void Beside::on_new_epoch() {
  const Epoch& epoch = *watch_.newest();
  const auto before = watch_.find(epoch.number().number - 1);
  if (before == nullptr) return;
  const auto& changes = epoch.changes();
  if (changes.size() > before->changes().size() && changes.size() > 1) ++tally_["begun beside"];
  if (changes.size() > 2) ++tally_["epochs with three changes or more"];
  const auto leavers =
      std::ranges::count_if(changes, [](const Change& change) { return !change.leaving.empty(); });
  if (leavers > 1) ++tally_["epochs in which two changes take nodes out"];
  const auto paused = std::ranges::count_if(changes, &Change::is_paused);
  if (paused > 0 && static_cast<std::size_t>(paused) < changes.size())
    ++tally_["epochs with one paused and one not"];
  for (const Change& change : before->changes()) {
    if (std::ranges::count(changes, change.id, &Change::id) == 0) judge(change, epoch);
  }
}

/// All of it, or nothing of it.
void Beside::judge(const Change& change, const Epoch& after) {
  const auto moved = static_cast<std::size_t>(
      std::ranges::count_if(change.handovers, [&after](const Handover& handover) {
        return std::ranges::equal(after.owners(handover.partition), handover.new_owners);
      }));
  if (moved != 0 && moved != change.handovers.size()) {
    bad_ = {"one change", std::to_string(moved) + " of its partitions have changed"};
    return;
  }
  const std::string what = moved == 0 ? "aborted" : "finished";
  ++tally_[what];
  if (!after.changes().empty()) ++tally_[what + " while others go on"];
  if (moved != 0 && !change.leaving.empty()) ++tally_["left"];
  if (moved != 0 && !change.removed.empty()) ++tally_["finished without the dead"];
}

std::vector<SimNode*> Beside::members() const {
  std::vector<SimNode*> out;
  for (const auto& node : const_cast<Cluster&>(cluster_).nodes()) {
    const auto& newest = watch_.newest();
    const bool is_in = newest == nullptr || newest->member(node->id()) != nullptr;
    if (is_in && node.get() != dead_) out.push_back(node.get());
  }
  return out;
}

SimNode* Beside::some_member(bool is_up) {
  auto all = members();
  if (is_up) std::erase_if(all, [](const SimNode* node) { return !node->is_up(); });
  if (all.empty()) return nullptr;
  return all[static_cast<std::size_t>(random_.below(all.size()))];
}

bool Beside::are_alike() const {
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

void Beside::become_alike() {
  if (bad_) return;
  for (auto* node : members()) start(*node);
  const bool is_done =
      run_until([this] { return watch_.newest() != nullptr && are_alike(); }, beside_alike_bound);
  if (!is_done && !bad_) bad_ = {"progress", "the nodes are not at one epoch"};
}

/// Each key, with all nodes there and with each of them away.
void Beside::read_all() {
  const auto all = members();
  for (std::size_t away = 0; away <= all.size() && !bad_; ++away) {
    if (away < all.size()) crash(*all[away]);
    run_for(3s);
    for (KeyIndex key = 0; key < history_.keys.size() && !bad_; ++key) {
      const auto step = static_cast<std::size_t>(1 + random_.below(all.size() - 1));
      issue(OperationKind::get, key, *all[(away + step) % all.size()]);
      run_for(draw(random_, 0ms, 5ms));
    }
    run_until([this] { return workload_->is_idle(); }, beside_idle_bound);
    become_alike();
  }
  const auto reads = static_cast<std::size_t>(
      std::ranges::count_if(history_.operations, [](const Operation& operation) {
        return operation.kind == OperationKind::get && operation.outcome == Outcome::done;
      }));
  if (!bad_ && reads < history_.keys.size()) bad_ = {"progress", "keys are not read"};
  if (!bad_) bad_ = check_history(history_);
}

}  // namespace coterie::sim
