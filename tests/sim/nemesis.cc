#include "tests/sim/nemesis.h"

#include <algorithm>
#include <array>
#include <utility>

namespace coterie::sim {
namespace {

constexpr std::array<std::string_view, Nemesis::kinds> names = {
    "process crash", "power loss", "power loss of all",  "restart",          "pause",
    "one-way cut",   "isolation",  "broken connections", "unordered frames", "lossy datagrams",
    "slow links",    "slow disk",  "failing disk",       "full disk",        "skewed clock"};

}  // namespace

std::string_view Nemesis::name(Kind kind) {
  return names.at(static_cast<std::size_t>(kind));
}

Nemesis::Nemesis(Cluster& cluster, History& history)
    : cluster_(cluster), history_(history), random_(cluster.world().fork_random()) {
  const double share = 0.1 + 0.5 * random_.unit();
  for (std::size_t i = 0; i < kinds; ++i) {
    if (random_.chance(share)) enabled_.push_back(static_cast<Kind>(i));
  }
  pause_most_ = draw(random_, 300ms, 8s);
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
  later(draw(random_, 50ms, pause_most_), [this] {
    if (is_healing_) return;
    strike();
    strike_later();
  });
}

void Nemesis::strike() {
  const auto kind = enabled_[static_cast<std::size_t>(random_.below(enabled_.size()))];
  ++injected_[kind];
  inject(kind);
}

SimNode& Nemesis::some_node() {
  auto& nodes = cluster_.nodes();
  return *nodes[static_cast<std::size_t>(random_.below(nodes.size()))];
}

Duration Nemesis::some_time(Duration least, Duration most) {
  // Mostly short, at times long.
  const Duration longest = random_.chance(0.8) ? least + (most - least) / 5 : most;
  return draw(random_, least, longest);
}

void Nemesis::tell(const std::string& what) {
  cluster_.story().tell("nemesis", what);
}

void Nemesis::inject(Kind kind) {
  // One draw a statement: in which order arguments are evaluated is the compiler's choice.
  SimNode& node = some_node();
  const Duration time = some_time(100ms, 12s);
  switch (kind) {
    case Kind::process_crash:
    case Kind::power_loss:
    case Kind::power_loss_of_all:
    case Kind::restart:
    case Kind::pause:
      return hit_process(kind, node, time);
    case Kind::one_way_cut:
    case Kind::isolation:
    case Kind::broken_connections:
    case Kind::unordered_frames:
    case Kind::lossy_datagrams:
    case Kind::slow_links:
      return hit_links(kind, node, time);
    case Kind::slow_disk:
    case Kind::failing_disk:
    case Kind::full_disk:
    case Kind::skewed_clock:
      return hit_machine(kind, node, time);
  }
}

void Nemesis::hit_process(Kind kind, SimNode& node, Duration time) {
  auto& world = cluster_.world();
  if (kind == Kind::process_crash) return crash(node, Crash::process);
  if (kind == Kind::power_loss) return crash(node, Crash::power);
  if (kind == Kind::power_loss_of_all) {
    for (const auto& each : cluster_.nodes()) crash(*each, Crash::power);
  } else if (kind == Kind::restart && node.is_ready()) {
    cluster_.disturb(node.index(), world.now() + 2s);
    node.stop();
    start_later(node, some_time(1500ms, 8s));
  } else if (kind == Kind::pause) {
    tell(node.name() + " is paused for " + seconds_text(Instant(time)));
    cluster_.disturb(node.index(), world.now() + time);
    world.pause(node.index(), time);
  }
}

void Nemesis::hit_links(Kind kind, SimNode& node, Duration time) {
  const std::string for_time = " for " + seconds_text(Instant(time));
  switch (kind) {
    case Kind::one_way_cut:
      return cut(node.index(), some_node().index(), time);
    case Kind::isolation:
      return isolate(node, time);
    case Kind::broken_connections:
      tell("connections break" + for_time);
      return change_links([](LinkFaults& link) { link.break_chance = 0.01; },
                          [](LinkFaults& link) { link.break_chance = 0; }, true, time);
    case Kind::unordered_frames: {
      tell("frames between nodes are lost, doubled and overtaken" + for_time);
      // TCP doubles nothing. Replicas do not mind, but a client's put that a node passes on may be
      // refused, and its double be executed later: only where every node owns every key.
      const double doubled = cluster_.nodes().size() > cluster_.replicas() ? 0 : 0.1;
      return change_links(
          [doubled](LinkFaults& link) {
            link.is_unordered = true;
            link.loss = 0.05;
            link.late = 0.1;
            link.doubled = doubled;
          },
          [](LinkFaults& link) {
            link.is_unordered = false;
            link.loss = link.doubled = link.late = 0;
          },
          false, time);
    }
    case Kind::lossy_datagrams:
      tell("packets are lost" + for_time);
      return change_links([](LinkFaults& link) { link.loss = 0.3; },
                          [](LinkFaults& link) { link.loss = 0; }, false, time);
    default:
      tell("links are slow" + for_time);
      return change_links([](LinkFaults& link) { link.delay_most = 300ms; },
                          [](LinkFaults& link) { link.delay_most = 1ms; }, false, time);
  }
}

void Nemesis::isolate(SimNode& node, Duration time) {
  for (const auto& other : cluster_.nodes()) {
    cut(node.index(), other->index(), time);
    cut(other->index(), node.index(), time);
  }
  if (!random_.chance(0.3)) return;
  for (const auto& client : cluster_.clients()) {
    cut(client->index(), node.index(), time);
    cut(node.index(), client->index(), time);
  }
}

void Nemesis::hit_machine(Kind kind, SimNode& node, Duration time) {
  auto& faults = cluster_.world().faults(node.index());
  auto& disk = faults.disk;
  const std::string for_time = " for " + seconds_text(Instant(time));
  if (kind == Kind::slow_disk) {
    tell(node.name() + " has a slow disk" + for_time);
    disk.sync_most = 1500ms;
    later(time, [&disk] { disk.sync_most = DiskFaults{}.sync_most; });
  } else if (kind == Kind::failing_disk) {
    tell(node.name() + " has a failing disk" + for_time);
    disk.write_error = disk.sync_error = 0.05;
    later(time, [&disk] { disk.write_error = disk.sync_error = 0; });
  } else if (kind == Kind::full_disk) {
    tell(node.name() + " has a full disk" + for_time);
    disk.capacity_bytes = 0;
    later(time, [&disk] { disk.capacity_bytes = DiskFaults{}.capacity_bytes; });
  } else {
    faults.wall_skew = draw(random_, -20min, 20min);
    tell(node.name() + " has its clock set by " +
         std::to_string(faults.wall_skew / std::chrono::milliseconds(1)) + " ms");
  }
}

void Nemesis::crash(SimNode& node, Crash how) {
  if (!node.is_up()) return;
  cluster_.disturb(node.index(), cluster_.world().now());
  if (how == Crash::power) {
    history_.power_losses.push_back({.when = cluster_.world().now(), .node = node.index()});
  }
  node.crash(how);
  start_later(node, some_time(10ms, 15s));
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
    for (const auto& node : cluster_.nodes()) {
      if (node->is_broken()) {
        cluster_.disturb(node->index(), cluster_.world().now());
        tell(node->name() + " is broken and killed");
        node->crash(Crash::process);
      }
      if (!node->is_up()) start_later(*node, is_healing_ ? Duration{0} : some_time(500ms, 8s));
    }
    watch();
  });
}

