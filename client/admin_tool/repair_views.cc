#include "client/admin_tool/repair_views.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "client/admin_tool/fields.h"
#include "client/admin_tool/table.h"
#include "client/admin_tool/transfer_views.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

std::string name_of(const std::string& id) {
  return id.substr(0, 8);
}

void add(RepairProgress& all, const Json& command) {
  if (command.at("ended_ms").is_null()) all.is_over = false;
  all.partitions += number(command, "partitions");
  all.partitions_done += number(command, "partitions_done");
  all.partitions_failed += number(command, "partitions_failed");
  all.differing += number(command, "differing");
  all.repaired += number(command, "repaired");
  all.failed += number(command, "failed");
  all.bytes += number(command, "bytes");
  if (command.at("left_s").is_null()) return;
  all.is_left_known = true;
  all.left_s = std::max(all.left_s, number(command, "left_s"));
}

void add_keys(Table& table, const Json& node) {
  const auto text = [](const Json& object, const char* field) {
    return object.contains(field) && object.at(field).is_string()
               ? object.at(field).get<std::string>()
               : std::string();
  };
  for (const auto& key : node.at("command").at("keys")) {
    table.add(
        {{std::to_string(number(key, "partition"))},
         {node.at("name").get<std::string>() + " " + name_of(key.at("other").get<std::string>())},
         {text(key, "bucket")},
         {text(key, "key")},
         {text(key, "sort_key")}});
  }
}

/// Each node knows of the partitions whose lowest owner it is: together, of all.
std::string verified_text(const Json& merged) {
  std::uint64_t partitions = 0;
  std::uint64_t oldest_ms = 0;
  for (const auto& node : merged.at("nodes")) {
    const auto& verified = node.at("verified");
    partitions += number(verified, "partitions");
    if (verified.at("oldest_ms").is_null()) continue;
    const auto now_ms = number(verified, "now_ms");
    oldest_ms = std::max(oldest_ms, now_ms - std::min(now_ms, number(verified, "oldest_ms")));
  }
  if (partitions == 0) return "verified: no partition's owners have all been seen equal yet\n";
  return "verified: of " + with_commas(partitions) + " partitions all owners were seen equal, of " +
         "the oldest " + seconds_text(oldest_ms / 1000) + " ago\n";
}

Rendered repair_rendered(const Json& merged, bool use_color) {
  RepairProgress all;
  std::string out;
  Table keys({{"partition", true}, {"owners"}, {"bucket"}, {"key"}, {"sort key"}});
  bool has_keys = false;
  bool is_cancelled = false;
  bool is_verify = false;
  for (const auto& node : merged.at("nodes")) {
    const auto& command = node.at("command");
    if (command.is_null()) continue;
    add(all, command);
    is_cancelled = is_cancelled || command.at("cancelled").get<bool>();
    is_verify = is_verify || command.at("action") == "verify";
    const auto failure = command.at("last_failure").get<std::string>();
    if (!failure.empty()) {
      out +=
          painted(node.at("name").get<std::string>() + ": " + failure, Color::warning, use_color) +
          "\n";
    }
    has_keys = has_keys || !command.at("keys").empty();
    add_keys(keys, node);
  }
  if (has_keys) out += keys.text(use_color) + "\n";
  const bool is_well = all.partitions_failed == 0 && all.failed == 0 && !is_cancelled &&
                       (all.differing == 0 || !is_verify) && merged.at("silent").empty();
  out += progress_text(all) + (is_cancelled ? "; cancelled" : "") + "\n";
  out += verified_text(merged);
  if (is_verify && all.differing > 0) out += "to repair it: cluster-admin repair\n";
  return {.text = std::move(out), .is_well = is_well};
}

}  // namespace

Result<RepairProgress> repair_progress(const std::string& merged,
                                       const std::vector<std::string>& ids) {
  try {
    const auto document = Json::parse(merged);
    RepairProgress out{.silent = document.at("silent").size()};
    for (const auto& node : document.at("nodes")) {
      const auto& command = node.at("command");
      const bool is_asked = std::ranges::find(ids, node.at("node").get<std::string>()) != ids.end();
      if (is_asked && !command.is_null()) add(out, command);
    }
    return out;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

std::string progress_text(const RepairProgress& progress) {
  std::string out = with_commas(progress.partitions_done) + " of " +
                    with_commas(progress.partitions) + " pairs of copies compared, " +
                    with_commas(progress.differing) + " keys differ, " +
                    with_commas(progress.repaired) + " repaired";
  if (progress.failed > 0) out += ", " + with_commas(progress.failed) + " failed";
  if (progress.partitions_failed > 0) {
    out += ", " + with_commas(progress.partitions_failed) + " pairs failed";
  }
  out += ", " + bytes_text(progress.bytes);
  if (!progress.is_over && progress.is_left_known) {
    out += ", " + seconds_text(progress.left_s) + " left";
  }
  return out;
}

Result<Rendered> repair_view(const std::string& merged, bool use_color) {
  try {
    auto out = repair_rendered(Json::parse(merged), use_color);
    out.text += silent_text(merged, use_color);
    return out;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

}  // namespace coterie::admin_tool
