#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/cluster.h"
#include "tests/sim/fault_kinds.h"
#include "tests/sim/history.h"

namespace coterie::sim {

/// Breaks the cluster in the ways that the seed has switched on (swarm testing: Groce et al.,
/// "Swarm Testing", ISSTA 2012), until heal(). When it strikes and how is drawn from the seed
/// alone, so that a strike left out changes no other.
class Nemesis {
 public:
  /// What of the seed's strikes is left out, to find out which of them matter.
  struct Selection {
    /// By number; none: all.
    std::optional<std::set<std::uint64_t>> only;
    std::set<FaultKind> without;
  };
  /// One that was done.
  struct Strike {
    std::uint64_t number = 0;
    FaultKind kind = FaultKind::process_crash;
    Instant when;
  };

  Nemesis(Cluster& cluster, History& history, Selection selection);
  Nemesis(const Nemesis&) = delete;
  Nemesis& operator=(const Nemesis&) = delete;

  void start();
  /// Takes all faults away and starts all nodes; keeps starting those that fail to.
  void heal();

  [[nodiscard]] const std::vector<Strike>& strikes() const { return strikes_; }

 private:
  void strike_later();
  void strike();
  /// False: nothing could be done.
  bool inject(FaultKind kind);
  bool hit_process(FaultKind kind, SimNode& node);
  bool hit_links(FaultKind kind, SimNode& node, Duration time);
  bool hit_packets(FaultKind kind, Duration time);
  bool hit_machine(FaultKind kind, SimNode& node, Duration time);
  bool hit_data(FaultKind kind);
  bool hit_record(FaultKind kind, SimNode& node);
  bool flip_log(SimNode& node);
  bool restore_later(SimNode& node);
  bool wipe(SimNode& node);
  bool change_version(SimNode& node);
  bool isolate(SimNode& node, Duration time);
  bool split(Duration time);
  SimNode& slow_or(SimNode& node);
  bool lose_all_power();
  bool lose_power_unheard(SimNode& node);
  void lose_power_unsynced(SimNode& node, Duration down, Instant end, std::uint64_t number);
  bool kill_owners();
  void set_sync_time(SimNode& node, Duration least, Duration most);
  void note_strike(std::uint64_t number, FaultKind kind);
  bool crash(SimNode& node, Crash how);
  void kill(SimNode& node, Crash how, Duration down);
  /// Of the victim: all keys that it owns may be lost, or those that are named.
  Damage& note_damage(bool is_silent);
  Damage& note_damage(bool is_silent, std::set<KeyIndex> keys);
  /// What only the shard's log holds: what its table has from before shows.
  [[nodiscard]] std::set<KeyIndex> only_logged(SimNode& node, ShardIndex shard) const;
  void look_at_victim();
  void start_later(SimNode& node, Duration after);
  void watch();
  void cut(NodeIndex from, NodeIndex to, Duration time);
  /// Changes one thing about each of some nodes' links, and changes it back later.
  using Change = std::function<void(LinkFaults&)>;
  bool change_links(const Change& change, const Change& back, bool with_clients, Duration time);
  void later(Duration after, std::function<void()> call);
  [[nodiscard]] SimNode& some_node();
  [[nodiscard]] Duration some_time(Duration least, Duration most);
  void tell(const std::string& what);

  Cluster& cluster_;
  History& history_;
  Selection selection_;
  Random schedule_;  // when which kind strikes
  Random draws_;     // of the strike that is being done
  Random care_;      // of who starts what has stopped
  std::vector<FaultKind> enabled_;
  Duration gap_most_{};
  /// The one node whose data are destroyed.
  std::size_t victim_ = 0;
  /// Of history_.damages, the one flip of its log; none: there was none, or more than one.
  std::optional<std::size_t> flip_;
  std::size_t flips_ = 0;
  std::uint64_t numbers_ = 0;
  bool is_healing_ = false;
  std::set<NodeIndex> starting_;
  std::vector<Strike> strikes_;
};

}  // namespace coterie::sim
