// What each kind of fault does: the part of Nemesis that breaks things.

#include <algorithm>
#include <utility>

#include "tests/sim/nemesis.h"

namespace coterie::sim {
namespace {

/// Time enough for an answer to be under way.
constexpr Duration unsynced_look = 5ms;

}  // namespace

bool Nemesis::inject(FaultKind kind) {
  // One draw a statement: in which order arguments are evaluated is the compiler's choice.
  SimNode& node = some_node();
  const Duration time = some_time(100ms, 12s);
  switch (kind) {
    case FaultKind::process_crash:
    case FaultKind::power_loss:
    case FaultKind::torn_power_loss:
    case FaultKind::power_loss_of_all:
    case FaultKind::owners_away:
    case FaultKind::restart:
    case FaultKind::pause:
    case FaultKind::older_version:
      return hit_process(kind, node);
    case FaultKind::one_way_cut:
    case FaultKind::isolation:
    case FaultKind::partition:
    case FaultKind::broken_connections:
    case FaultKind::unordered_frames:
    case FaultKind::slow_links:
      return hit_links(kind, node, time);
    case FaultKind::lossy_links:
    case FaultKind::lossy_datagrams:
    case FaultKind::doubled_datagrams:
      return hit_packets(kind, time);
    case FaultKind::slow_disk:
    case FaultKind::failing_disk:
    case FaultKind::full_disk:
    case FaultKind::full_map:
    case FaultKind::skewed_clock:
      return hit_machine(kind, node, time);
    case FaultKind::lost_record:
    case FaultKind::flipped_record:
    case FaultKind::flipped_log:
    case FaultKind::old_snapshot:
    case FaultKind::wipe:
      return hit_data(kind);
  }
  return false;
}

bool Nemesis::hit_process(FaultKind kind, SimNode& node) {
  auto& world = cluster_.world();
  if (kind == FaultKind::process_crash) return crash(node, Crash::process);
  if (kind == FaultKind::power_loss) {
    const bool is_unheard = draws_.chance(0.5);
    return is_unheard ? lose_power_unheard(node) : crash(slow_or(node), Crash::clean_power);
  }
  if (kind == FaultKind::torn_power_loss) return crash(slow_or(node), Crash::power);
  if (kind == FaultKind::older_version) return change_version(node);
  if (kind == FaultKind::power_loss_of_all) return lose_all_power();
  if (kind == FaultKind::owners_away) return kill_owners();
  if (kind == FaultKind::restart) {
    if (!node.is_ready()) return false;
    cluster_.disturb(node.index(), world.now() + 2s);
    node.stop();
    start_later(node, some_time(1500ms, 8s));
    return true;
  }
  if (!node.is_up()) return false;
  const Duration pause = some_time(100ms, 30s);
  tell(node.name() + " is paused for " + seconds_text(Instant(pause)));
  cluster_.disturb(node.index(), world.now() + pause);
  world.pause(node.index(), pause);
  return true;
}

/// Mostly while the disks of all but one have stalled for a moment: what they were told and have
/// not synced is gone then, and one copy of it may be left.
bool Nemesis::lose_all_power() {
  std::vector<Duration> downs;
  for (std::size_t i = 0; i < cluster_.nodes().size(); ++i) {
    downs.push_back(some_time(10ms, 15s));
  }
  const bool is_stalled = draws_.chance(0.75);
  const auto quick = static_cast<std::size_t>(draws_.below(downs.size()));
  const Duration stall = draw(draws_, 100ms, 2s);
  const auto lose = [this, downs, number = numbers_] {
    bool is_any = false;
    for (std::size_t i = 0; i < downs.size(); ++i) {
      auto& node = *cluster_.nodes()[i];
      set_sync_time(node, DiskFaults{}.sync_least, DiskFaults{}.sync_most);
      if (!node.is_up()) continue;
      is_any = true;
      history_.power_losses.push_back({.when = cluster_.world().now(), .node = node.index()});
      kill(node, Crash::power, downs[i]);
    }
    if (is_any) note_strike(number, FaultKind::power_loss_of_all);
  };
  if (!is_stalled) {
    lose();
    return false;  // it has counted itself
  }
  for (std::size_t i = 0; i < downs.size(); ++i) {
    if (i != quick) set_sync_time(*cluster_.nodes()[i], 2s, 2500ms);
  }
  later(stall, [this, lose] {
    if (!is_healing_) lose();
  });
  return false;
}

/// While another node hears of nobody, and a moment after something was written here that waits for
/// its sync: one more copy of what was acknowledged then may be left.
bool Nemesis::lose_power_unheard(SimNode& node) {
  const SimNode& deaf = some_node();
  const Duration time = draw(draws_, 100ms, 400ms);
  const Duration down = draw(draws_, 10ms, 300ms);
  if (!node.is_up() || &deaf == &node) return false;
  for (const auto& other : cluster_.nodes()) {
    cut(deaf.index(), other->index(), time);
    cut(other->index(), deaf.index(), time);
  }
  lose_power_unsynced(node, down, cluster_.world().now() + time, numbers_);
  return false;  // counted once it is done
}

/// As soon as it has unsynced data, and `end` at the latest.
void Nemesis::lose_power_unsynced(SimNode& node, Duration down, Instant end, std::uint64_t number) {
  const bool was_unsynced = node.has_unsynced();
  later(unsynced_look, [this, &node, down, end, was_unsynced, number] {
    if (is_healing_ || !node.is_up()) return;
    const bool is_time = cluster_.world().now() >= end || (was_unsynced && node.has_unsynced());
    if (!is_time) return lose_power_unsynced(node, down, end, number);
    history_.power_losses.push_back({.when = cluster_.world().now(), .node = node.index()});
    kill(node, Crash::clean_power, down);
    note_strike(number, FaultKind::power_loss);
  });
}

/// Killed at once, and away long enough for all to know. Where buckets are sloppy, fallbacks stand
/// in, and mint if nobody is left.
bool Nemesis::kill_owners() {
  const Duration down = draw(draws_, 2s, 12s);
  const bool is_all = draws_.chance(0.4);
  const auto draw = draws_.below(1U << 16);
  const auto epoch = cluster_.epoch();
  if (epoch == nullptr) return false;
  const PartitionId partition{static_cast<std::uint32_t>(draw % epoch->partitions())};
  const auto spared = static_cast<std::size_t>(draw / epoch->partitions() % epoch->replicas());
  const auto owners = epoch->owners(partition);
  bool is_any = false;
  for (std::size_t place = 0; place < owners.size(); ++place) {
    SimNode* node = place == spared && !is_all ? nullptr : cluster_.find(owners[place]);
    if (node == nullptr || !node->is_up()) continue;
    kill(*node, Crash::process, down);
    is_any = true;
  }
  return is_any;
}

void Nemesis::set_sync_time(SimNode& node, Duration least, Duration most) {
  auto& disk = cluster_.world().faults(node.index()).disk;
  disk.sync_least = least;
  disk.sync_most = most;
}

void Nemesis::note_strike(std::uint64_t number, FaultKind kind) {
  strikes_.push_back({.number = number, .kind = kind, .when = cluster_.world().now()});
}

/// Half the time a node whose disk is slow, if there is one: it has more to lose.
SimNode& Nemesis::slow_or(SimNode& node) {
  const bool wants_slow = draws_.chance(0.5);
  if (!wants_slow) return node;
  const auto& nodes = cluster_.nodes();
  const auto slow = std::ranges::find_if(nodes, [this](const auto& each) {
    return cluster_.world().faults(each->index()).disk.sync_least > DiskFaults{}.sync_least;
  });
  return slow == nodes.end() ? node : **slow;
}

/// A rolling upgrade, or back: the node is restarted with the other build.
bool Nemesis::change_version(SimNode& node) {
  if (!node.is_ready()) return false;
  node.set_older(!node.is_older());
  tell(node.name() + (node.is_older() ? " gets an older build" : " gets the newest build"));
  cluster_.disturb(node.index(), cluster_.world().now() + 2s);
  node.stop();
  start_later(node, some_time(1500ms, 4s));
  return true;
}

bool Nemesis::hit_links(FaultKind kind, SimNode& node, Duration time) {
  const std::string for_time = " for " + seconds_text(Instant(time));
  switch (kind) {
    case FaultKind::one_way_cut: {
      const auto to = some_node().index();
      if (to == node.index()) return false;
      cut(node.index(), to, time);
      return true;
    }
    case FaultKind::isolation:
      return isolate(node, time);
    case FaultKind::partition:
      return split(time);
    case FaultKind::broken_connections:
      tell("connections break" + for_time);
      return change_links([](LinkFaults& link) { link.break_chance = 0.01; },
                          [](LinkFaults& link) { link.break_chance = 0; }, true, time);
    case FaultKind::unordered_frames: {
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
    default:
      tell("links are slow" + for_time);
      return change_links([](LinkFaults& link) { link.delay_most = 300ms; },
                          [](LinkFaults& link) { link.delay_most = 1ms; }, false, time);
  }
}

bool Nemesis::hit_packets(FaultKind kind, Duration time) {
  const std::string for_time = " for " + seconds_text(Instant(time));
  if (kind == FaultKind::lossy_links) {
    // TCP hides what is lost until it gives up.
    const double loss = 0.3 * draws_.unit();
    tell("of packets " + std::to_string(loss) + " are lost, connections break" + for_time);
    return change_links([loss](LinkFaults& link) { link.loss = link.break_chance = loss; },
                        [](LinkFaults& link) { link.loss = link.break_chance = 0; }, true, time);
  }
  if (kind == FaultKind::lossy_datagrams) {
    tell("datagrams are lost" + for_time);
    return change_links([](LinkFaults& link) { link.loss = 0.3; },
                        [](LinkFaults& link) { link.loss = 0; }, false, time);
  }
  tell("datagrams are doubled and late" + for_time);
  // Not of frames that are unordered: see there.
  return change_links(
      [](LinkFaults& link) {
        if (!link.is_unordered) link.doubled = link.late = 0.3;
      },
      [](LinkFaults& link) { link.doubled = link.late = 0; }, false, time);
}

bool Nemesis::isolate(SimNode& node, Duration time) {
  for (const auto& other : cluster_.nodes()) {
    cut(node.index(), other->index(), time);
    cut(other->index(), node.index(), time);
  }
  if (!draws_.chance(0.3)) return true;
  for (const auto& client : cluster_.clients()) {
    cut(client->index(), node.index(), time);
    cut(node.index(), client->index(), time);
  }
  return true;
}

/// Each node and each client stands on one of two sides.
bool Nemesis::split(Duration time) {
  std::vector<NodeIndex> sides[2];
  for (const auto& node : cluster_.nodes()) sides[draws_.below(2)].push_back(node->index());
  if (sides[0].empty() || sides[1].empty()) return false;
  for (const auto& client : cluster_.clients()) sides[draws_.below(2)].push_back(client->index());
  for (const auto a : sides[0]) {
    for (const auto b : sides[1]) {
      cut(a, b, time);
      cut(b, a, time);
    }
  }
  return true;
}

bool Nemesis::hit_machine(FaultKind kind, SimNode& node, Duration time) {
  auto& faults = cluster_.world().faults(node.index());
  auto& disk = faults.disk;
  const std::string for_time = " for " + seconds_text(Instant(time));
  if (kind == FaultKind::slow_disk) {
    tell(node.name() + " has a slow disk" + for_time);
    // Sometimes never quick: what was written and not synced then stays so for long.
    if (draws_.chance(0.5)) disk.sync_least = 300ms;
    disk.sync_most = std::max<Duration>(1500ms, disk.sync_least);
    later(time, [&disk] {
      disk.sync_least = DiskFaults{}.sync_least;
      disk.sync_most = DiskFaults{}.sync_most;
    });
  } else if (kind == FaultKind::failing_disk) {
    tell(node.name() + " has a failing disk" + for_time);
    disk.write_error = disk.sync_error = 0.05;
    later(time, [&disk] { disk.write_error = disk.sync_error = 0; });
  } else if (kind == FaultKind::full_disk) {
    tell(node.name() + " has a full disk" + for_time);
    disk.capacity_bytes = 0;
    later(time, [&disk] { disk.capacity_bytes = DiskFaults{}.capacity_bytes; });
  } else if (kind == FaultKind::full_map) {
    tell(node.name() + " has a full map" + for_time);
    for (std::uint16_t i = 0; i < node.shards(); ++i) node.table(ShardIndex{i}).set_full(true);
    later(time, [&node] {
      for (std::uint16_t i = 0; i < node.shards(); ++i) node.table(ShardIndex{i}).set_full(false);
    });
  } else {
    history_.has_wrong_clocks = true;
    faults.wall_skew = draw(draws_, -1h, 1h);
    tell(node.name() + " has its clock set by " +
         std::to_string(faults.wall_skew / std::chrono::milliseconds(1)) + " ms");
  }
  return true;
}

/// Of one node only: with one copy of a key gone, the others still hold what W acknowledged.
bool Nemesis::hit_data(FaultKind kind) {
  SimNode& node = *cluster_.nodes()[victim_];
  if (node.is_gone() || !node.is_ready()) return false;
  if (kind == FaultKind::flipped_log) return flip_log(node);
  if (kind == FaultKind::old_snapshot) return restore_later(node);
  if (kind == FaultKind::wipe) return wipe(node);
  return hit_record(kind, node);
}

Damage& Nemesis::note_damage(bool is_silent) {
  auto& damage = note_damage(is_silent, {});
  damage.keys = damage.owned;
  return damage;
}

Damage& Nemesis::note_damage(bool is_silent, std::set<KeyIndex> keys) {
  history_.damages.push_back({.when = cluster_.world().now(),
                              .owned = cluster_.keys_of(*cluster_.nodes()[victim_], history_),
                              .keys = std::move(keys),
                              .is_silent = is_silent});
  return history_.damages.back();
}

std::set<KeyIndex> Nemesis::only_logged(SimNode& node, ShardIndex shard) const {
  std::set<KeyIndex> out;
  const auto table = node.table(shard).snapshot();
  for (const KeyIndex key : cluster_.keys_of(node, history_)) {
    const auto place = cluster_.place_of(history_.keys[key]);
    if (place.partition.value % node.shards() != shard.value) continue;
    const auto held = node.store(place.partition).get(Space::records, place.stored_key);
    const auto kept = table->get(Space::records, place.stored_key);
    if (!held || !kept || *held != *kept) out.insert(key);
  }
  return out;
}

bool Nemesis::hit_record(FaultKind kind, SimNode& node) {
  auto& table = node.table(ShardIndex{static_cast<std::uint16_t>(draws_.below(node.shards()))});
  const auto keys = table.record_keys();
  const auto place = draws_.next();
  const auto bit = draws_.next();
  if (keys.empty()) return false;
  const auto& key = keys[static_cast<std::size_t>(place % keys.size())];
  tell("a record of " + node.name() + (kind == FaultKind::lost_record ? " is lost" : " rots"));
  history_.wrong_trees.insert(node.index());
  std::set<KeyIndex> hit;
  for (const KeyIndex each : cluster_.keys_of(node, history_)) {
    if (cluster_.place_of(history_.keys[each]).stored_key == key) hit.insert(each);
  }
  note_damage(kind == FaultKind::lost_record, std::move(hit));
  if (kind == FaultKind::flipped_record) {
    table.flip(key, bit);
    return true;
  }
  // While it is down: a copy that runs has minted under what it holds.
  kill(node, Crash::process, some_time(10ms, 15s));
  table.lose(key);
  return true;
}

bool Nemesis::flip_log(SimNode& node) {
  constexpr std::string_view prefix = "log-";  // and the shard's number
  auto files = node.disk().files();
  std::erase_if(files, [prefix](const auto& file) {
    return !file.first.starts_with(prefix) || file.second == 0;
  });
  const auto place = draws_.next();
  const auto offset = draws_.next();
  const auto bit = static_cast<unsigned>(draws_.below(8));
  const bool is_killed = draws_.chance(0.7);
  if (files.empty()) return false;
  const auto& [path, bytes] =
      *std::next(files.begin(), static_cast<std::ptrdiff_t>(place % files.size()));
  // Mostly where something is written: near the beginning.
  const auto at = offset % (offset % 3 == 0 ? bytes : std::min<std::uint64_t>(bytes, 4096));
  tell("a bit of " + path + " of " + node.name() + " flips at " + std::to_string(at));
  // Silent if it hits the last batch: one that nothing later says was synced looks like a torn one.
  const ShardIndex shard{static_cast<std::uint16_t>(std::stoul(path.substr(prefix.size())))};
  note_damage(true, only_logged(node, shard));
  flip_ = history_.damages.size() - 1;
  ++flips_;
  if (is_killed) kill(node, Crash::process, some_time(10ms, 15s));
  return node.disk().flip_bit(path, at, bit);
}

/// What a backup of the machine brings back.
bool Nemesis::restore_later(SimNode& node) {
  const Duration age = some_time(500ms, 10s);
  const Duration down = some_time(10ms, 15s);
  later(age, [this, &node, down, number = numbers_, copy = node.copy(),
              copied_at = cluster_.world().now()] {
    if (is_healing_ || node.is_gone()) return;
    tell(node.name() + " is restored from an old copy");
    if (node.is_up()) kill(node, Crash::process, down);
    note_damage(true).since = copied_at;
    node.restore(copy);
    note_strike(number, FaultKind::old_snapshot);
  });
  return false;  // counted once it is done
}

bool Nemesis::wipe(SimNode& node) {
  // Later kinds have something to hit, too.
  if (!draws_.chance(0.3)) return false;
  tell("the data directory of " + node.name() + " is gone");
  kill(node, Crash::process, some_time(10ms, 15s));
  note_damage(false);
  history_.wiped_at = cluster_.world().now();
  node.wipe();
  return true;
}

bool Nemesis::crash(SimNode& node, Crash how) {
  if (!node.is_up()) return false;
  if (how != Crash::process) {
    history_.power_losses.push_back({.when = cluster_.world().now(), .node = node.index()});
  }
  kill(node, how, some_time(10ms, 15s));
  return true;
}

void Nemesis::kill(SimNode& node, Crash how, Duration down) {
  cluster_.disturb(node.index(), cluster_.world().now());
  node.crash(how);
  start_later(node, down);
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

bool Nemesis::change_links(const Change& change, const Change& back, bool with_clients,
                           Duration time) {
  auto& world = cluster_.world();
  const double share = draws_.unit();
  std::vector<std::pair<NodeIndex, NodeIndex>> links;
  for (const auto& a : cluster_.nodes()) {
    for (const auto& b : cluster_.nodes()) {
      if (a != b && draws_.chance(share)) links.emplace_back(a->index(), b->index());
    }
    for (const auto& client : cluster_.clients()) {
      if (!with_clients || !draws_.chance(share)) continue;
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
  return !links.empty();
}

}  // namespace coterie::sim
