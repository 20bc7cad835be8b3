#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include <nlohmann/json.hpp>

#include "client/admin_tool/change_commands.h"

namespace coterie::admin_tool {
namespace {

constexpr auto drain_look_again = std::chrono::milliseconds(200);
/// A checkpoint of much that was written lately takes a while.
constexpr auto patience = std::chrono::minutes(2);

/// Its door goes with its process.
bool has_stopped(const Address& door) {
  const auto until = std::chrono::steady_clock::now() + patience;
  const bool is_terminal = isatty(STDERR_FILENO) == 1;
  if (is_terminal) std::fprintf(stderr, "finishing what is in progress...");
  bool is_gone = false;
  while (!is_gone && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(drain_look_again);
    is_gone = !fetch(door, "/healthz").has_value();
  }
  if (is_terminal) std::fprintf(stderr, "\r\033[K");
  return is_gone;
}

bool is_member_in(const std::string& status, const std::string& id) {
  const auto document = nlohmann::ordered_json::parse(status);
  return std::ranges::any_of(document.at("nodes"), [&id](const auto& node) {
    return node.at("id") == id && node.at("member").template get<bool>();
  });
}

}  // namespace

int run_drain(const Options& options) {
  const auto members = members_of(options);
  if (!members) return members.error();
  const auto id = member_named(*members, options.target);
  if (!id) return id.error();
  const std::string name = id->substr(0, 8);
  const auto at = std::ranges::find(members->ids, *id);
  if (at == members->ids.end()) {
    return complain(exit_degraded, "node " + name +
                                       " cannot be asked: it is not alive, or has "
                                       "stopped already");
  }
  const Address door = members->doors[static_cast<std::size_t>(at - members->ids.begin())];
  nlohmann::ordered_json order = nlohmann::ordered_json::object();
  if (options.is_forced) order["force"] = true;
  const auto answer = tell_one(door, "/v1/drain", order.dump());
  if (!answer) return answer.error();
  if (!has_stopped(door)) {
    return complain(exit_degraded, "node " + name + " still runs; see its log");
  }
  if (options.json) {
    std::printf("%s", answer->c_str());
    return exit_well;
  }
  if (!is_member_in(members->status, *id)) {
    std::printf("node %s has stopped cleanly; it is no member of the cluster\n", name.c_str());
    return exit_well;
  }
  std::printf(
      "node %s has stopped cleanly; it keeps what it owns, and gets what it missed when\n"
      "coterie-node is started there again. To take it out of the cluster instead, start\n"
      "it, then: cluster-admin leave %s\n",
      name.c_str(), name.c_str());
  return exit_well;
}

}  // namespace coterie::admin_tool
