#include "client/admin_tool/talk.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/admin_tool/plan_views.h"
#include "client/admin_tool/status_merge.h"
#include "client/admin_tool/transfer_views.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

int unreachable(const Options& options, const std::string& why) {
  return complain(
      exit_unreachable,
      "cannot ask " + options.node + ": " + why +
          "\nCheck that coterie-node runs there and that this is its doors.admin: see its "
          "configuration file, or its log."
          "\nAny node will do: cluster-admin status --node HOST:PORT (or set COTERIE_ADMIN)");
}

int not_understood(const Options& options, const std::string& why) {
  return complain(exit_unreachable, options.node +
                                        " answered what this cluster-admin does not understand (" +
                                        why + "); is it a doors.admin of the same version?");
}

std::vector<NodeAnswer> named(const Members& members, std::vector<Result<Fetched>> answers) {
  std::vector<NodeAnswer> out;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    out.push_back({members.ids[i], std::move(answers[i])});
  }
  return out;
}

}  // namespace

int complain(int code, const std::string& text) {
  std::fprintf(stderr, "cluster-admin: %s\n", text.c_str());
  return code;
}

int usage_error(const std::string& text) {
  return complain(exit_usage, text + "\ntry: cluster-admin --help");
}

std::expected<Fetched, int> ask(const Options& options, const std::string& path) {
  const auto door = Address::parse(options.node);
  if (!door) return std::unexpected(usage_error("--node: " + door.error().message));
  auto fetched = fetch(*door, path);
  if (!fetched) return std::unexpected(unreachable(options, fetched.error().message));
  if (fetched->status == 200) return *std::move(fetched);
  const std::string words = error_text(fetched->body);
  if (fetched->status == 400 || fetched->status == 404) {
    return std::unexpected(complain(exit_usage, words));
  }
  return std::unexpected(
      complain(exit_unreachable, "the node at " + options.node + " cannot answer now: " + words +
                                     "\nlook at: cluster-admin status --node " + options.node));
}

std::string again(const Options& options) {
  return options.node == options.usual_node ? "" : " --node " + options.node;
}

std::expected<std::string, int> tell_one(const Address& door, const std::string& path,
                                         const std::string& order) {
  const auto answer = post_patiently(door, path, order);
  if (!answer) {
    return std::unexpected(
        complain(exit_unreachable, "cannot ask " + door.text() + ": " + answer.error().message +
                                       "\nIf it took the order, it may yet be done; look at: "
                                       "cluster-admin plan, and cluster-admin transfers"));
  }
  if (answer->status == 200) return answer->body;
  const bool is_usage = answer->status == 400 || answer->status == 404;
  return std::unexpected(
      complain(is_usage ? exit_usage : exit_degraded, with_short_ids(error_text(answer->body))));
}

int show(const Options& options, const std::string& document, View view) {
  return show(options, document, view(document, isatty(STDOUT_FILENO) == 1));
}

int show(const Options& options, const std::string& document, const Result<Rendered>& rendered) {
  if (!rendered) return not_understood(options, rendered.error().message);
  const std::string& text = options.json ? document : rendered->text;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  return rendered->is_well ? exit_well : exit_degraded;
}

std::expected<Members, int> members_of(const Options& options) {
  const auto asked = ask(options, "/v1/status");
  if (!asked) return std::unexpected(asked.error());
  const auto others = other_doors(asked->body);
  if (!others) return std::unexpected(not_understood(options, others.error().message));
  Members out{.status = asked->body, .ids = {}, .doors = {}};
  const auto document = Json::parse(asked->body);
  for (const auto& node : document.at("nodes")) {
    if (node.at("self").get<bool>()) out.ids.push_back(node.at("id").get<std::string>());
  }
  out.ids.resize(1);
  out.doors.push_back(*Address::parse(options.node));
  for (const auto& other : *others) {
    out.ids.push_back(other.id);
    out.doors.push_back(other.door);
  }
  return out;
}

std::expected<std::string, int> member_named(const Members& members, const std::string& text) {
  const auto document = Json::parse(members.status);
  std::vector<std::string> found;
  std::string all;
  for (const auto& node : document.at("nodes")) {
    const auto id = node.at("id").get<std::string>();
    all += (all.empty() ? "" : ", ") + id.substr(0, 8);
    const bool is_at = std::ranges::any_of(node.at("addresses"), [&text](const Json& address) {
      return address.is_string() && address.get<std::string>() == text;
    });
    if (!text.empty() && (id.starts_with(text) || is_at)) found.push_back(id);
  }
  if (found.size() == 1) return found.front();
  return std::unexpected(usage_error(
      (found.empty() ? "no node's id begins with \"" + text + "\", and none is at such an address"
                     : "several nodes' ids begin with \"" + text + "\"") +
      "; there are: " + all));
}

std::string answers_of(const Members& members, const std::string& path) {
  return merge_answers(named(members, fetch_all(members.doors, path)));
}

Told tell(const Members& members, const std::string& path, const std::string& order,
          const std::string& what) {
  Told out;
  for (const auto& [id, answer] : named(members, post_all(members.doors, path, order))) {
    const auto document = answer ? Json::parse(answer->body, nullptr, false) : Json();
    if (answer && answer->status == 200 && document.is_object() && document.contains(what)) {
      const auto count = document.at(what).get<std::uint64_t>();
      out.sum += count;
      if (count > 0) out.ids.push_back(id);
      continue;
    }
    const bool is_usage = answer && (answer->status == 400 || answer->status == 404);
    out.code = complain(is_usage ? exit_usage : exit_degraded,
                        id.substr(0, 8) + " did not do it: " +
                            (answer ? error_text(answer->body) : answer.error().message));
    if (is_usage) break;  // the others would say the same
  }
  return out;
}

}  // namespace coterie::admin_tool
