#include "client/admin_tool/transfer_views.h"

#include <cstdint>

#include <nlohmann/json.hpp>

#include "client/admin_tool/fields.h"
#include "client/admin_tool/table.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

std::string what_blocks(const Json& target) {
  const auto state = target.at("state").get<std::string>();
  const auto why = target.at("why").get<std::string>();
  if (state == "replaying") return "";
  return why.empty() ? state : state + ": " + why;
}

std::string handoff_text(const Json& merged, bool use_color) {
  Table table({{"source"},
               {"target"},
               {"kind"},
               {"hints", true},
               {"bytes", true},
               {"oldest", true},
               {"rate", true},
               {"what blocks"}});
  std::uint64_t hints = 0;
  std::uint64_t needs_repair = 0;
  bool is_paused = false;
  for (const auto& node : merged.at("nodes")) {
    needs_repair += number(node, "needs_repair");
    is_paused = is_paused || node.at("paused").get<bool>();
    for (const auto& target : node.at("targets")) {
      hints += number(target, "hints");
      table.add({{node.at("name").get<std::string>()},
                 {target.at("name").get<std::string>()},
                 {target.at("kind").get<std::string>()},
                 {with_commas(number(target, "hints"))},
                 {bytes_text(number(target, "bytes"))},
                 {seconds_text(number(target, "oldest_s"))},
                 {with_commas(number(target, "hints_a_second")) + "/s"},
                 {what_blocks(target), Color::warning}});
    }
  }
  std::string out;
  if (hints > 0) {
    out = table.text(use_color);
  } else {
    out = "no hints: nothing is known that an owner missed\n";
  }
  if (is_paused) out += "\nreplay is paused; go on: cluster-admin handoff resume\n";
  if (needs_repair > 0) {
    out += "\n" + with_commas(needs_repair) +
           " times an owner lacks what no hint tells of any more in a partition: marked as needing "
           "repair\n";
  }
  return out;
}

}  // namespace

std::string merge_answers(const std::vector<NodeAnswer>& answers) {
  Json out = {{"format", 1}, {"nodes", Json::array()}, {"silent", Json::array()}};
  for (const auto& [id, answer] : answers) {
    auto document = answer ? Json::parse(answer->body, nullptr, false) : Json();
    if (answer && answer->status == 200 && document.is_object()) {
      out["nodes"].push_back(std::move(document));
      continue;
    }
    const auto why = answer ? error_text(answer->body) : answer.error().message;
    out["silent"].push_back({{"node", id}, {"error", why}});
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string silent_text(const std::string& merged, bool use_color) {
  std::string out;
  const auto document = Json::parse(merged);
  for (const auto& node : document.at("silent")) {
    const auto id = node.at("node").get<std::string>();
    out += painted(id.substr(0, 8) + " does not say: " + node.at("error").get<std::string>(),
                   Color::warning, use_color) +
           "\n";
  }
  return out;
}

Result<Rendered> handoff_view(const std::string& merged, bool use_color) {
  try {
    return Rendered{.text = handoff_text(Json::parse(merged), use_color) +
                            silent_text(merged, use_color)};
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

}  // namespace coterie::admin_tool
