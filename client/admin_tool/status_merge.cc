#include "client/admin_tool/status_merge.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/limits.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t slack_records = 1000;

int rank_of(const std::string& level) {
  constexpr std::array<std::string_view, 4> levels = {"ok", "degraded", "forming", "critical"};
  const auto at = std::ranges::find(levels, level);
  return static_cast<int>(at - levels.begin());
}

/// The entry of `nodes` that a node has of itself.
const Json* own_entry(const Json& status) {
  for (const auto& node : status.at("nodes")) {
    if (node.at("self").get<bool>()) return &node;
  }
  return nullptr;
}

Json* find_node(Json& status, const std::string& id) {
  for (auto& node : status.at("nodes")) {
    if (node.at("id") == id) return &node;
  }
  return nullptr;
}

void add_problem(Json& status, const std::string& level, const char* code, const Json& node,
                 const std::string& text) {
  status["problems"].push_back({{"level", level}, {"code", code}, {"node", node}, {"text", text}});
}

std::int64_t clock_offset(const Json& own, WallTime at) {
  return own.at("report").at("wall_ms").get<std::int64_t>() - at.time_since_epoch().count();
}

/// How the node that gave `theirs` sees the nodes of the merged document.
void add_views(Json& merged, const Json& theirs, const std::string& observer) {
  for (const auto& seen : theirs.at("nodes")) {
    if (seen.at("self").get<bool>()) continue;
    auto* node = find_node(merged, seen.at("id").get<std::string>());
    if (node == nullptr) continue;
    (*node)["seen_by"].push_back({{"id", observer}, {"state", seen.at("state")}});
    if (node->at("state") != "alive" || seen.at("state") == "alive") continue;
    add_problem(merged, "degraded", "views_differ", node->at("id"),
                "node " + node->at("name").get<std::string>() + " is " +
                    seen.at("state").get<std::string>() + " to node " + observer.substr(0, 8) +
                    " and alive to the node asked; check the network between the two");
  }
}

void add_answer(Json& merged, const std::string& id, const Fetched& fetched,
                std::int64_t asked_offset) {
  const Json theirs = Json::parse(fetched.body);
  const Json* own = own_entry(theirs);
  auto* node = find_node(merged, id);
  if (own == nullptr || node == nullptr) return;
  if (own->at("id") != id) {
    (*node)["report_error"] = "another node answers at its admin address";
    return;
  }
  (*node)["report"] = own->at("report");
  const std::int64_t skew = clock_offset(*own, fetched.at) - asked_offset;
  (*node)["clock_skew_ms"] = skew;
  if (std::chrono::milliseconds(std::abs(skew)) > limits::max_clock_skew) {
    add_problem(merged, "degraded", "clock_skew", id,
                "node " + id.substr(0, 8) + "'s clock is " + std::to_string(std::abs(skew)) +
                    " ms " + (skew > 0 ? "ahead of" : "behind") +
                    " the asked node's; set both by NTP");
  }
  for (const auto& problem : theirs.at("problems")) {
    if (problem.at("node") == id) merged["problems"].push_back(problem);
  }
  add_views(merged, theirs, id);
}

/// Where every node owns every partition, their records can be compared: who holds clearly less has
/// missed writes. The answers are of different moments, so that writers leave some slack.
void find_lagging(Json& merged) {
  const auto& partitions = merged.at("partitions");
  if (partitions.is_null()) return;
  std::uint64_t most = 0;
  for (const auto& node : merged.at("nodes")) {
    if (node.at("report").is_null() || !node.at("member").get<bool>()) continue;
    if (node.at("partitions") != partitions.at("total")) return;
    most = std::max(most, node.at("report").at("records").get<std::uint64_t>());
  }
  for (const auto& node : merged.at("nodes")) {
    if (node.at("report").is_null() || !node.at("member").get<bool>()) continue;
    const auto records = node.at("report").at("records").get<std::uint64_t>();
    if (records + most / 20 + slack_records >= most) continue;
    add_problem(merged, "degraded", "copies_behind", node.at("id"),
                "node " + node.at("name").get<std::string>() + " holds " + std::to_string(records) +
                    " of " + std::to_string(most) +
                    " records: it missed writes while it was away; they are sent to it now that it "
                    "is back: cluster-admin handoff shows how far, cluster-admin repair compares "
                    "all copies");
  }
}

void judge_again(Json& merged, std::size_t problems_before) {
  auto& problems = merged["problems"];
  if (problems.size() == problems_before) return;
  std::ranges::stable_sort(problems.get_ref<Json::array_t&>(), [](const Json& a, const Json& b) {
    return rank_of(a.at("level").get<std::string>()) > rank_of(b.at("level").get<std::string>());
  });
  std::string text = problems.front().at("text").get<std::string>();
  const std::size_t more = problems.size() - 1;
  if (more > 0) {
    text += " (and " + std::to_string(more) + " more problem" + (more == 1 ? "" : "s") + ")";
  }
  merged["verdict"] = {{"level", problems.front().at("level")}, {"text", text}};
}

Json merge(const Fetched& asked, const std::vector<OtherAnswer>& others) {
  Json merged = Json::parse(asked.body);
  const std::size_t problems_before = merged.at("problems").size();
  const Json* own = own_entry(merged);
  if (own == nullptr) return merged;
  const std::string asked_id = own->at("id").get<std::string>();
  const std::int64_t offset = clock_offset(*own, asked.at);
  find_node(merged, asked_id)->at("clock_skew_ms") = 0;
  for (auto& node : merged.at("nodes")) {
    if (node.at("id") == asked_id) continue;
    node["seen_by"].push_back({{"id", asked_id}, {"state", node.at("state")}});
  }
  for (const auto& other : others) {
    auto* node = find_node(merged, other.id);
    if (node == nullptr) continue;
    if (!other.answer) {
      (*node)["report_error"] = other.answer.error().message;
      continue;
    }
    try {
      add_answer(merged, other.id, *other.answer, offset);
    } catch (const Json::exception&) {
      (*node)["report_error"] = "its admin door answered something else";
    }
  }
  find_lagging(merged);
  judge_again(merged, problems_before);
  return merged;
}

}  // namespace

Result<std::vector<OtherDoor>> other_doors(const std::string& status) {
  try {
    std::vector<OtherDoor> out;
    const Json document = Json::parse(status);
    for (const auto& node : document.at("nodes")) {
      const auto& door = node.at("addresses").at("admin");
      const auto& state = node.at("state");
      const bool may_answer = state == "alive" || state == "suspect";
      if (node.at("self").get<bool>() || !may_answer || door.is_null()) continue;
      const auto address = Address::parse(door.get<std::string>());
      if (address) out.push_back({node.at("id").get<std::string>(), *address});
    }
    return out;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

Result<std::string> merge_status(const Fetched& asked, const std::vector<OtherAnswer>& others) {
  try {
    return merge(asked, others).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

}  // namespace coterie::admin_tool
