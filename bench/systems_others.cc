#include <hiredis.h>
#include <unistd.h>

#include <string>

#include "bench/systems.h"
#include "bench/wire_session.h"

namespace coterie::bench {
namespace {

constexpr double patience_seconds = 30;
constexpr std::size_t peers = 3;
constexpr std::size_t redis_slots = 16384;

std::string text(std::uint16_t port) {
  return std::to_string(port);
}

Address loopback(std::uint16_t port) {
  return {.host = "127.0.0.1", .port = port};
}

/// What a Redis server says to a command; empty where it says nothing.
std::string ask_redis(std::uint16_t port, const std::string& command) {
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  const std::unique_ptr<redisContext, void (*)(redisContext*)> context(
      redisConnectWithTimeout("127.0.0.1", port, patience), redisFree);
  if (!context || context->err != 0) return {};
  redisSetTimeout(context.get(), patience);
  // The command has no percent sign, which would be a format.
  void* const raw = redisCommand(context.get(), command.c_str());
  const std::unique_ptr<redisReply, void (*)(redisReply*)> reply(
      static_cast<redisReply*>(raw), [](redisReply* each) { freeReplyObject(each); });
  return reply && reply->str != nullptr ? std::string(reply->str, reply->len) : std::string();
}

std::function<MakeSession(const Settings&, KeySpace&)> sessions_to(WireTarget target) {
  return [target = std::move(target)](const Settings& settings, KeySpace& space) mutable {
    target.deadline = settings.deadline;
    return wire_sessions(target, space);
  };
}

/// Starts one more process of the system, its log in the place's directory.
Result<void> add_process(RunningSystem& running, const System& system, const Place& place,
                         const std::vector<std::string>& options) {
  std::vector<std::string> command{find_program(std::string(system.program)).value_or("")};
  command.insert(command.end(), options.begin(), options.end());
  const std::string number = std::to_string(running.processes.size());
  auto process = ServerProcess::start(command, place.directory + "/log-" + number);
  if (!process) return std::unexpected(process.error());
  running.processes.push_back(std::move(*process));
  return {};
}

Result<RunningSystem> when_ready(RunningSystem running, const std::function<bool()>& is_ready) {
  if (auto ready = wait_until_ready(running.processes, is_ready, patience_seconds); !ready) {
    return std::unexpected(ready.error());
  }
  return running;
}

}  // namespace

Result<RunningSystem> start_redis(const System& system, const Place& place) {
  const auto ports = free_ports(1);
  if (!ports) return std::unexpected(ports.error());
  const std::uint16_t port = ports->front();
  std::vector<std::string> options{"--port", text(port),      "--bind", "127.0.0.1",
                                   "--dir",  place.directory, "--save", ""};
  if (system.name != "redis") {
    const char* const sync = system.name == "redis-always" ? "always" : "everysec";
    // Rewriting its file would fall into the time that is measured.
    options.insert(options.end(), {"--appendonly", "yes", "--appendfsync", sync,
                                   "--auto-aof-rewrite-percentage", "0"});
  }
  RunningSystem running;
  if (auto added = add_process(running, system, place, options); !added) {
    return std::unexpected(added.error());
  }
  running.sessions =
      sessions_to({.servers = {loopback(port)}, .make_protocol = resp_protocol, .route = {}});
  return when_ready(std::move(running), [port] { return ask_redis(port, "PING") == "PONG"; });
}

Result<RunningSystem> start_redis_cluster(const System& system, const Place& place) {
  const auto ports = free_ports(2 * peers);
  if (!ports) return std::unexpected(ports.error());
  RunningSystem running;
  WireTarget target{.servers = {}, .make_protocol = resp_protocol, .route = {}};
  for (std::size_t i = 0; i < peers; ++i) {
    const std::uint16_t port = (*ports)[i];
    target.servers.push_back(loopback(port));
    auto added = add_process(
        running, system, place,
        {"--port", text(port), "--bind", "127.0.0.1", "--dir", place.directory, "--save", "",
         "--cluster-enabled", "yes", "--cluster-port", text((*ports)[peers + i]),
         "--cluster-config-file", "nodes-" + std::to_string(i) + ".conf"});
    if (!added) return std::unexpected(added.error());
    const auto is_up = [port] { return ask_redis(port, "PING") == "PONG"; };
    if (auto up = wait_until_ready(running.processes, is_up, patience_seconds); !up) {
      return std::unexpected(up.error());
    }
    ask_redis(port, "CLUSTER ADDSLOTSRANGE " + std::to_string(i * redis_slots / peers) + " " +
                        std::to_string((i + 1) * redis_slots / peers - 1));
    ask_redis(ports->front(),
              "CLUSTER MEET 127.0.0.1 " + text(port) + " " + text((*ports)[peers + i]));
  }
  target.route = [](std::string_view key) {
    std::size_t server = 0;
    while (redis_slot(key) >= (server + 1) * redis_slots / peers) ++server;
    return server;
  };
  running.sessions = sessions_to(std::move(target));
  return when_ready(std::move(running), [&ports] {
    for (std::size_t i = 0; i < peers; ++i) {
      const std::string info = ask_redis((*ports)[i], "CLUSTER INFO");
      if (!info.contains("cluster_state:ok") || !info.contains("cluster_known_nodes:3")) {
        return false;
      }
    }
    return true;
  });
}

Result<RunningSystem> start_memcached(const System& system, const Place& place) {
  const auto ports = free_ports(1);
  if (!ports) return std::unexpected(ports.error());
  const std::uint16_t port = ports->front();
  RunningSystem running;
  // Debian's takes 64 MB and would forget records beyond that.
  std::vector<std::string> options{"-p", text(port), "-l",   "127.0.0.1", "-U",
                                   "0",  "-m",       "4096", "-c",        "20000"};
  if (::geteuid() == 0) options.insert(options.end(), {"-u", "root"});
  if (auto added = add_process(running, system, place, options); !added) {
    return std::unexpected(added.error());
  }
  running.sessions =
      sessions_to({.servers = {loopback(port)}, .make_protocol = memcache_protocol, .route = {}});
  return when_ready(std::move(running), [port] { return accepts(port); });
}

Result<RunningSystem> start_etcd(const System& system, const Place& place) {
  const auto ports = free_ports(2 * peers);
  if (!ports) return std::unexpected(ports.error());
  const auto url = [&](std::size_t index) { return "http://127.0.0.1:" + text((*ports)[index]); };
  std::string members;
  for (std::size_t i = 0; i < peers; ++i) {
    members += (i == 0 ? "peer" : ",peer") + std::to_string(i) + "=" + url(peers + i);
  }
  RunningSystem running;
  WireTarget target{.servers = {}, .make_protocol = etcd_protocol, .route = {}};
  for (std::size_t i = 0; i < peers; ++i) {
    target.servers.push_back(loopback((*ports)[i]));
    const std::string name = "peer" + std::to_string(i);
    auto added = add_process(running, system, place,
                             {"--name",
                              name,
                              "--data-dir",
                              place.directory + "/" + name,
                              "--listen-client-urls",
                              url(i),
                              "--advertise-client-urls",
                              url(i),
                              "--listen-peer-urls",
                              url(peers + i),
                              "--initial-advertise-peer-urls",
                              url(peers + i),
                              "--initial-cluster",
                              members,
                              "--initial-cluster-state",
                              "new",
                              "--logger",
                              "zap",
                              "--log-level",
                              "error",
                              "--quota-backend-bytes",
                              "8000000000"});
    if (!added) return std::unexpected(added.error());
  }
  running.sessions = sessions_to(std::move(target));
  return when_ready(std::move(running), [&ports] {
    for (std::size_t i = 0; i < peers; ++i) {
      if (!http_get((*ports)[i], "/health").value_or("").contains("true")) return false;
    }
    return true;
  });
}

}  // namespace coterie::bench
