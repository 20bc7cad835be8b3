#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/cluster.h"
#include "tests/sim/history.h"

namespace coterie::sim {

/// Breaks the cluster in the ways that the seed has switched on (swarm testing: Groce et al.,
/// "Swarm Testing", ISSTA 2012), until heal().
class Nemesis {
 public:
  enum class Kind : std::uint8_t {
    process_crash,
    power_loss,
    power_loss_of_all,
    restart,
    pause,
    one_way_cut,
    isolation,
    broken_connections,
    unordered_frames,
    lossy_datagrams,
    slow_links,
    slow_disk,
    failing_disk,
    full_disk,
    skewed_clock,
  };
  static constexpr std::size_t kinds = 15;
  [[nodiscard]] static std::string_view name(Kind kind);

  /// Draws which kinds this run has and how often they strike.
  Nemesis(Cluster& cluster, History& history);
  Nemesis(const Nemesis&) = delete;
  Nemesis& operator=(const Nemesis&) = delete;

  void start();
  /// Takes all faults away and starts all nodes; keeps starting those that fail to.
  void heal();

  [[nodiscard]] const std::map<Kind, std::uint64_t>& injected() const { return injected_; }
  [[nodiscard]] const std::vector<Kind>& enabled() const { return enabled_; }

 private:
  void strike_later();
  void strike();
  void inject(Kind kind);
  void hit_process(Kind kind, SimNode& node, Duration time);
  void hit_links(Kind kind, SimNode& node, Duration time);
  void hit_machine(Kind kind, SimNode& node, Duration time);
  void isolate(SimNode& node, Duration time);
  void crash(SimNode& node, Crash how);
  void start_later(SimNode& node, Duration after);
  void watch();
  void cut(NodeIndex from, NodeIndex to, Duration time);
  /// Changes one thing about each of some nodes' links, and changes it back later.
  using Change = std::function<void(LinkFaults&)>;
  void change_links(const Change& change, const Change& back, bool with_clients, Duration time);
  void later(Duration after, std::function<void()> call);
  [[nodiscard]] SimNode& some_node();
  [[nodiscard]] Duration some_time(Duration least, Duration most);
  void tell(const std::string& what);

  Cluster& cluster_;
  History& history_;
  Random random_;
  std::vector<Kind> enabled_;
  Duration pause_most_{};
  bool is_healing_ = false;
  std::set<NodeIndex> starting_;
  std::map<Kind, std::uint64_t> injected_;
};

}  // namespace coterie::sim
