// One node's clock is wrong by up to an hour, set while the node runs or before it starts: the
// timestamps and expiries that it makes keep to those of the others, and no value dies early or
// lives long by it.

#include <cstdio>
#include <optional>
#include <set>
#include <string>

#include "base/limits.h"
#include "storage/key.h"
#include "storage/record.h"
#include "tests/sim/cluster.h"
#include "tests/sim/oracles.h"
#include "tests/sim/seed_runs.h"
#include "tests/sim/workload.h"

namespace coterie::sim {
namespace {

constexpr Duration whole_bound = 60s;
constexpr Duration time_to_live = 20s;
/// How far a held clock may be off: the bound, the error of what it was held to, and the grain in
/// which bounds are handed on.
constexpr Duration slack =
    limits::max_clock_skew + Duration(limits::clock_error_most) + limits::clock_step;

class WrongClock {
 public:
  explicit WrongClock(std::uint64_t seed)
      : random_(seed ^ 0x636c6f636b), cluster_(seed, draw_cluster()) {
    Workload::Settings settings;
    settings.keys = 12;
    workload_ = std::make_unique<Workload>(cluster_, history_, settings);
  }

  void listen(const Story::Line& line) { cluster_.story().listen(line); }

  [[nodiscard]] std::optional<Violation> run() {
    auto& world = cluster_.world();
    for (const auto& node : cluster_.nodes()) {
      if (!node->start()) return Violation{"progress", node->name() + " does not start"};
    }
    if (!become_whole()) return Violation{"progress", "the cluster is not whole"};
    place_ = static_cast<std::size_t>(random_.below(cluster_.nodes().size()));
    auto& wrong = *cluster_.nodes()[place_];
    const bool restarts = random_.chance(0.5);
    if (restarts) wrong.crash(Crash::process);
    const Duration ahead = draw(random_, 1s, 1h);
    world.faults(wrong.index()).wall_skew = random_.chance(0.5) ? ahead : -ahead;
    if (restarts) {
      if (!wrong.start()) return Violation{"progress", wrong.name() + " does not start"};
      // Before the others have taken it for alive again.
      world.run_until([&] { return wrong.is_ready(); }, whole_bound);
    }
    if (auto bad = write()) return bad;
    if (!become_whole()) return Violation{"progress", "the cluster is not whole again"};
    clamped_ += wrong.status(ShardIndex{0}).clock_readings_clamped;
    if (auto bad = read("lives", 1)) return bad;
    world.run_for(time_to_live + 2 * slack);
    return read("has expired", 0);
  }

  [[nodiscard]] std::uint64_t clamped() const { return clamped_; }
  [[nodiscard]] std::uint64_t written() const { return written_; }

 private:
  [[nodiscard]] Cluster::Settings draw_cluster() {
    Cluster::Settings settings;
    settings.nodes = static_cast<std::size_t>(3 + random_.below(3));
    settings.shards = {static_cast<std::uint16_t>(1 + random_.below(2))};
    return settings;
  }

  bool become_whole() {
    return cluster_.world().run_until([this] { return cluster_.is_whole(); }, whole_bound);
  }

  OperationIndex ask(const Workload::Request& request) {
    bool is_done = false;
    const auto index = workload_->issue(request, [&is_done](OperationIndex) { is_done = true; });
    cluster_.world().run_until([&is_done] { return is_done; }, whole_bound);
    return index;
  }

  /// Each key by the node whose clock is wrong.
  [[nodiscard]] std::optional<Violation> write() {
    for (KeyIndex key = 0; key < history_.keys.size(); ++key) {
      const auto index = ask({.kind = OperationKind::put,
                              .key = key,
                              .node = place_,
                              .quorum = cluster_.replicas(),
                              .context_of = {},
                              .range = {},
                              .time_to_live = time_to_live});
      const auto& put = history_.operations[index];
      if (put.outcome != Outcome::done) continue;
      ++written_;
      is_written_.insert(key);
      if (auto bad = check(key, put)) return bad;
      if (history_.keys[key].resolver != Resolver::lww) continue;
      if (auto bad = replace(key)) return bad;
    }
    return std::nullopt;
  }

