// A node is away while others take writes, and comes back: handoff alone, or anti-entropy alone,
// must bring it every write that it missed. Nothing is read, and the other mechanism is off, so
// that none hides what another leaves out.

#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "tests/sim/cluster.h"
#include "tests/sim/oracles.h"
#include "tests/sim/seed_runs.h"
#include "tests/sim/workload.h"

namespace coterie::sim {
namespace {

constexpr Duration whole_bound = 60s;
/// Beyond the deadlines of writes, when the last hints are left.
constexpr Duration quiet_time = 7s;
constexpr Duration drain_bound = 60s;
constexpr Duration look_again = 50ms;

enum class By { handoff, anti_entropy };

class Absences {
 public:
  Absences(std::uint64_t seed, By by)
      : by_(by), random_(seed ^ 0x68616e64), cluster_(seed, draw_cluster()) {
    Workload::Settings settings;
    settings.keys = static_cast<std::size_t>(20 + random_.below(100));
    settings.value_bytes_most = random_.chance(0.2) ? 20000 : 300;
    // What power loss may take of it is not hinted at.
    settings.uses_interval = false;
    workload_ = std::make_unique<Workload>(cluster_, history_, settings);
  }

  void listen(const Story::Line& line) { cluster_.story().listen(line); }

  [[nodiscard]] std::optional<Violation> run() {
    for (const auto& node : cluster_.nodes()) {
      if (!node->start()) return Violation{"progress", node->name() + " does not start"};
    }
    if (auto bad = become_whole()) return bad;
    const std::uint64_t turns = 1 + random_.below(3);
    for (std::uint64_t turn = 0; turn < turns; ++turn) {
      if (auto bad = absence()) return bad;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::uint64_t left() const { return left_; }
  [[nodiscard]] std::uint64_t replayed() const { return replayed_; }
  [[nodiscard]] std::uint64_t repaired() const { return repaired_; }

 private:
  [[nodiscard]] Cluster::Settings draw_cluster() {
    Cluster::Settings settings;
    settings.nodes = static_cast<std::size_t>(3 + random_.below(3));
    settings.shards =
        random_.chance(0.5) ? std::vector<std::uint16_t>{1} : std::vector<std::uint16_t>{2, 1, 3};
    settings.store.overlay_records = static_cast<std::size_t>(5 + random_.below(500));
    settings.store.checkpoint_part = settings.store.overlay_records / 8 + 1;
    settings.store.overlay_age = draw(random_, 100ms, 5s);
    settings.anti_entropy.enabled = by_ == By::anti_entropy;
    settings.anti_entropy.interval_s = static_cast<std::uint32_t>(1 + random_.below(10));
    if (by_ == By::anti_entropy) settings.hints.hints = 0;
    return settings;
  }

  [[nodiscard]] std::optional<Violation> become_whole() {
    if (cluster_.world().run_until([this] { return cluster_.is_whole(); }, whole_bound)) {
      return std::nullopt;
    }
    return Violation{"progress", "the cluster is not whole"};
  }

  [[nodiscard]] std::optional<Violation> absence() {
    auto& world = cluster_.world();
    const auto place = static_cast<std::size_t>(random_.below(cluster_.nodes().size()));
    auto& away = *cluster_.nodes()[place];
    end(away);
    write(place);
    world.run_for(draw(random_, 0ms, 8s));
    if (!away.start()) return Violation{"progress", away.name() + " does not start"};
    // Often it goes again in the midst of the replay, and forgets what it had not synced.
    for (std::uint64_t more = random_.below(4); more > 0; --more) {
      const Duration wait = draw(random_, 0ms, 3s);
      world.run_until([&] { return cluster_.is_whole(); }, whole_bound);
      world.run_for(wait / 10);
      end(away);
      world.run_for(wait);
      if (!away.start()) return Violation{"progress", away.name() + " does not start"};
    }
    if (auto bad = become_whole()) return bad;
    world.run_for(quiet_time);
    if (by_ == By::anti_entropy) {
      // What differs in the end is told below. The comparison is dear: not at each event.
      Duration left = drain_bound;
      for (; left > 0s && check_copies(cluster_, history_); left -= look_again) {
        world.run_for(look_again);
      }
    } else if (!world.run_until([this] { return hints() == 0; }, drain_bound)) {
      return Violation{"hints drain", std::to_string(hints()) + " hints are left"};
    }
    for (const auto& node : cluster_.nodes()) {
      for (std::uint16_t i = 0; i < node->shards(); ++i) {
        const auto status = node->status(ShardIndex{i});
        left_ += status.handoff.book.left;
        replayed_ += status.handoff.replayed;
        // Copies in doubt after a loss of power are compared although anti-entropy is off.
        if (by_ == By::handoff && had_doubt_) continue;
        repaired_ += status.anti_entropy.records_pulled + status.anti_entropy.records_pushed;
      }
    }
    return check_copies(cluster_, history_);
  }

  void end(SimNode& node) {
    const bool loses_power = random_.chance(0.5);
    had_doubt_ = had_doubt_ || loses_power;
    node.crash(loses_power ? Crash::power : Crash::process);
  }

  /// Puts to the other nodes; each replaces what the one before it wrote.
  void write(std::size_t away) {
    auto& world = cluster_.world();
    const std::size_t nodes = cluster_.nodes().size();
    const std::uint64_t writes = 20 + random_.below(200);
    for (std::uint64_t i = 0; i < writes; ++i) {
      const auto key = static_cast<KeyIndex>(random_.below(history_.keys.size()));
      const auto step = static_cast<std::size_t>(1 + random_.below(nodes - 1));
      Workload::Request request{
          .kind = OperationKind::put, .key = key, .node = (away + step) % nodes, .context_of = {}};
      const auto last = last_.find(key);
      if (last != last_.end()) request.context_of = last->second;
      (void)workload_->issue(request, [this, key](OperationIndex index) {
        if (history_.operations[index].outcome == Outcome::done) last_[key] = index;
      });
      world.run_for(draw(random_, 0ms, 40ms));
    }
    world.run_until([this] { return workload_->is_idle(); }, whole_bound);
  }

  [[nodiscard]] std::uint64_t hints() const {
    std::uint64_t count = 0;
    for (const auto& node : const_cast<Cluster&>(cluster_).nodes()) {
      for (std::uint16_t i = 0; i < node->shards(); ++i) {
        count += node->status(ShardIndex{i}).handoff.hints();
      }
    }
    return count;
  }

  By by_;
  Random random_;
  Cluster cluster_;
  History history_;
  std::unique_ptr<Workload> workload_;
  std::map<KeyIndex, OperationIndex> last_;
  bool had_doubt_ = false;
  std::uint64_t left_ = 0;
  std::uint64_t replayed_ = 0;
  std::uint64_t repaired_ = 0;
};

int run(const SeedArguments& arguments) {
  const By by = arguments.has_own ? By::anti_entropy : By::handoff;
  std::uint64_t left = 0;
  std::uint64_t replayed = 0;
  std::uint64_t repaired = 0;
  const auto done = run_seeds(arguments, [&](std::uint64_t seed, const Story::Line& listen) {
    Absences absences(seed, by);
    absences.listen(listen);
    auto violation = absences.run();
    left += absences.left();
    replayed += absences.replayed();
    repaired += absences.repaired();
    return violation;
  });
  std::printf("%llu seeds, %llu hints left, %llu replayed, %llu repaired, %llu violations\n",
              static_cast<unsigned long long>(done.seeds), static_cast<unsigned long long>(left),
              static_cast<unsigned long long>(replayed), static_cast<unsigned long long>(repaired),
              static_cast<unsigned long long>(done.failed));
  const bool is_at_work = (by == By::handoff ? replayed : repaired) > 0;
  const bool is_alone = (by == By::handoff ? repaired : replayed) == 0;
  return done.failed == 0 && is_at_work && is_alone ? 0 : 1;
}

}  // namespace
}  // namespace coterie::sim

int main(int count, char** values) {
  const auto arguments = coterie::sim::parse_seeds(count, values, "sim_handoff", "--anti-entropy");
  return arguments ? coterie::sim::run(*arguments) : 2;
}
