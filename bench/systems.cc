#include "bench/systems.h"

#include <algorithm>

namespace coterie::bench {

RunningSystem::~RunningSystem() {
  for (const auto& process : processes) process->ask_to_end();
}

std::vector<int> RunningSystem::pids() const {
  std::vector<int> out;
  for (const auto& process : processes) out.push_back(process->pid());
  return out;
}

const std::vector<System>& all_systems() {
  static const std::vector<System> systems{
      {.name = "redis",
       .title = "Redis, one copy, in memory",
       .program = "redis-server",
       .package = "redis-server",
       .start = start_redis},
      {.name = "redis-everysec",
       .title = "Redis, one copy, synced every second",
       .program = "redis-server",
       .package = "redis-server",
       .start = start_redis},
      {.name = "redis-always",
       .title = "Redis, one copy, synced before each answer",
       .program = "redis-server",
       .package = "redis-server",
       .start = start_redis},
      {.name = "redis-cluster",
       .title = "Redis cluster, three masters, one copy, in memory",
       .program = "redis-server",
       .package = "redis-server",
       .start = start_redis_cluster},
      {.name = "memcached",
       .title = "memcached, one copy, in memory",
       .program = "memcached",
       .package = "memcached",
       .start = start_memcached},
      {.name = "etcd",
       .title = "etcd, three peers, Raft, synced, by its HTTP gateway",
       .program = "etcd",
       .package = "etcd-server",
       .has_pipeline = false,
       .start = start_etcd},
      {.name = "coterie-interval",
       .title = "Coterie, three peers, quorum, synced at most 100 ms later",
       .program = "coterie-node",
       .package = "",
       .start = start_coterie},
      {.name = "coterie-commit",
       .title = "Coterie, three peers, quorum, synced before each answer",
       .program = "coterie-node",
       .package = "",
       .start = start_coterie},
  };
  return systems;
}

Result<std::vector<System>> systems_named(std::string_view names) {
  const auto is_meant = [](std::string_view name, const System& system) {
    return name == "all" || name == system.name ||
           (name == "coterie" && system.name.starts_with("coterie-")) ||
           (name == "redis-aof" &&
            (system.name == "redis-everysec" || system.name == "redis-always"));
  };
  std::vector<System> chosen;
  while (!names.empty()) {
    const auto end = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, end);
    names.remove_prefix(std::min(end + 1, names.size()));
    bool is_known = false;
    for (const System& system : all_systems()) {
      if (!is_meant(name, system)) continue;
      is_known = true;
      if (std::ranges::find(chosen, system.name, &System::name) == chosen.end()) {
        chosen.push_back(system);
      }
    }
    if (is_known) continue;
    std::string known;
    for (const System& system : all_systems()) known.append(" ").append(system.name);
    return fail(ErrorCode::invalid_argument,
                "there is no system \"" + std::string(name) + "\"; there are" + known +
                    ", redis-aof (two of them), coterie (two) and all");
  }
  return chosen;
}

std::string why_not(const System& system, const Place& place) {
  const bool is_ours = system.package.empty();
  const std::string program = is_ours ? place.node : std::string(system.program);
  if (find_program(program)) return {};
  if (is_ours) return program + " is not there; build it, or name it with --node";
  return program + " is not installed; apt-get install " + std::string(system.package);
}

}  // namespace coterie::bench