void Nemesis::cut(NodeIndex from, NodeIndex to, Duration time) {
  if (from == to) return;
  auto& world = cluster_.world();
  tell("nothing passes from " + std::to_string(from.value) + " to " + std::to_string(to.value) +
       " for " + seconds_text(Instant(time)));
  cluster_.disturb(from, world.now() + time);
  cluster_.disturb(to, world.now() + time);
  world.link(from, to).is_blocked = true;
  later(time, [&world, from, to] { world.link(from, to).is_blocked = false; });
}

void Nemesis::change_links(const Change& change, const Change& back, bool with_clients,
                           Duration time) {
  auto& world = cluster_.world();
  const double share = random_.unit();
  std::vector<std::pair<NodeIndex, NodeIndex>> links;
  for (const auto& a : cluster_.nodes()) {
    for (const auto& b : cluster_.nodes()) {
      if (a != b && random_.chance(share)) links.emplace_back(a->index(), b->index());
    }
    for (const auto& client : cluster_.clients()) {
      if (!with_clients || !random_.chance(share)) continue;
      links.emplace_back(a->index(), client->index());
      links.emplace_back(client->index(), a->index());
    }
  }
  for (const auto& [from, to] : links) {
    change(world.link(from, to));
    cluster_.disturb(from, world.now() + time);
    cluster_.disturb(to, world.now() + time);
  }
  later(time, [&world, links, back] {
    for (const auto& [from, to] : links) back(world.link(from, to));
  });
}

void Nemesis::heal() {
  is_healing_ = true;
  tell("everything heals");
  auto& world = cluster_.world();
  world.reset_links();
  for (const auto& node : cluster_.nodes()) {
    world.faults(node->index()) = Faults{};
    cluster_.disturb(node->index(), world.now());
    if (!node->is_up()) start_later(*node, Duration{0});
  }
}

}  // namespace coterie::sim
