// Several nodes propose the next epoch at once, nodes crash and packets are lost meanwhile: each
// number gets one epoch, and each proposer is told what became of its own.

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "tests/sim/cluster.h"
#include "tests/sim/oracles.h"
#include "tests/sim/seed_runs.h"

namespace coterie::sim {
namespace {

constexpr Duration whole_bound = 60s;
constexpr Duration answer_bound = 30s;

struct Totals {
  std::uint64_t proposals = 0;
  std::uint64_t decided = 0;
  std::uint64_t refused = 0;
  std::uint64_t forgotten = 0;  // voters that lost power when an epoch was decided by just enough
  std::uint64_t open = 0;       // unknown, unavailable, or the proposer crashed
};

class Elections {
 public:
  explicit Elections(std::uint64_t seed)
      : random_(seed ^ 0x65706f63), cluster_(seed, {.nodes = 3 + 2 * random_.below(2)}) {}

  void listen(const Story::Line& line) { cluster_.story().listen(line); }
  [[nodiscard]] const Totals& totals() const { return totals_; }

  [[nodiscard]] std::optional<Violation> run() {
    for (const auto& node : cluster_.nodes()) {
      if (!node->start()) return Violation{"progress", node->name() + " does not start"};
    }
    const std::uint64_t turns = 2 + random_.below(4);
    for (std::uint64_t turn = 0; turn < turns && !bad_; ++turn) {
      if (!become_alike()) return Violation{"progress", "the nodes are not at one epoch"};
      const bool has_faults = turn > 0;
      propose_at_once(2 + random_.below(2), has_faults);
      if (bad_) break;
      if (!become_alike()) return Violation{"progress", "the nodes are not at one epoch again"};
      check_answers(has_faults);
    }
    if (!bad_) forget_between_two_proposers();
    return bad_;
  }

 private:
  enum class Said { nothing, decided, refused, unavailable, unknown };
  struct Try {
    std::string bucket;
    Said said = Said::nothing;
  };

  void propose_at_once(std::uint64_t proposers, bool has_faults) {
    tries_.clear();
    tries_.resize(proposers);
    const auto first = random_.below(cluster_.nodes().size());
    for (std::uint64_t i = 0; i < proposers; ++i) {
      propose(*cluster_.nodes()[(first + i) % cluster_.nodes().size()], tries_[i]);
      run_for(draw(random_, 0ms, 3ms));
      if (has_faults && random_.chance(0.5)) hurt_one();
    }
    const Instant end = cluster_.world().now() + answer_bound;
    while (cluster_.world().now() < end && !bad_) {
      if (has_faults && random_.chance(0.2)) hurt_one();
      run_for(draw(random_, 1ms, 3s));
      heal_some();
    }
    for (const auto& node : cluster_.nodes()) {
      if (!node->is_up() && !node->start()) bad_ = {"progress", node->name() + " does not start"};
    }
  }

  void propose(SimNode& node, Try& attempt) {
    if (!node.is_ready()) return;
    EpochContents contents = node.view()->epoch->contents();
    contents.number.number += 1;
    const auto id = contents.buckets.back().id.value + 1;
    attempt.bucket = "from-" + std::to_string(++totals_.proposals);
    contents.buckets.push_back({.id = BucketId{id}, .name = attempt.bucket});
    auto next = Epoch::make(std::move(contents));
    if (!next) {
      bad_ = {"valid", next.error().message};
      return;
    }
    node.propose(std::make_shared<const Epoch>(*std::move(next)), [&attempt](Result<void> result) {
      if (result) {
        attempt.said = Said::decided;
      } else if (result.error().code == ErrorCode::refused) {
        attempt.said = Said::refused;
      } else if (result.error().code == ErrorCode::unavailable) {
        attempt.said = Said::unavailable;
      } else {
        attempt.said = Said::unknown;
      }
    });
  }

  /// One epoch is decided by just enough voters; the last of these loses power in that moment, and
  /// comes back among the voters who have heard nothing, one of whom wants another epoch.
  void forget_between_two_proposers() {
    std::vector<SimNode*> voters;
    for (const NodeId voter : cluster_.nodes().front()->view()->epoch->voters()) {
      voters.push_back(cluster_.find(voter));
    }
    const auto most = voters.size() / 2 + 1;
    auto& first = *voters.front();
    auto& between = *voters[most - 1];
    auto& second = *voters.back();
    const std::vector<SimNode*> one(voters.begin(), voters.begin() + std::ssize(voters) / 2);
    const std::vector<SimNode*> other(voters.begin() + std::ssize(voters) / 2 + 1, voters.end());
    for (const auto& node : cluster_.nodes()) {
      if (std::ranges::count(voters, node.get()) == 0) part({node.get()}, voters);
    }
    part(one, other);
    part({&between}, other);
    tries_.assign(2, {});
    const auto before = first.view()->epoch->number();
    propose(first, tries_[0]);
    const bool is_decided = cluster_.world().run_until(
        [&] { return first.view()->epoch->number() != before; }, answer_bound);
    if (is_decided) {
      ++totals_.forgotten;
      look_at(first);
      between.crash(Crash::power);
      part({&between}, one);
      join({&between}, other);
      if (!between.start()) bad_ = {"progress", between.name() + " does not start"};
      run_for(3s);
      propose(second, tries_[1]);
      run_for(answer_bound);
    }
    cluster_.world().reset_links();
    if (!bad_ && !become_alike()) bad_ = {"progress", "the nodes are not at one epoch"};
    if (!bad_) check_answers(true);
  }

