#include "tests/sim/simulation.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "tests/sim/workload.h"

namespace coterie::sim {
namespace {

/// From the end of all faults until the nodes serve and see each other alive.
constexpr Duration whole_bound = 90s;
/// Beyond every deadline and every late frame.
constexpr Duration quiet_time = 10s;
/// Until fallbacks have handed over what they held: a few of the longest pauses of a replay.
constexpr Duration hints_bound = 40s;
/// Longer than the longest pause between two passes of anti-entropy.
constexpr Duration refill_bound = 40s;
/// Three of the longest pauses between two passes: one that was under way when the faults ended may
/// have failed, the next gathers what each owner holds, and the third spreads it to all.
constexpr Duration alone_bound = 120s;
constexpr Duration alone_look = 5s;
constexpr Duration scrub_bound = 100s;
/// One operation of the healed cluster, tries included.
/// Until all that was deleted has been purged, once copies are equal: a few passes.
constexpr Duration purged_bound = 10s;
constexpr Duration healed_bound = 30s;

/// Between two operations of a client that is not in a hurry, at most.
constexpr Duration calm_think = 250ms;

class Simulation {
 public:
  explicit Simulation(const RunOptions& options)
      : options_(options),
        random_(options.seed ^ 0x73696d),
        switches_(options.seed ^ 0x73776974),
        cluster_(options.seed, draw_cluster()) {
    cluster_.story().listen(options.line);
    if (options.tells_events) {
      cluster_.world().trace(
          [this](Instant, NodeIndex node, std::string_view what, BytesView detail) {
            cluster_.story().tell("event " + std::to_string(node.value),
                                  std::string(what) + " " + std::to_string(detail.size()));
          });
    }
    nemesis_ = std::make_unique<Nemesis>(cluster_, history_, options.strikes);
    workload_ = std::make_unique<Workload>(cluster_, history_, draw_workload());
  }

  RunReport run() {
    auto violation = play();
    if (!violation) violation = check_history(history_);
    return report(std::move(violation));
  }

