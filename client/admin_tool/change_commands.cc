#include "client/admin_tool/change_commands.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "client/admin_tool/plan_views.h"
#include "client/admin_tool/removal.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* changes_path = "/v1/changes";

PlanLook look_of(const Options& options) {
  return {.use_color = isatty(STDOUT_FILENO) == 1,
          .with_all = options.with_all,
          .again = again(options)};
}

std::expected<Address, int> door_of(const Options& options) {
  auto door = Address::parse(options.node);
  if (door) return *std::move(door);
  return std::unexpected(usage_error("--node: " + door.error().message));
}

/// Tells the asked node; its /v1/changes afterwards.
std::expected<std::string, int> tell_changes(const Options& options, const Json& order) {
  const auto door = door_of(options);
  if (!door) return std::unexpected(door.error());
  return tell_one(*door, changes_path, order.dump());
}

void say(const Options& options, const std::string& text) {
  if (!options.json) std::printf("%s\n", text.c_str());
}

/// The fields that say what is staged. Whether a number is one is the node's to say.
void add_fields(const Options& options, Json& order) {
  if (!options.address.empty()) order["address"] = options.address;
  if (!options.weight.empty()) order["weight"] = options.weight;
  if (!options.zone.empty()) order["zone"] = options.zone;
  if (options.is_dead) order["dead"] = true;
  if (options.is_forced) order["force"] = true;
}

std::vector<std::uint64_t> changes_in(const Json& document) {
  std::vector<std::uint64_t> out;
  for (const auto& change : document.at("changes")) {
    out.push_back(change.at("change").get<std::uint64_t>());
  }
  return out;
}

int commit(const Options& options, const std::string& hash) {
  Json order = {{"action", "commit"}, {"hash", hash}};
  if (options.is_forced) order["force"] = true;
  const auto answer = tell_changes(options, order);
  if (!answer) return answer.error();
  if (options.json) {
    std::printf("%s", answer->c_str());
    return exit_well;
  }
  const Json document = Json::parse(*answer, nullptr, false);
  const bool has_begun =
      document.is_object() && document.contains("begun") && document["begun"].is_number_unsigned();
  if (!has_begun) {
    say(options, "committed; no partition had to move, it is done");
  } else {
    say(options, "committed: change " + document["begun"].dump() +
                     " has begun; how far it is: cluster-admin transfers --watch" + again(options));
  }
  return exit_well;
}

/// For --yes: what was staged just now is all there is, and nothing speaks against it.
int commit_staged(const Options& options, const std::string& document) {
  const Json known = Json::parse(document, nullptr, false);
  auto look = look_of(options);
  look.is_begun_now = known.is_object() && known.contains("staged") && known["staged"].size() == 1;
  const auto view = plan_view(document, look);
  if (!view) return show(options, document, view);
  if (!options.json) std::fputs(view->text.c_str(), stdout);
  std::fflush(stdout);
  const Json json = Json::parse(document);
  if (json.at("staged").size() > 1) {
    return complain(exit_degraded,
                    "other changes were staged there before: look at the plan, then commit it");
  }
  if (json.at("plan").is_null() || (!view->is_well && !options.is_forced)) {
    return complain(exit_degraded, "it is staged, and was not begun");
  }
  return commit(options, json.at("plan").at("hash").get<std::string>());
}

std::expected<std::string, int> target_of(const Options& options) {
  const auto members = members_of(options);
  if (!members) return std::unexpected(members.error());
  return member_named(*members, options.target);
}

std::optional<std::uint64_t> number_of(const std::string& text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  std::uint64_t out = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return out;
}

/// The change that is meant.
std::expected<std::uint64_t, int> change_of(const Options& options, const std::string& action) {
  if (!options.change.empty()) {
    const auto number = number_of(options.change);
    if (number) return *number;
    return std::unexpected(usage_error("CHANGE should be a change's number, as in transfers"));
  }
  const auto asked = ask(options, changes_path);
  if (!asked) return std::unexpected(asked.error());
  const auto changes = changes_in(Json::parse(asked->body));
  if (changes.size() == 1) return changes.front();
  if (changes.empty()) {
    return std::unexpected(complain(exit_degraded, "no change is under way"));
  }
  std::string all;
  for (const auto change : changes) all += (all.empty() ? "" : ", ") + std::to_string(change);
  return std::unexpected(
      usage_error(action + ": several changes are under way, name one of " + all));
}

}  // namespace

int run_stage(const Options& options, const std::string& what) {
  Json order = {{"action", "stage"}, {"what", what}};
  if (what != "join") {
    const auto node = target_of(options);
    if (!node) return node.error();
    order["node"] = *node;
    if (what == "remove") {
      if (const auto code = confirm_removal(options, *node); code != exit_well) return code;
    }
  }
  add_fields(options, order);
  const auto answer = tell_changes(options, order);
  if (!answer) return answer.error();
  const bool is_at_once = options.is_sure && (what == "join" || what == "leave");
  if (is_at_once) return commit_staged(options, *answer);
  return show(options, *answer, staged_view(*answer, look_of(options)));
}

int run_unstage(const Options& options) {
  const auto node = target_of(options);
  if (!node) return node.error();
  const auto answer = tell_changes(options, {{"action", "unstage"}, {"node", *node}});
  if (!answer) return answer.error();
  return show(options, *answer, staged_view(*answer, look_of(options)));
}

int run_clear(const Options& options) {
  const auto answer = tell_changes(options, {{"action", "clear"}});
  if (!answer) return answer.error();
  return show(options, *answer, staged_view(*answer, look_of(options)));
}

int show_plan(const Options& options) {
  const auto asked = ask(options, changes_path);
  if (!asked) return asked.error();
  return show(options, asked->body, plan_view(asked->body, look_of(options)));
}

int run_commit(const Options& options) {
  return commit(options, options.hash);
}

int run_on_change(const Options& options, const std::string& action) {
  const auto change = change_of(options, action);
  if (!change) return change.error();
  const auto answer = tell_changes(options, {{"action", action}, {"change", *change}});
  if (!answer) return answer.error();
  if (options.json) {
    std::printf("%s", answer->c_str());
    return exit_well;
  }
  const std::string which = "change " + std::to_string(*change);
  if (action == "abort") {
    say(options, which +
                     " is being aborted: its partitions stay with their owners; look at: "
                     "cluster-admin transfers" +
                     again(options));
  } else if (action == "pause") {
    say(options, which + " is paused; go on: cluster-admin resume " + std::to_string(*change) +
                     again(options));
  } else {
    say(options, which + " goes on; look at: cluster-admin transfers" + again(options));
  }
  return exit_well;
}

}  // namespace coterie::admin_tool
