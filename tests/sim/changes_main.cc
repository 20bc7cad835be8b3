// Owners of partitions change, while nodes crash, forget what they had not synced and come back,
// and now and then somebody pauses the change, or aborts it just when it would be cut over. Each
// number gets one epoch, the change ends, and what was acknowledged before and meanwhile is read,
// then and from the owners after it, whichever node is away.

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ring/transition/entries.h"
#include "tests/sim/cluster.h"
#include "tests/sim/oracles.h"
#include "tests/sim/seed_runs.h"
#include "tests/sim/workload.h"

namespace coterie::sim {
namespace {

constexpr Duration whole_bound = 60s;
constexpr Duration change_bound = 300s;
constexpr Duration answer_bound = 30s;
constexpr Duration early = 300ms;

struct Totals {
  std::uint64_t finished = 0;
  std::uint64_t aborted = 0;
  std::uint64_t crashes = 0;
  std::uint64_t streamed = 0;  // records, in runs that have not ended since
};

class Moves {
 public:
  explicit Moves(std::uint64_t seed) : random_(seed ^ 0x6d6f7665), cluster_(seed, draw_cluster()) {
    Workload::Settings settings;
    settings.keys = static_cast<std::size_t>(30 + random_.below(200));
    settings.value_bytes_most = random_.chance(0.3) ? 20000 : 300;
    // What power loss may take of it is not promised.
    settings.uses_interval = false;
    workload_ = std::make_unique<Workload>(cluster_, history_, settings);
  }

  void listen(const Story::Line& line) { cluster_.story().listen(line); }
  [[nodiscard]] const Totals& totals() const { return totals_; }

  [[nodiscard]] std::optional<Violation> run() {
    for (const auto& node : cluster_.nodes()) start(*node);
    become_alike();
    write();
    const bool is_under_load = random_.chance(0.7);
    if (is_under_load) workload_->start();
    if (!bad_) open();
    if (!bad_) trouble();
    if (!bad_) settle();
    workload_->stop();
    if (!bad_) read_all();
    return bad_;
  }

 private:
  [[nodiscard]] Cluster::Settings draw_cluster() {
    Cluster::Settings settings;
    settings.nodes = static_cast<std::size_t>(4 + random_.below(2));
    settings.shards =
        random_.chance(0.5) ? std::vector<std::uint16_t>{1} : std::vector<std::uint16_t>{2, 1, 3};
    settings.store.overlay_records = static_cast<std::size_t>(5 + random_.below(500));
    settings.store.overlay_age = draw(random_, 100ms, 5s);
    // What an owner misses it keeps on missing.
    settings.anti_entropy.enabled = false;
    settings.hints.hints = 0;
    return settings;
  }

  void start(SimNode& node) {
    if (!node.is_up() && !node.start()) bad_ = {"progress", node.name() + " does not start"};
  }

  void crash(SimNode& node) {
    ++totals_.crashes;
    const auto how = random_.chance(0.5) ? Crash::power : Crash::process;
    // What was only to be kept against the end of a process goes with it, and may.
    if (how == Crash::power) {
      history_.power_losses.push_back({.when = cluster_.world().now(), .node = node.index()});
    }
    node.crash(how);
  }

  /// Writes, while now and then a node is away that so misses some.
  void write() {
    auto& world = cluster_.world();
    const auto nodes = cluster_.nodes().size();
    for (int turn = 0; turn < 3 && !bad_; ++turn) {
      const auto away = static_cast<std::size_t>(random_.below(nodes));
      const bool is_away = random_.chance(0.7);
      if (is_away) crash(*cluster_.nodes()[away]);
      for (KeyIndex key = 0; key < history_.keys.size(); ++key) {
        if (random_.chance(0.5)) continue;
        const auto step = static_cast<std::size_t>(1 + random_.below(nodes - 1));
        issue(OperationKind::put, key, (away + step) % nodes);
        world.run_for(draw(random_, 0ms, 20ms));
      }
      world.run_until([this] { return workload_->is_idle(); }, whole_bound);
      start(*cluster_.nodes()[away]);
      become_alike();
    }
  }

  void issue(OperationKind kind, KeyIndex key, std::size_t node) {
    Workload::Request request{.kind = kind, .key = key, .node = node, .context_of = {}};
    const auto last = last_.find(key);
    if (kind == OperationKind::put && last != last_.end()) request.context_of = last->second;
    (void)workload_->issue(request, [this, key, kind](OperationIndex index) {
      const bool is_done = history_.operations[index].outcome == Outcome::done;
      if (is_done && kind == OperationKind::put) last_[key] = index;
    });
  }

