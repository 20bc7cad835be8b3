#include "client/admin_tool/scrub_command.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "client/admin_tool/fields.h"
#include "client/admin_tool/table.h"
#include "client/admin_tool/transfer_views.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

std::string state_of(const Json& node) {
  const auto& walk = node.at("walk");
  if (!walk.is_null()) {
    std::string out = with_commas(number(walk, "partitions_done")) + " of " +
                      with_commas(number(walk, "partitions")) + " partitions";
    if (!walk.at("left_s").is_null()) out += ", " + seconds_text(number(walk, "left_s")) + " left";
    return out;
  }
  const auto& last = node.at("last");
  if (last.is_null()) return "never";
  const auto ago = node.at("now_ms").get<std::int64_t>() - last.at("ended_ms").get<std::int64_t>();
  return "ended " +
         seconds_text(static_cast<std::uint64_t>(std::max<std::int64_t>(0, ago / 1000))) + " ago";
}

Cell bad(std::uint64_t count) {
  return {with_commas(count), count > 0 ? Color::warning : Color::none};
}

Rendered scrub_rendered(const Json& merged, bool use_color) {
  Table table({{"node"},
               {"scrub"},
               {"records", true},
               {"read", true},
               {"bad records", true},
               {"trees mended", true},
               {"unreadable", true},
               {"waiting", true}});
  Rendered out;
  std::string troubles;
  for (const auto& node : merged.at("nodes")) {
    const auto& name = node.at("name").get<std::string>();
    const auto& found = node.at("walk").is_null() ? node.at("last") : node.at("walk");
    const auto of = [&found](const char* field) {
      return found.is_null() ? std::uint64_t{0} : number(found, field);
    };
    const auto waiting = number(node, "damaged_waiting");
    table.add({{name},
               {state_of(node)},
               {with_commas(of("records"))},
               {bytes_text(of("bytes"))},
               bad(of("damaged")),
               bad(of("leaves_wrong")),
               bad(of("unreadable")),
               bad(waiting)});
    const bool is_well = of("damaged") + of("leaves_wrong") + of("unreadable") + waiting == 0;
    out.is_well = out.is_well && is_well;
    const auto trouble = node.at("last_trouble").get<std::string>();
    if (!is_well && !trouble.empty()) {
      troubles.append(name).append(": ").append(trouble).append("\n");
    }
  }
  out.text = table.text(use_color) + (troubles.empty() ? "" : "\n" + troubles);
  out.is_well = out.is_well && merged.at("silent").empty();
  return out;
}

/// Only the node that options.target names, if it names one.
std::expected<Members, int> asked_members(const Options& options) {
  auto members = members_of(options);
  if (!members || options.target.empty()) return members;
  const auto id = member_named(*members, options.target);
  if (!id) return std::unexpected(id.error());
  const auto at = std::ranges::find(members->ids, *id);
  if (at == members->ids.end()) {
    return std::unexpected(complain(exit_unreachable, id->substr(0, 8) + " is not alive"));
  }
  const Address door = members->doors[static_cast<std::size_t>(at - members->ids.begin())];
  members->ids = {*id};
  members->doors = {door};
  return members;
}

}  // namespace

Result<Rendered> scrub_view(const std::string& merged, bool use_color) {
  try {
    auto out = scrub_rendered(Json::parse(merged), use_color);
    out.text += silent_text(merged, use_color);
    return out;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

Result<Progress> scrub_progress(const std::string& merged, const std::vector<std::string>& ids) {
  try {
    const auto document = Json::parse(merged);
    Progress out{.silent = document.at("silent").size()};
    for (const auto& node : document.at("nodes")) {
      const bool is_asked = std::ranges::find(ids, node.at("node").get<std::string>()) != ids.end();
      if (is_asked && !node.at("walk").is_null()) out.is_over = false;
      if (!out.line.empty()) out.line += "; ";
      out.line += node.at("name").get<std::string>();
      out.line += ' ';
      out.line += state_of(node);
    }
    return out;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

int run_scrub(const Options& options) {
  if (options.is_status && options.is_cancel) {
    return usage_error("scrub takes --status or --cancel, not both");
  }
  const auto members = asked_members(options);
  if (!members) return members.error();
  if (options.is_status) return show(options, answers_of(*members, "/v1/scrub"), scrub_view);
  if (options.is_cancel) {
    const auto told = tell(*members, "/v1/scrub", R"({"action":"cancel"})", "shards");
    if (told.code != exit_well) return told.code;
    std::printf("%s\n", told.sum > 0 ? "it ends" : "none is going on");
    return exit_well;
  }
  const auto told = tell(*members, "/v1/scrub", R"({"action":"scrub"})", "shards");
  if (told.code != exit_well) return told.code;
  const auto merged = wait_for_end(
      options, *members, "/v1/scrub",
      [&told](const std::string& answers) { return scrub_progress(answers, told.ids); });
  return merged ? show(options, *merged, scrub_view) : merged.error();
}

}  // namespace coterie::admin_tool
