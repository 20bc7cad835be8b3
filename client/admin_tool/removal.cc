#include "client/admin_tool/removal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <set>

#include <nlohmann/json.hpp>

#include "client/admin_tool/table.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

/// How many partitions the node owns, and in how many of them a write may have been acknowledged
/// that nobody who is alive holds.
struct Losses {
  std::uint64_t owned = 0;
  std::uint64_t endangered = 0;
};

Losses losses_of(const Json& ring, const std::set<std::string>& alive, const std::string& node,
                 std::uint64_t smallest_w) {
  Losses out;
  for (const auto& partition : ring.at("partitions")) {
    const auto& owners = partition.at("owners");
    if (std::ranges::find(owners, Json(node)) == owners.end()) continue;
    ++out.owned;
    const auto away = std::ranges::count_if(owners, [&](const Json& owner) {
      const auto id = owner.get<std::string>();
      return id == node || !alive.contains(id);
    });
    if (static_cast<std::uint64_t>(away) >= smallest_w) ++out.endangered;
  }
  return out;
}

std::string state_in(const std::string& status, const std::string& node) {
  const Json document = Json::parse(status, nullptr, false);
  if (!document.is_object() || !document.contains("nodes")) return "";
  for (const auto& each : document.at("nodes")) {
    if (each.value("id", "") == node) return each.value("state", "");
  }
  return "";
}

}  // namespace

Result<std::string> removal_text(const std::string& status, const std::string& ring,
                                 const std::string& node) {
  try {
    const Json seen = Json::parse(status);
    const Json document = Json::parse(ring);
    std::set<std::string> alive;
    std::string zone;
    for (const auto& each : seen.at("nodes")) {
      const auto id = each.at("id").get<std::string>();
      if (each.at("state") == "alive") alive.insert(id);
      if (id == node) zone = each.at("zone").get<std::string>();
    }
    std::uint64_t smallest_w = document.at("cluster").at("replicas").get<std::uint64_t>();
    std::string buckets;
    for (const auto& bucket : document.at("buckets")) {
      smallest_w = std::min(smallest_w, bucket.at("w").get<std::uint64_t>());
    }
    for (const auto& bucket : document.at("buckets")) {
      if (bucket.at("w").get<std::uint64_t>() != smallest_w) continue;
      buckets += (buckets.empty() ? "" : ", ") + bucket.at("name").get<std::string>();
    }
    const auto losses = losses_of(document, alive, node, smallest_w);
    const std::string name = node.substr(0, 8);
    std::string out = "To remove node " + name + " (zone " + zone +
                      ") is to take it for dead, for good. With it go:\n"
                      "  - its copies of " +
                      partitions_text(losses.owned) +
                      "; others get them, from the owners that are left\n"
                      "  - the hints that it keeps for others\n";
    if (losses.endangered > 0) {
      out += "  - acknowledged writes, in up to " + partitions_text(losses.endangered) +
             ": those that no owner holds who is\n    alive (bucket " + buckets +
             ", w=" + std::to_string(smallest_w) + "). They are LOST.\n";
    } else {
      out += "No acknowledged write goes: each is held by an owner who is alive.\n";
    }
    return out +
           "It must never be started again with its data directory: it would be refused.\n"
           "If it may come back, wait for it instead.\n";
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

int confirm_removal(const Options& options, const std::string& node) {
  const auto status = ask(options, "/v1/status");
  if (!status) return status.error();
  const auto state = state_in(status->body, node);
  if (state == "alive" || state == "suspect") {
    return complain(
        exit_degraded,
        "node " + node.substr(0, 8) + " is " + state + ", and only dead nodes are removed" +
            (state == "alive" ? "; to have it hand over what it holds: cluster-admin leave"
                              : "; whether it is dead is decided within seconds"));
  }
  const auto ring = ask(options, "/v1/ring");
  if (!ring) return ring.error();
  const auto text = removal_text(status->body, ring->body, node);
  if (!text) return complain(exit_unreachable, text.error().message);
  std::fputs(text->c_str(), stderr);
  if (options.is_sure) return exit_well;
  const std::string name = node.substr(0, 8);
  if (isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0) {
    return complain(exit_usage, "if that is what you want, add --yes");
  }
  std::fprintf(stderr, "Type its name (%s) to go on: ", name.c_str());
  std::string typed;
  std::getline(std::cin, typed);
  return typed == name ? exit_well : complain(exit_degraded, "nothing was done");
}

}  // namespace coterie::admin_tool