  void part(const std::vector<SimNode*>& one, const std::vector<SimNode*>& other) {
    set_cut(one, other, true);
  }
  void join(const std::vector<SimNode*>& one, const std::vector<SimNode*>& other) {
    set_cut(one, other, false);
  }
  void set_cut(const std::vector<SimNode*>& one, const std::vector<SimNode*>& other, bool is_cut) {
    auto& world = cluster_.world();
    for (const auto* a : one) {
      for (const auto* b : other) {
        world.link(a->index(), b->index()).is_blocked = is_cut;
        world.link(b->index(), a->index()).is_blocked = is_cut;
      }
    }
  }

  void hurt_one() {
    auto& node = *cluster_.nodes()[random_.below(cluster_.nodes().size())];
    const bool is_power = random_.chance(0.5);
    if (node.is_up()) node.crash(is_power ? Crash::power : Crash::process);
  }

  void heal_some() {
    for (const auto& node : cluster_.nodes()) {
      if (!node->is_up() && random_.chance(0.5) && !node->start()) {
        bad_ = {"progress", node->name() + " does not start"};
      }
    }
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
    auto& newest = newest_[node.index()];
    if (view->epoch->number() < newest) {
      bad_ = {"one epoch", node.name() + " has forgotten an epoch"};
    }
    newest = view->epoch->number();
  }

  [[nodiscard]] bool become_alike() {
    return cluster_.world().run_until(
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
  }

  void check_answers(bool has_faults) {
    const auto& epoch = *cluster_.nodes().front()->view()->epoch;
    std::size_t decided = 0;
    for (const Try& one : tries_) {
      const bool is_in = !one.bucket.empty() && epoch.bucket(one.bucket) != nullptr;
      if (one.said == Said::decided && !is_in) bad_ = {"told", "a decided epoch is gone"};
      const bool is_out = one.said == Said::refused || one.said == Said::unavailable;
      if (is_out && is_in) bad_ = {"told", "what was refused was decided"};
      decided += is_in ? 1 : 0;
      totals_.decided += one.said == Said::decided ? 1 : 0;
      totals_.refused += one.said == Said::refused ? 1 : 0;
      totals_.open += one.said != Said::decided && one.said != Said::refused ? 1 : 0;
      if (!has_faults && one.said != Said::decided && one.said != Said::refused) {
        bad_ = {"told", "a proposer was not told, and nothing was broken"};
      }
    }
    if (!has_faults && decided != 1) bad_ = {"told", std::to_string(decided) + " were decided"};
  }

  Random random_;
  Cluster cluster_;
  std::vector<Try> tries_;
  std::map<EpochNumber, std::uint64_t> hashes_;
  std::map<NodeIndex, EpochNumber> newest_;
  std::optional<Violation> bad_;
  Totals totals_;
};

int run(const SeedArguments& arguments) {
  Totals totals;
  const auto done = run_seeds(arguments, [&totals](std::uint64_t seed, const Story::Line& listen) {
    Elections elections(seed);
    elections.listen(listen);
    auto violation = elections.run();
    totals.proposals += elections.totals().proposals;
    totals.decided += elections.totals().decided;
    totals.refused += elections.totals().refused;
    totals.open += elections.totals().open;
    totals.forgotten += elections.totals().forgotten;
    return violation;
  });
  std::printf(
      "%llu seeds, %llu proposals: %llu decided, %llu refused, %llu not told; "
      "%llu voters lost power in between; %llu violations\n",
      static_cast<unsigned long long>(done.seeds),
      static_cast<unsigned long long>(totals.proposals),
      static_cast<unsigned long long>(totals.decided),
      static_cast<unsigned long long>(totals.refused), static_cast<unsigned long long>(totals.open),
      static_cast<unsigned long long>(totals.forgotten),
      static_cast<unsigned long long>(done.failed));
  const bool is_at_work = totals.decided >= done.seeds && totals.refused >= done.seeds &&
                          totals.forgotten * 2 >= done.seeds;
  return done.failed == 0 && is_at_work ? 0 : 1;
}

}  // namespace
}  // namespace coterie::sim

int main(int count, char** values) {
  const auto arguments = coterie::sim::parse_seeds(count, values, "sim_epochs");
  return arguments ? coterie::sim::run(*arguments) : 2;
}
