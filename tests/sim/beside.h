#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ring/plan/staged.h"
#include "tests/sim/changes.h"
#include "tests/sim/cluster.h"
#include "tests/sim/epoch_watch.h"
#include "tests/sim/oracles.h"
#include "tests/sim/workload.h"

namespace coterie::sim {

/// The world of one seed in which several operators change the ring at the same time, each by plans
/// of its own: nodes join, leave, are replaced, weighed and removed for dead, and partitions are
/// moved about, while clients write, nodes crash, and people pause, resume and abort one change or
/// another. In the end all changes are over, each of them whole or not at all, and what was
/// acknowledged is read, whichever node is away.
class Beside {
 public:
  explicit Beside(std::uint64_t seed);

  void listen(const Story::Line& line) { cluster_.story().listen(line); }
  [[nodiscard]] std::optional<Violation> run();
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  [[nodiscard]] Cluster::Settings draw_cluster();
  void write();
  void trouble(Duration time);
  void settle();
  void read_all();
  void issue(OperationKind kind, KeyIndex key, SimNode& node);

  // What people do.
  void operate();
  [[nodiscard]] std::optional<EpochContents> wanted(const Epoch& base);
  [[nodiscard]] std::optional<EpochContents> moved_about(const Epoch& base);
  [[nodiscard]] std::optional<EpochContents> planned(const Epoch& base, plan::StagedChange change);
  [[nodiscard]] std::optional<EpochContents> without_dead(const Epoch& base);
  [[nodiscard]] std::optional<Member> newcomer();
  void lose_for_good();
  void interfere();
  void set_buckets();
  void resume_all();
  void propose(SimNode& node, EpochContents contents);

  // What happens to nodes.
  void start(SimNode& node);
  void crash(SimNode& node);
  void run_for(Duration time);
  bool run_until(const std::function<bool()>& done, Duration at_most);
  void on_new_epoch();
  void judge(const Change& change, const Epoch& after);
  void become_alike();
  [[nodiscard]] std::vector<SimNode*> members() const;
  [[nodiscard]] SimNode* some_member(bool is_up);
  [[nodiscard]] bool are_alike() const;

  Random random_;
  bool lowers_w_;  // and nobody dies, or what one acknowledged could be lost
  Cluster cluster_;
  EpochWatch watch_;
  History history_;
  std::unique_ptr<Workload> workload_;
  std::map<KeyIndex, OperationIndex> last_;
  std::vector<SimNode*> spare_;  // not asked to join yet
  SimNode* dead_ = nullptr;      // for good
  Instant looked_;
  std::optional<Violation> bad_;
  Tally tally_;
};

}  // namespace coterie::sim