  /// Blindly, by a node whose clock is right, when all owners hold what was written: later,
  /// whatever the clocks say.
  [[nodiscard]] std::optional<Violation> replace(KeyIndex key) {
    const auto put = ask({.kind = OperationKind::put,
                          .key = key,
                          .node = (place_ + 1) % cluster_.nodes().size(),
                          .context_of = {},
                          .range = {},
                          .time_to_live = time_to_live});
    if (history_.operations[put].outcome != Outcome::done) return std::nullopt;
    const auto get = ask({.key = key, .node = place_, .context_of = {}, .range = {}});
    const auto& got = history_.operations[get];
    if (got.outcome != Outcome::done || got.values == std::vector{put}) return std::nullopt;
    return Violation{"the later write wins", "another than what replaced it"};
  }

  [[nodiscard]] std::optional<Violation> check(KeyIndex index, const Operation& put) {
    const auto& key = history_.keys[index];
    const auto epoch = cluster_.epoch();
    const Token token = epoch->token(key.bucket, key.partition_key);
    const Bytes bytes = *encode_key({.token = token,
                                     .bucket = key.bucket,
                                     .partition_key = key.partition_key,
                                     .sort_key = key.sort_key});
    for (const auto* node : cluster_.owners(epoch->partition(token))) {
      if (!node->is_ready()) continue;
      const auto stored = node->store(epoch->partition(token)).get(Space::records, bytes);
      if (!stored || !*stored) continue;
      const auto record = decode_record(bytes, **stored);
      if (!record || record->siblings.empty()) continue;
      const auto& made = record->siblings.front();
      const Duration expires = std::chrono::milliseconds(made.expires_ms) - time_to_live;
      for (const Duration shown :
           {Duration(std::chrono::milliseconds(made.timestamp.wall_ms())), expires}) {
        if (shown >= true_wall(put.begin) - slack && shown <= true_wall(put.end) + slack) continue;
        return Violation{
            "timestamps keep to the median",
            "one that node " + std::to_string(place_) + " made is off by " +
                std::to_string((shown - true_wall(put.end)) / std::chrono::milliseconds(1)) +
                " ms"};
      }
      return std::nullopt;
    }
    return Violation{"acknowledged means readable", "no owner holds what was written"};
  }

  [[nodiscard]] std::optional<Violation> read(const std::string& what, std::size_t values) {
    for (KeyIndex key = 0; key < history_.keys.size(); ++key) {
      if (!is_written_.contains(key)) continue;
      for (std::size_t node = 0; node < cluster_.nodes().size(); ++node) {
        const auto& get =
            history_.operations[ask({.key = key, .node = node, .context_of = {}, .range = {}})];
        if (get.outcome == Outcome::done && get.values.size() == values) continue;
        return Violation{what, "node " + std::to_string(node) + " shows " +
                                   std::to_string(get.values.size()) + " values; " + get.error};
      }
    }
    return std::nullopt;
  }

  /// As whoever is right has it.
  [[nodiscard]] Duration true_wall(Instant when) {
    const SimClock right(cluster_.world(), cluster_.clients().front()->index());
    return right.wall_now().time_since_epoch() - (cluster_.world().now() - when);
  }

  Random random_;
  Cluster cluster_;
  History history_;
  std::unique_ptr<Workload> workload_;
  std::size_t place_ = 0;
  std::set<KeyIndex> is_written_;
  std::uint64_t clamped_ = 0;
  std::uint64_t written_ = 0;
};

int run(const SeedArguments& arguments) {
  std::uint64_t clamped = 0;
  std::uint64_t written = 0;
  const auto done = run_seeds(arguments, [&](std::uint64_t seed, const Story::Line& listen) {
    WrongClock world(seed);
    world.listen(listen);
    auto violation = world.run();
    clamped += world.clamped();
    written += world.written();
    return violation;
  });
  std::printf("%llu seeds, %llu written, %llu readings clamped, %llu violations\n",
              static_cast<unsigned long long>(done.seeds), static_cast<unsigned long long>(written),
              static_cast<unsigned long long>(clamped),
              static_cast<unsigned long long>(done.failed));
  return done.failed == 0 && clamped > 0 && written > 0 ? 0 : 1;
}

}  // namespace
}  // namespace coterie::sim

int main(int count, char** values) {
  const auto arguments = coterie::sim::parse_seeds(count, values, "sim_clock");
  return arguments ? coterie::sim::run(*arguments) : 2;
}
