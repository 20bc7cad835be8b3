#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ring/plan/staged.h"
#include "tests/sim/cluster.h"
#include "tests/sim/epoch_watch.h"
#include "tests/sim/oracles.h"
#include "tests/sim/workload.h"

namespace coterie::sim {

/// How often what happened, in the words of changes_main.cc.
using Tally = std::map<std::string, std::uint64_t>;

/// The world of one seed in which owners of partitions change while clients write, nodes crash,
/// forget what they had not synced, come back, die for good, are wiped, or come back with an old
/// data directory or none, and people pause the change, abort it or ask for another one. In the end
/// the change is over, and what was acknowledged before and meanwhile is read, whichever node is
/// away.
class Changes {
 public:
  explicit Changes(std::uint64_t seed);

  void listen(const Story::Line& line) { cluster_.story().listen(line); }
  [[nodiscard]] std::optional<Violation> run();
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  /// What people want.
  enum class Wish : std::uint8_t { shuffle, join, leave, replace, replace_dead, remove };
  /// When somebody is to crash: once this entry's conditions are there, or once it is decided.
  struct Aim {
    Stage entered = Stage::open;  // stable: what ends the change
    bool is_before = false;
    bool is_abort = false;  // before: an abort is asked for instead
  };

  // changes.cc
  [[nodiscard]] static Wish draw_wish(Random& random);
  [[nodiscard]] Cluster::Settings draw_cluster();
  void choose();
  void write();
  void issue(OperationKind kind, KeyIndex key, SimNode& node);
  void trouble(Duration time);
  void crash_some();
  void start_some(double chance);
  void settle();
  void judge(std::uint64_t change);
  void let_hints_go();
  void come_back();
  void refill();
  void read_all();

  // changes_people.cc
  void lose_for_good();
  void make_forget();
  [[nodiscard]] std::optional<EpochContents> wanted(const Epoch& base);
  [[nodiscard]] EpochContents shuffled(const Epoch& base);
  void open();
  void compete(SimNode& one, const EpochContents& contents);
  void interfere();
  void abort_now();
  void take_out();
  void declare_dead();
  void propose(SimNode& node, EpochContents contents, std::string what);
  [[nodiscard]] bool is_fulfilled() const;

  // changes_events.cc
  void start(SimNode& node);
  void crash(SimNode& node);
  void run_for(Duration time);
  bool run_until(const std::function<bool()>& done, Duration at_most);
  void on_new_epoch(SimNode& node);
  void look_closely();
  void look_at_restored();
  void draw_aims();
  void become_alike();
  [[nodiscard]] std::vector<SimNode*> members() const;
  [[nodiscard]] SimNode* some_member(bool is_up);
  [[nodiscard]] bool are_alike() const;
  void tell(const std::string& what) { cluster_.story().tell("people", what); }

  Random random_;
  Wish wish_;
  bool is_sloppy_ = false;
  bool uses_interval_ = false;
  bool writes_all_ = false;  // W=N, R=1
  bool has_restores_ = false;
  Cluster cluster_;
  EpochWatch watch_;
  History history_;
  std::unique_ptr<Workload> workload_;
  std::map<KeyIndex, OperationIndex> last_;

  SimNode* leaver_ = nullptr;     // who is to go
  NodeId leaver_id_;              // one that is wiped starts as another
  SimNode* newcomer_ = nullptr;   // who is to come
  SimNode* forgetful_ = nullptr;  // comes back with an old data directory
  bool is_dead_ = false;          // the leaver, for good
  std::optional<SimNode::Copy> copy_;
  bool is_copy_old_ = false;  // it was started since, and the others know
  bool is_put_back_ = false;
  std::optional<Instant> serving_since_;  // though it was put back
  std::vector<Aim> aims_;
  Instant looked_;
  bool has_aborted_ = false;  // a change, and nothing of it was done
  std::optional<Violation> bad_;
  Tally tally_;
};

}  // namespace coterie::sim