  /// Half of the partitions get new owners.
  void open() {
    const auto epoch = cluster_.nodes().front()->view()->epoch;
    std::vector<Handover> handovers;
    for (std::uint32_t p = 0; p < epoch->partitions(); ++p) {
      const PartitionId partition{p};
      const bool moves = random_.chance(0.5) || p + 1 == epoch->partitions();
      if (!moves) continue;
      const auto owners = epoch->owners(partition);
      std::vector<NodeId> to(owners.begin(), owners.end());
      for (const Member& member : epoch->members()) {
        if (epoch->owns(member.id, partition)) continue;
        auto& displaced = to[random_.below(to.size())];
        // One more may take the place of one that has none yet.
        if (epoch->owns(displaced, partition)) displaced = member.id;
      }
      handovers.push_back({.partition = partition, .new_owners = std::move(to)});
    }
    handovers_ = handovers;
    auto contents = transition::following(*epoch);
    (void)transition::open_change(contents, std::move(handovers), {});
    change_ = contents.number.number;
    propose(*cluster_.nodes()[random_.below(cluster_.nodes().size())], std::move(contents));
    run_for(draw(random_, 0ms, 10ms));
  }

  void propose(SimNode& node, EpochContents contents) {
    auto next = Epoch::make(std::move(contents));
    if (!next) {
      bad_ = {"valid", next.error().message};
      return;
    }
    if (!node.is_up()) return;
    node.propose(std::make_shared<const Epoch>(*std::move(next)), [](const Result<void>&) {});
  }

  /// What people ask for, whoever they ask: it competes with what the nodes do by themselves.
  void interfere() {
    std::vector<SimNode*> knowing;
    for (const auto& node : cluster_.nodes()) {
      const bool knows = node->is_ready() && node->view()->epoch->number().number >= change_;
      if (knows) knowing.push_back(node.get());
    }
    if (knowing.empty()) return;
    auto& node = *knowing[random_.below(knowing.size())];
    const auto epoch = node.view()->epoch;
    auto contents = transition::following(*epoch);
    const bool is_pause = random_.chance(0.4);
    const bool is_paused = !epoch->changes().empty() && epoch->changes()[0].is_paused;
    const auto wanted = is_pause
                            ? transition::pause_change(contents, change_, !is_paused)
                            : transition::take_step(contents, change_, transition::Step::abort);
    if (wanted) propose(node, std::move(contents));
  }

  void trouble() {
    const bool has_crashes = random_.chance(0.7);
    const bool has_people = random_.chance(0.5);
    const Instant begin = cluster_.world().now();
    while (cluster_.world().now() < begin + answer_bound && !bad_) {
      // Most is decided in the first moments.
      const bool is_early = cluster_.world().now() < begin + early;
      if (has_crashes && random_.chance(0.15)) {
        auto& node = *cluster_.nodes()[random_.below(cluster_.nodes().size())];
        if (node.is_up()) crash(node);
      }
      if (has_people && random_.chance(is_early ? 0.5 : 0.2)) interfere();
      const bool is_short = is_early || random_.chance(0.5);
      run_for(is_short ? draw(random_, 1ms, is_early ? 10ms : 100ms) : draw(random_, 100ms, 3s));
      for (const auto& node : cluster_.nodes()) {
        if (random_.chance(is_early ? 0.05 : 0.4)) start(*node);
      }
    }
    for (const auto& node : cluster_.nodes()) start(*node);
  }

  /// The change ends by itself, once nobody pauses it.
  void settle() {
    const Instant end = cluster_.world().now() + change_bound;
    while (!bad_) {
      become_alike();
      if (bad_) return;
      const auto epoch = cluster_.nodes().front()->view()->epoch;
      if (epoch->number().number < change_) return;  // it was never opened
      if (epoch->changes().empty()) return judge(*epoch);
      if (epoch->changes()[0].is_paused && epoch->changes()[0].stage == Stage::open) {
        auto contents = transition::following(*epoch);
        (void)transition::pause_change(contents, change_, false);
        propose(*cluster_.nodes().front(), std::move(contents));
      }
      run_for(500ms);
      if (cluster_.world().now() > end) {
        bad_ = {"progress", "the change does not end: " + std::string(stage_of(*epoch))};
      }
    }
  }

  static const char* stage_of(const Epoch& epoch) {
    switch (epoch.changes()[0].stage) {
      case Stage::open:
        return "open";
      case Stage::cut_over:
        return "cut over";
      case Stage::aborting:
        return "aborting";
      case Stage::stable:
        break;
    }
    return "stable";
  }

