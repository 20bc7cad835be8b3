#include <array>
#include <fstream>

#include "bench/probe.h"
#include "bench/run.h"
#include "bench/systems.h"

namespace coterie::bench {
namespace {

constexpr double coterie_patience_seconds = 60;
constexpr std::size_t coterie_peers = 3;
constexpr std::array doors{"client", "peer", "gossip", "admin"};
constexpr std::size_t client_door = 0;
constexpr std::size_t gossip_door = 2;
constexpr std::size_t admin_door = 3;

std::string address(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

/// The configuration of peer `i`; its ports begin at doors.size() * i.
std::string configuration(const System& system, const Place& place,
                          const std::vector<std::uint16_t>& ports, std::size_t i) {
  const std::string number = std::to_string(i);
  std::string out = "[node]\ndata_directory = \"" + place.directory + "/peer" + number +
                    "\"\nshards = " + std::to_string(place.shards) + "\nzone = \"" + number +
                    "\"\n[doors]\n";
  for (std::size_t door = 0; door < doors.size(); ++door) {
    out.append(doors[door]).append(" = \"");
    out.append(address(ports[doors.size() * i + door])).append("\"\n");
  }
  out += "[cluster]\nname = \"bench\"\nreplicas = 3\ninitial_members = [";
  for (std::size_t peer = 0; peer < coterie_peers; ++peer) {
    out += (peer == 0 ? "\"" : ", \"") + address(ports[doors.size() * peer + gossip_door]) + "\"";
  }
  const bool is_commit = system.name == "coterie-commit";
  return out + "]\n[[bucket]]\nname = \"default\"\ndurability = \"" +
         (is_commit ? "commit" : "interval") + "\"\n";
}

}  // namespace

Result<RunningSystem> start_coterie(const System& system, const Place& place) {
  const auto ports = free_ports(coterie_peers * doors.size());
  if (!ports) return std::unexpected(ports.error());
  RunningSystem running;
  std::vector<Address> seeds;
  for (std::size_t i = 0; i < coterie_peers; ++i) {
    const std::string file = place.directory + "/peer" + std::to_string(i) + ".toml";
    std::ofstream(file) << configuration(system, place, *ports, i);
    auto process = ServerProcess::start({find_program(place.node).value_or(""), "--config", file},
                                        place.directory + "/log-" + std::to_string(i));
    if (!process) return std::unexpected(process.error());
    running.processes.push_back(std::move(*process));
    seeds.push_back({.host = "127.0.0.1", .port = (*ports)[doors.size() * i + client_door]});
  }
  const auto is_ready = [&ports] {
    for (std::size_t i = 0; i < coterie_peers; ++i) {
      if (!http_get((*ports)[doors.size() * i + admin_door], "/healthz")) return false;
    }
    return true;
  };
  if (auto ready = wait_until_ready(running.processes, is_ready, coterie_patience_seconds);
      !ready) {
    return std::unexpected(ready.error());
  }
  running.sessions = [seeds](const Settings& settings, KeySpace& space) {
    Settings own = settings;
    own.seeds = seeds;
    own.bucket = "default";
    return coterie_target(own, space);
  };
  return running;
}

}  // namespace coterie::bench