 private:
  [[nodiscard]] Cluster::Settings draw_cluster() {
    Cluster::Settings settings;
    settings.nodes = random_.chance(0.6) ? 3 : static_cast<std::size_t>(3 + random_.below(7));
    if (options_.nodes != 0) settings.nodes = options_.nodes;
    settings.replicas = static_cast<std::uint32_t>(std::min<std::size_t>(3, settings.nodes));
    settings.shards =
        random_.chance(0.5) ? std::vector<std::uint16_t>{1} : std::vector<std::uint16_t>{2, 1, 3};
    // Half of the runs do without the one, a quarter without the other, so that neither hides
    // anything; half of those with it read nothing before the copies are equal.
    settings.anti_entropy.enabled = random_.chance(0.5);
    if (switches_.chance(0.25)) settings.hints.hints = 0;
    const bool may_heal_alone = switches_.chance(0.5);
    heals_alone_ = settings.anti_entropy.enabled && may_heal_alone;
    settings.anti_entropy.interval_s = static_cast<std::uint32_t>(1 + random_.below(30));
    settings.anti_entropy.pause_ms = static_cast<std::uint32_t>(random_.below(1000));
    // In some runs disks are walked over again and again while faults strike.
    if (options_.seed % 4 == 1) settings.scrub = {.interval_s = 2, .bytes_a_second = 100'000};
    auto& store = settings.store;
    store.segment_bytes = std::size_t{16384} << random_.below(5);
    store.batch_writes = static_cast<std::size_t>(1 + random_.below(100));
    store.overlay_records = static_cast<std::size_t>(5 + random_.below(500));
    store.checkpoint_part = store.overlay_records / 8 + 1;
    store.overlay_age = draw(random_, 100ms, 5s);
    settings.sloppy = random_.chance(0.3);
    const auto more = static_cast<std::size_t>(random_.below(3));
    const auto age = draw(random_, 1s, 8s);
    if (settings.sloppy) {
      // Somebody has to be left to stand in.
      if (options_.nodes == 0) settings.nodes = std::max<std::size_t>(settings.nodes, 4 + more);
      settings.hints.age = std::chrono::ceil<std::chrono::milliseconds>(age);
    }
    return settings;
  }

  [[nodiscard]] Workload::Settings draw_workload() {
    Workload::Settings settings;
    settings.sessions = static_cast<std::size_t>(1 + random_.below(8));
    settings.keys = static_cast<std::size_t>(2 + random_.below(30));
    settings.think_most = draw(random_, 5ms, 200ms);
    if (options_.is_calm && options_.seed % 3 != 0) settings.think_most = calm_think;
    settings.put = 0.2 + 0.5 * random_.unit();
    settings.remove = 0.15 * random_.unit();
    settings.blind = 0.4 * random_.unit();
    settings.doubled = random_.chance(0.3) ? 0.5 : 0.05;
    settings.scan = random_.chance(0.7) ? 0.25 * random_.unit() : 0;
    settings.expiring = random_.chance(0.4) ? 0.3 * random_.unit() : 0;
    settings.sort_keys = random_.chance(0.5) ? static_cast<std::size_t>(2 + random_.below(6)) : 1;
    settings.value_bytes_most = random_.chance(0.1) ? 20000 : 300;
    if (switches_.chance(0.5)) {
      // Impatient clients try again before a slow disk has answered.
      settings.deadline_least = 60ms;
      settings.deadline_most = 600ms;
      settings.tries_most = 5;
    }
    return settings;
  }

  [[nodiscard]] std::optional<Violation> play() {
    auto& world = cluster_.world();
    for (const auto& node : cluster_.nodes()) {
      if (const auto started = node->start(); !started) {
        return Violation{"progress", node->name() + ": " + started.error().message};
      }
    }
    // Some runs disturb the birth, too.
    const bool is_born_in_peace = random_.chance(0.8);
    if (is_born_in_peace && !world.run_until([this] { return cluster_.is_whole(); }, whole_bound)) {
      return Violation{"progress", "the cluster was not born"};
    }
    nemesis_->start();
    workload_->start();
    world.run_for(options_.faults_time.value_or(draw(random_, 15s, 45s)));
    workload_->stop();
    nemesis_->heal();
    healed_at_ = world.now();
    if (!world.run_until([this] { return cluster_.is_whole() && workload_->is_idle(); },
                         whole_bound)) {
      return Violation{"progress", "healed, but not whole again: " + what_is_missing()};
    }
    world.run_for(quiet_time);
    if (!workload_->unanswered().empty()) {
      const auto index = workload_->unanswered().front();
      return Violation{"answered by the deadline",
                       "#" + std::to_string(index) + " got no answer from a healthy node"};
    }
    return after_healing();
  }

  [[nodiscard]] std::optional<Violation> after_healing() {
    if (auto bad = check_sure(cluster_, history_)) return bad;
    if (auto bad = end_doubts()) return bad;
    if (auto bad = wait_for_hints()) return bad;
    // A read in the middle of a purge undoes a part of it, until the next: harmless, but not equal.
    pause_purges(true);
    // Half of the runs with damage show that a scrub is enough, the other half that reads are.
    if (!history_.damages.empty() && options_.seed % 2 == 0) {
      if (auto bad = scrub()) return bad;
    }
    // Rotten records are found by those who read them.
    if (heals_alone_ && history_.wrong_trees.empty()) {
      if (auto bad = converge_alone()) return bad;
    }
    // A damaged record is repaired by a read that the others answer, not by one that needs it.
    // Once fallbacks have handed over what they held, the bucket's R meets it.
    const bool is_damaged = !history_.damages.empty();
    const bool asks_all = is_damaged || cluster_.is_sloppy();
    for (std::size_t turn = 0; asks_all && turn < cluster_.nodes().size(); ++turn) {
      if (auto bad = all_keys(OperationKind::get, Asked::buckets, turn)) return bad;
    }
    // A copy that is still being refilled takes no part in these reads, and is not compared after.
    if (is_damaged) cluster_.world().run_for(refill_bound);
    if (auto bad = all_keys(OperationKind::get)) return bad;
    cluster_.world().run_for(quiet_time);
    if (auto bad = check_copies(cluster_, history_)) return bad;
    if (auto bad = check_nothing_left()) return bad;
    if (auto bad = all_keys(OperationKind::put)) return bad;
    if (auto bad = all_keys(OperationKind::get)) return bad;
    if (auto bad = all_scans()) return bad;
    // Clocks were wrong, and timestamps with them: later writes win all the same.
    if (auto bad = all_keys(OperationKind::put, Asked::blindly)) return bad;
    if (auto bad = all_keys(OperationKind::get)) return bad;
    cluster_.world().run_for(quiet_time);
    if (auto bad = check_copies(cluster_, history_)) return bad;
    pause_purges(false);
    cluster_.world().run_for(purged_bound);
    if (auto bad = check_copies(cluster_, history_)) return bad;
    return check_purged(cluster_, history_);
  }

  /// Copies that power may have taken data from are compared without anybody's help; where an owner
  /// is gone for good, people have to say that they may answer as they are.
  [[nodiscard]] std::optional<Violation> end_doubts() {
    if (history_.wiped_at) {
      for (const auto& node : cluster_.nodes()) {
        if (!node->is_gone() && node->accept_doubts()) history_.is_loss_accepted = true;
      }
    }
    std::optional<Violation> bad;
    (void)cluster_.world().run_until(
        [this, &bad] {
          bad = check_doubts_ended(cluster_);
          return !bad;
        },
        refill_bound);
    return bad;
  }

  /// Nothing is read: hints and comparisons alone make the copies equal, and refill those that lack
  /// data.
  [[nodiscard]] std::optional<Violation> converge_alone() {
    const Instant end = cluster_.world().now() + alone_bound;
    for (;;) {
      auto bad = check_copies(cluster_, history_);
      if (!bad) bad = check_refilled(cluster_);
      if (!bad || cluster_.world().now() >= end) return bad;
      cluster_.world().run_for(alone_look);
    }
  }

  /// Before anybody reads: what went bad on the disks is found and refilled.
  [[nodiscard]] std::optional<Violation> scrub() {
    for (const auto& node : cluster_.nodes()) {
      if (!node->is_gone()) node->start_scrubs();
    }
    const bool is_done = cluster_.world().run_until(
        [this] {
          return std::ranges::all_of(cluster_.nodes(), [](const auto& node) {
            return node->is_gone() || node->is_scrubbed();
          });
        },
        scrub_bound);
    if (!is_done) return Violation{"progress", "the healed cluster does not finish its scrub"};
    history_.wrong_trees.clear();
    return check_disks(cluster_);
  }

  /// What fallbacks held goes home; a hint for a node that is gone may need its W elsewhere.
  [[nodiscard]] std::optional<Violation> wait_for_hints() {
    const bool are_gone =
        cluster_.world().run_until([this] { return cluster_.counted_hints() == 0; }, hints_bound);
    if (are_gone) {
      history_.hints_gone_at = cluster_.world().now();
      return std::nullopt;
    }
    if (history_.wiped_at) return std::nullopt;
    return Violation{"progress", "healed, but fallbacks still keep hints: " + what_is_kept()};
  }

  [[nodiscard]] std::string what_is_kept() {
    std::string out;
    for (const auto& node : cluster_.nodes()) {
      for (std::uint16_t i = 0; node->is_ready() && i < node->shards(); ++i) {
        for (const auto& target : node->status(ShardIndex{i}).handoff.targets) {
          if (target.kind != transfer::HintKind::record) continue;
          const auto* other = cluster_.find(target.target);
          out += node->name() + " " + std::to_string(target.hints) + " for " +
                 (other == nullptr ? "?" : other->name()) + " (" + target.why + "); ";
        }
      }
    }
    return out;
  }

  void pause_purges(bool is_paused) {
    for (const auto& node : cluster_.nodes()) {
      if (!node->is_gone()) node->pause_purges(is_paused);
    }
  }

  enum class Asked : std::uint8_t {
    buckets,  // the bucket's R or W
    all,      // all owners that count
    blindly,  // without a context, where one value stands: the bucket's R or W
  };
  /// One operation on each key; puts with what the get before them saw.
  [[nodiscard]] std::optional<Violation> all_keys(OperationKind kind, Asked asked = Asked::all,
                                                  std::size_t turn = 0) {
    for (KeyIndex key = 0; key < history_.keys.size(); ++key) {
      if (asked == Asked::blindly && history_.keys[key].resolver != Resolver::lww) continue;
      const Instant end = cluster_.world().now() + healed_bound;
      for (std::size_t attempt = 0;; ++attempt) {
        // a copy that was restored may be found out by the attempt before
        const auto quorum = asked == Asked::all ? owners_that_count(key) : 0;
        Workload::Request request{.kind = kind,
                                  .key = key,
                                  .client = attempt % cluster_.clients().size(),
                                  .node = healthy_node(key + turn + attempt),
                                  .quorum = quorum,
                                  .context_of = {}};
        if (kind == OperationKind::put && asked == Asked::all) request.context_of = last_get(key);
        const auto index = ask(request);
        const auto& operation = history_.operations[index];
        if (operation.outcome == Outcome::done) break;
        if (cluster_.world().now() < end) continue;
        return Violation{"progress", "the healed cluster does not do #" + std::to_string(index) +
                                         ": " + operation.error};
      }
    }
    return std::nullopt;
  }

  /// Each partition key, and what its partition holds of its bucket, page by page.
  [[nodiscard]] std::optional<Violation> all_scans() {
    std::set<std::pair<BucketId, std::string>> done;
    for (KeyIndex key = 0; key < history_.keys.size(); ++key) {
      const auto& names = history_.keys[key];
      if (!done.emplace(names.bucket, names.partition_key).second) continue;
      for (const bool is_whole : {false, true}) {
        Workload::Request request{.kind = OperationKind::scan,
                                  .key = key,
                                  .node = healthy_node(key),
                                  .quorum = owners_that_count(key),
                                  .context_of = {},
                                  .range = {.is_whole = is_whole, .limit_records = 3}};
        for (std::optional<Workload::Request> page = request; page;) {
          auto index = ask(*page);
          if (history_.operations[index].outcome != Outcome::done) {
            // It may have found out that a copy was restored.
            page->quorum = owners_that_count(key);
            index = ask(*page);
          }
          if (history_.operations[index].outcome != Outcome::done) {
            return Violation{"progress", "the healed cluster does not scan " + name(names) + ": " +
                                             history_.operations[index].error};
          }
          page = workload_->next_page(index, *page);
        }
      }
    }
    return std::nullopt;
  }

  /// One of those that are not gone.
  [[nodiscard]] std::size_t healthy_node(std::size_t number) {
    std::vector<std::size_t> nodes;
    for (std::size_t i = 0; i < cluster_.nodes().size(); ++i) {
      if (!cluster_.nodes()[i]->is_gone()) nodes.push_back(i);
    }
    return nodes[number % nodes.size()];
  }

  [[nodiscard]] std::uint32_t owners_that_count(KeyIndex key) {
    const auto& epoch = *cluster_.epoch();
    const auto& names = history_.keys[key];
    const auto partition = epoch.partition(epoch.token(names.bucket, names.partition_key));
    return static_cast<std::uint32_t>(cluster_.sure_owners(partition).size());
  }

  OperationIndex ask(const Workload::Request& request) {
    bool is_answered = false;
    const auto index =
        workload_->issue(request, [&is_answered](OperationIndex) { is_answered = true; });
    cluster_.world().run_until([&is_answered] { return is_answered; }, healed_bound);
    return index;
  }

  [[nodiscard]] std::optional<OperationIndex> last_get(KeyIndex key) const {
    const auto& operations = history_.keys[key].operations;
    const auto found = std::find_if(operations.rbegin(), operations.rend(), [this](auto index) {
      const auto& operation = history_.operations[index];
      return operation.kind == OperationKind::get && operation.outcome == Outcome::done;
    });
    return found == operations.rend() ? std::nullopt : std::optional(*found);
  }

  /// Nothing leaks: no request is kept, nothing waits for the log.
  [[nodiscard]] std::optional<Violation> check_nothing_left() const {
    auto& nodes = const_cast<Cluster&>(cluster_).nodes();
    for (const auto& node : nodes) {
      if (node->is_gone()) continue;
      for (std::uint16_t shard = 0; shard < node->shards(); ++shard) {
        const auto status = node->status(ShardIndex{shard});
        if (status.operations == 0 && status.waiting_for_log == 0) continue;
        return Violation{"nothing is left over",
                         node->name() + " keeps " + std::to_string(status.operations) +
                             " operations, and " + std::to_string(status.waiting_for_log) +
                             " answers wait for the log"};
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] std::string what_is_missing() {
    std::string out;
    for (const auto& node : cluster_.nodes()) {
      out += node->name() + (node->is_ready() ? " is ready" : " is not ready") + "; ";
      const auto view = node->view();
      if (view == nullptr) continue;
      for (const auto& peer : view->peers) {
        if (peer.liveness != wire::Liveness::alive) {
          auto* other = cluster_.find(peer.node);
          out += node->name() + " does not see " + (other == nullptr ? "?" : other->name()) + "; ";
        }
      }
    }
    return out + (workload_->is_idle() ? "" : "requests are unanswered");
  }

  [[nodiscard]] RunReport report(std::optional<Violation> violation) {
    RunReport out{.seed = options_.seed,
                  .hash = cluster_.world().hash(),
                  .events = cluster_.world().events_run(),
                  .time = cluster_.world().now().time_since_epoch(),
                  .nodes = cluster_.nodes().size(),
                  .faults = {},
                  .strikes = nemesis_->strikes(),
                  .violation = std::move(violation)};
    Instant last_begin;
    for (const auto& operation : history_.operations) {
      if (operation.scan) continue;
      const bool is_used = operation.outcome == Outcome::done && operation.begin < healed_at_;
      if (is_used) last_begin = std::max(last_begin, operation.begin);
      if (operation.kind == OperationKind::scan) {
        ++out.scans;
      } else {
        ++(operation.kind == OperationKind::get ? out.gets : out.writes);
      }
      if (operation.outcome == Outcome::done) ++out.acknowledged;
      if (operation.outcome == Outcome::refused) ++out.refused;
      if (operation.outcome == Outcome::unknown) ++out.unknown;
    }
    for (const auto& strike : out.strikes) {
      auto& faults = out.faults[strike.kind];
      ++faults.count;
      if (strike.when < last_begin) ++faults.followed;
    }
    return out;
  }

  RunOptions options_;
  Random random_;
  Random switches_;  // of mechanisms; drawn apart, so that one more changes no other draw
  bool heals_alone_ = false;
  Cluster cluster_;
  History history_;
  Instant healed_at_ = Instant::max();
  std::unique_ptr<Nemesis> nemesis_;
  std::unique_ptr<Workload> workload_;
};

}  // namespace

RunReport run_simulation(const RunOptions& options) {
  return Simulation(options).run();
}

}  // namespace coterie::sim