  /// All of it, or nothing of it.
  void judge(const Epoch& epoch) {
    const auto moved = static_cast<std::size_t>(
        std::ranges::count_if(handovers_, [&epoch](const Handover& handover) {
          return std::ranges::equal(epoch.owners(handover.partition), handover.new_owners);
        }));
    if (moved == handovers_.size()) {
      ++totals_.finished;
    } else if (moved == 0) {
      ++totals_.aborted;
    } else {
      bad_ = {"one change", std::to_string(moved) + " of its partitions have changed"};
    }
    for (const auto& node : cluster_.nodes()) {
      for (std::uint16_t i = 0; i < node->shards(); ++i) {
        totals_.streamed += node->status(ShardIndex{i}).streams.records;
      }
    }
  }

  /// Each key, with all nodes there and with each of them away.
  void read_all() {
    auto& world = cluster_.world();
    const auto nodes = cluster_.nodes().size();
    world.run_until([this] { return workload_->is_idle(); }, whole_bound);
    for (std::size_t away = 0; away <= nodes && !bad_; ++away) {
      if (away < nodes) crash(*cluster_.nodes()[away]);
      world.run_for(3s);
      for (KeyIndex key = 0; key < history_.keys.size(); ++key) {
        const auto step = static_cast<std::size_t>(1 + random_.below(nodes - 1));
        issue(OperationKind::get, key, (away + step) % nodes);
        world.run_for(draw(random_, 0ms, 5ms));
      }
      world.run_until([this] { return workload_->is_idle(); }, whole_bound);
      if (away < nodes) start(*cluster_.nodes()[away]);
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

  /// Virtual time, and a look at every node's epoch after each piece of it.
  void run_for(Duration time) {
    const Instant end = cluster_.world().now() + time;
    while (cluster_.world().now() < end && !bad_) {
      cluster_.world().run_for(std::min<Duration>(10ms, end - cluster_.world().now()));
      for (const auto& node : cluster_.nodes()) look_at(*node);
    }
  }

  void look_at(const SimNode& node) {
    const auto view = node.view();
    if (view == nullptr) return;
    const auto [known, is_new] = hashes_.emplace(view->epoch->number(), view->epoch->hash());
    if (!is_new && known->second != view->epoch->hash()) {
      bad_ = {"one epoch", node.name() + " has another epoch " +
                               std::to_string(view->epoch->number().number) + " than others"};
    }
  }

  void become_alike() {
    const bool are_alike = cluster_.world().run_until(
        [this] {
          for (const auto& node : cluster_.nodes()) look_at(*node);
          if (bad_) return true;
          if (!cluster_.is_whole()) return false;
          const auto number = cluster_.nodes().front()->view()->epoch->number();
          return std::ranges::all_of(cluster_.nodes(), [number](const auto& node) {
            return node->view()->epoch->number() == number;
          });
        },
        whole_bound);
    if (!are_alike && !bad_) bad_ = {"progress", "the nodes are not at one epoch"};
  }

  Random random_;
  Cluster cluster_;
  History history_;
  std::unique_ptr<Workload> workload_;
  std::map<KeyIndex, OperationIndex> last_;
  std::vector<Handover> handovers_;
  std::uint64_t change_ = 0;
  std::map<EpochNumber, std::uint64_t> hashes_;
  std::optional<Violation> bad_;
  Totals totals_;
};

int run(const SeedArguments& arguments) {
  Totals totals;
  const auto done = run_seeds(arguments, [&totals](std::uint64_t seed, const Story::Line& listen) {
    Moves moves(seed);
    moves.listen(listen);
    auto violation = moves.run();
    totals.finished += moves.totals().finished;
    totals.aborted += moves.totals().aborted;
    totals.crashes += moves.totals().crashes;
    totals.streamed += moves.totals().streamed;
    return violation;
  });
  std::printf(
      "%llu seeds: %llu changes finished, %llu aborted, %llu crashes, "
      "%llu records streamed; %llu violations\n",
      static_cast<unsigned long long>(done.seeds), static_cast<unsigned long long>(totals.finished),
      static_cast<unsigned long long>(totals.aborted),
      static_cast<unsigned long long>(totals.crashes),
      static_cast<unsigned long long>(totals.streamed),
      static_cast<unsigned long long>(done.failed));
  // Of many seeds some end either way.
  const bool has_both = totals.finished > 0 && totals.aborted > 0;
  const bool has_some = totals.finished + totals.aborted > 0;
  return done.failed == 0 && (done.seeds < 20 ? has_some : has_both) ? 0 : 1;
}

}  // namespace
}  // namespace coterie::sim

int main(int count, char** values) {
  const auto arguments = coterie::sim::parse_seeds(count, values, "sim_changes");
  return arguments ? coterie::sim::run(*arguments) : 2;
}
