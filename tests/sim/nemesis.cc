#include "tests/sim/nemesis.h"

#include <algorithm>
#include <utility>

namespace coterie::sim {

Nemesis::Nemesis(Cluster& cluster, History& history, Selection selection)
    : cluster_(cluster),
      history_(history),
      selection_(std::move(selection)),
      schedule_(cluster.world().fork_random()),
      draws_(schedule_.fork()),
      care_(schedule_.fork()) {
  const double share = 0.1 + 0.5 * schedule_.unit();
  for (std::size_t i = 0; i < fault_kinds; ++i) {
    if (schedule_.chance(share)) enabled_.push_back(static_cast<FaultKind>(i));
  }
  gap_most_ = draw(schedule_, 300ms, 6s);
  victim_ = static_cast<std::size_t>(schedule_.below(cluster.nodes().size()));
}

void Nemesis::start() {
  if (!enabled_.empty()) strike_later();
  watch();
}

void Nemesis::later(Duration after, std::function<void()> call) {
  auto& world = cluster_.world();
  world.schedule(world.life(NodeIndex{0}), after, "nemesis", std::move(call));
}

void Nemesis::strike_later() {
  later(draw(schedule_, 50ms, gap_most_), [this] {
    if (is_healing_) return;
    strike();
    strike_later();
  });
}

void Nemesis::strike() {
  const auto kind = enabled_[static_cast<std::size_t>(schedule_.below(enabled_.size()))];
  const std::uint64_t number = ++numbers_;
  draws_ = schedule_.fork();
  if (selection_.without.contains(kind)) return;
  if (selection_.only && !selection_.only->contains(number)) return;
  tell("strike " + std::to_string(number) + ": " + std::string(name(kind)));
  const Instant when = cluster_.world().now();
  if (inject(kind)) strikes_.push_back({.number = number, .kind = kind, .when = when});
}

SimNode& Nemesis::some_node() {
  auto& nodes = cluster_.nodes();
  return *nodes[static_cast<std::size_t>(draws_.below(nodes.size()))];
}

Duration Nemesis::some_time(Duration least, Duration most) {
  // Mostly short, at times long.
  const Duration longest = draws_.chance(0.8) ? least + (most - least) / 5 : most;
  return draw(draws_, least, longest);
}

void Nemesis::tell(const std::string& what) {
  cluster_.story().tell("nemesis", what);
}

void Nemesis::start_later(SimNode& node, Duration after) {
  if (!starting_.insert(node.index()).second) return;
  later(after, [this, &node] {
    starting_.erase(node.index());
    cluster_.disturb(node.index(), cluster_.world().now() + 1s);
    if (node.is_up()) return;
    if (const auto started = node.start(); !started) {
      tell(node.name() + " does not start: " + started.error().message);
      start_later(node, 500ms);
    }
  });
}

/// Whoever runs the cluster: starts anew what has stopped serving.
void Nemesis::watch() {
  later(700ms, [this] {
    look_at_victim();
    for (const auto& node : cluster_.nodes()) {
      if (node->is_broken()) {
        cluster_.disturb(node->index(), cluster_.world().now());
        tell(node->name() + " is broken and killed");
        node->crash(Crash::process);
      }
      if (node->is_restored()) cluster_.disturb(node->index(), cluster_.world().now());
      if (node->is_up()) continue;
      const Duration after = draw(care_, 500ms, 4s);
      start_later(*node, is_healing_ ? Duration{0} : after);
    }
    watch();
  });
}

/// A flipped bit of the log that the next start has noticed is silent no more.
void Nemesis::look_at_victim() {
  const auto& node = *cluster_.nodes()[victim_];
  if (!flip_ || flips_ != 1 || !node.is_ready() || !node.has_damaged_log()) return;
  history_.damages[*flip_].noticed_at = cluster_.world().now();
  flip_.reset();
}

void Nemesis::heal() {
  is_healing_ = true;
  tell("everything heals");
  auto& world = cluster_.world();
  world.reset_links();
  for (const auto& node : cluster_.nodes()) {
    world.faults(node->index()) = Faults{};
    for (std::uint16_t i = 0; i < node->shards(); ++i) node->table(ShardIndex{i}).set_full(false);
    node->set_older(false);
    cluster_.disturb(node->index(), world.now());
    if (!node->is_up()) start_later(*node, Duration{0});
  }
}

}  // namespace coterie::sim
