#include "tests/unit/gossip/experiments.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace coterie::gossip::test {

namespace {

// Until the rumours of the introduction have died down.
constexpr Duration settling = 20s;

void count_events(World& world, const std::vector<bool>& excused, FalseAlarms& alarms,
                  std::optional<std::size_t> not_by = {}) {
  for (const Seen& seen : world.seen()) {
    if (seen.observer == not_by) continue;
    for (std::size_t node = 0; node < world.size(); ++node) {
      if (World::id_of(node) != seen.event.member.id) continue;
      const bool dead = seen.event.kind == EventKind::dead;
      if (excused[node]) {
        if (dead) ++alarms.excused;
        continue;
      }
      if (seen.event.kind == EventKind::suspect) ++alarms.suspicions;
      if (dead) ++alarms.deaths;
    }
  }
  world.seen().clear();
}

}  // namespace

double test_scale() {
  const char* text = std::getenv("COTERIE_TEST_SCALE");
  const std::string_view scale = text == nullptr ? "normal" : text;
  if (scale == "small") return 0.03;
  return scale == "long" ? 5 : 1;
}

std::vector<Duration> crash_times(std::size_t nodes, std::size_t crashes, std::uint64_t seed,
                                  const Network& network, const Settings& settings) {
  World world(nodes, seed, network, settings);
  world.introduce_all();
  world.run_for(settling);
  std::vector<Duration> times;
  while (times.size() < crashes) {
    const auto victim = static_cast<std::size_t>(world.random().below(nodes));
    const auto seed_node = (victim + 1) % nodes;
    world.run_for(Duration(world.random().below(static_cast<std::uint64_t>(Duration(1s).count()))));
    world.seen().clear();
    const Instant crashed = world.now();
    world.crash(victim);
    std::size_t know = 0;
    std::size_t read = 0;
    const auto all_know = [&] {
      for (; read < world.seen().size(); ++read) {
        const Event& event = world.seen()[read].event;
        if (event.kind == EventKind::dead && event.member.id == World::id_of(victim)) ++know;
      }
      return know >= nodes - 1;
    };
    world.run_until(all_know, 60s);
    times.push_back(world.now() - crashed);
    world.restart(victim, {seed_node});
    for (int tries = 0; tries < 600 && !world.all_alive(); ++tries) world.run_for(100ms);
  }
  std::sort(times.begin(), times.end());
  return times;
}

Duration percentile(const std::vector<Duration>& sorted, double share) {
  const double place = std::ceil(share * static_cast<double>(sorted.size())) - 1;
  const auto at = static_cast<std::size_t>(std::max(0.0, place));
  return sorted[std::min(at, sorted.size() - 1)];
}

FalseAlarms watch_healthy(std::size_t nodes, Duration duration, std::uint64_t seed,
                          const Network& network, const Settings& settings) {
  World world(nodes, seed, network, settings);
  world.introduce_all();
  world.run_for(settling);
  world.seen().clear();
  FalseAlarms alarms;
  const std::vector<bool> excused(nodes, false);
  const Instant end = world.now() + duration;
  while (world.now() < end) {
    world.run_for(10s);
    count_events(world, excused, alarms);
  }
  for (std::size_t i = 0; i < nodes; ++i) alarms.declared += world.at(i).counters().deaths_declared;
  alarms.node_hours = std::chrono::duration<double, std::ratio<3600>>(duration).count() *
                      static_cast<double>(nodes);
  alarms.packets = world.packets();
  return alarms;
}

FalseAlarms watch_stalls(std::size_t nodes, Duration duration, std::uint64_t seed,
                         const Stalls& stalls, const Network& network) {
  World world(nodes, seed, network);
  world.introduce_all();
  world.run_for(settling);
  world.seen().clear();
  FalseAlarms alarms;
  const Instant end = world.now() + duration;
  std::size_t first = 0;
  const std::size_t at_once = std::max<std::size_t>(1, nodes / 100);
  while (world.now() < end) {
    std::vector<bool> excused(nodes, false);
    for (std::size_t i = 0; i < at_once; ++i) excused[(first + i) % nodes] = true;
    for (Instant spell_end = world.now() + stalls.spell; world.now() < spell_end;) {
      for (std::size_t i = 0; i < at_once; ++i) world.stall((first + i) % nodes, stalls.blocked);
      world.run_for(stalls.blocked + stalls.open);
    }
    // It may take a moment until all have heard that the stalled are back.
    world.run_for(5s);
    count_events(world, excused, alarms);
    first = (first + at_once) % nodes;
  }
  alarms.node_hours = std::chrono::duration<double, std::ratio<3600>>(duration).count() *
                      static_cast<double>(nodes);
  alarms.packets = world.packets();
  return alarms;
}

FalseAlarms watch_deaf(std::size_t nodes, Duration duration, std::uint64_t seed, Duration spell) {
  World world(nodes, seed);
  world.introduce_all();
  world.run_for(settling);
  world.seen().clear();
  FalseAlarms alarms;
  const Instant end = world.now() + duration;
  for (std::size_t deaf = 0; world.now() < end; deaf = (deaf + 1) % nodes) {
    std::vector<bool> excused(nodes, false);
    excused[deaf] = true;
    world.set_deaf(deaf, true);
    world.run_for(spell);
    world.set_deaf(deaf, false);
    world.run_for(10s);
    count_events(world, excused, alarms, deaf);
  }
  alarms.node_hours = std::chrono::duration<double, std::ratio<3600>>(duration).count() *
                      static_cast<double>(nodes);
  alarms.packets = world.packets();
  return alarms;
}

}  // namespace coterie::gossip::test
