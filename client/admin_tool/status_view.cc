#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>

#include <nlohmann/json.hpp>

#include "client/admin_tool/table.h"
#include "client/admin_tool/views.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

Color color_of_level(const std::string& level) {
  if (level == "ok") return Color::good;
  return level == "critical" ? Color::bad : Color::warning;
}

Color color_of_state(const std::string& state) {
  if (state == "alive") return Color::good;
  return state == "suspect" ? Color::warning : Color::bad;
}

std::string any_of(const Json& number, const char* thing) {
  const auto value = number.get<std::uint64_t>();
  if (value == 0) return std::string("no ") + thing;
  return "any " + with_commas(value) + " " + thing + (value == 1 ? "" : "s");
}

std::string headline(const Json& status, bool use_color) {
  const auto& verdict = status.at("verdict");
  const auto level = verdict.at("level").get<std::string>();
  // "forming" would not be true of a node that waits to be joined; the text says which it is.
  const bool is_named = level != "ok" && level != "forming";
  const std::string words = (is_named ? level + ": " : "") + verdict.at("text").get<std::string>();
  std::string out = painted(words, color_of_level(level), use_color) + "\n";
  const auto& problems = status.at("problems");
  if (problems.size() < 2) return out;
  for (const auto& problem : problems) {
    out += "  - " + problem.at("text").get<std::string>() + "\n";
  }
  return out;
}

std::string state_of(const Json& status, const std::string& id) {
  for (const auto& node : status.at("nodes")) {
    if (node.at("id") != id) continue;
    const auto state = node.at("state").get<std::string>();
    return state == "left" ? "stopped" : state;
  }
  return "not a member";
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

/// Which partitions stand the fewest more failures, for want of whom; nothing if none is missing.
std::string thin_lines(const Json& partitions) {
  const auto thin = partitions.value("thin", Json());  // an older build does not tell
  if (thin.is_null()) return "";
  const auto count = thin.at("partitions").get<std::uint64_t>();
  const auto& spare = thin.at("spare");
  std::vector<std::string> first;
  for (const auto& partition : thin.at("first")) first.push_back(partition.dump());
  std::string out = "thinnest: " + with_commas(count) + " partition" + (count == 1 ? "" : "s");
  if (spare.is_null()) {
    out += " without quorum: ";
  } else if (spare == 0) {
    out += count == 1 ? " that stands no more failure: " : " that stand no more failure: ";
  } else {
    out += " with " + spare.dump() + " to spare: ";
  }
  out += listed(first);
  if (count > first.size()) out += " and " + with_commas(count - first.size()) + " more";
  std::vector<std::string> lacking;
  for (const auto& each : thin.at("lacking")) {
    const auto of = each.at("partitions").get<std::uint64_t>();
    lacking.push_back(each.at("name").get<std::string>() +
                      (of == count ? "" : " (" + with_commas(of) + ")"));
  }
  std::vector<std::string> left;
  for (const auto& id : thin.at("resting_on")) left.push_back(id.get<std::string>().substr(0, 8));
  out += "\n          for want of " + listed(lacking);
  constexpr std::size_t shown = 12;
  if (left.size() <= shown) out += "; left to them: " + (left.empty() ? "nobody" : listed(left));
  return out + "\n";
}

std::string cluster_lines(const Json& status) {
  const auto& cluster = status.at("cluster");
  const auto& epoch = cluster.at("epoch");
  std::string out = "cluster " + cluster.at("name").get<std::string>();
  if (epoch.is_null()) return out + ", no epoch yet\n";
  out += ", epoch " + std::to_string(epoch.at("lineage").get<std::uint64_t>()) + "." +
         std::to_string(epoch.at("number").get<std::uint64_t>()) +
         (cluster.at("epoch_agreed").get<bool>() ? " (all agree)" : " (NOT all agree)") + ", " +
         std::to_string(cluster.at("replicas").get<std::uint64_t>()) + " copies, quorum " +
         std::to_string(status.at("partitions").at("quorum").get<std::uint64_t>()) + "\n";
  const auto& partitions = status.at("partitions");
  out += "partitions: " + with_commas(partitions.at("full").get<std::uint64_t>()) + " full, " +
         with_commas(partitions.at("short").get<std::uint64_t>()) + " short of a copy, " +
         with_commas(partitions.at("without_quorum").get<std::uint64_t>()) + " without quorum\n";
  const auto& may_fail = status.at("may_fail");
  out += "may fail next with every quorum kept: " + any_of(may_fail.at("nodes"), "node") + ", " +
         any_of(may_fail.at("zones"), "zone") + "\n";
  out += thin_lines(partitions);
  const auto changing = partitions.value("changing", std::uint64_t{0});
  if (changing > 0) {
    out += "changing: " + with_commas(changing) + " partition" + (changing == 1 ? "" : "s") +
           " get new owners; look at: cluster-admin transfers\n";
  }
  return out;
}

/// What is going on, if something is: a line each.
std::string background_lines(const Json& status) {
  struct Waiting {
    std::uint64_t records = 0;
    std::uint64_t longest_s = 0;
  };
  std::map<std::string, Waiting> tombstones;  // by the id of the node for which they wait
  std::size_t walks = 0;
  std::uint64_t partitions = 0;
  std::uint64_t partitions_done = 0;
  for (const auto& node : status.at("nodes")) {
    const auto& report = node.at("report");
    if (report.is_null() || !report.contains("tombstones")) continue;  // of an older build
    for (const auto& each : report.at("tombstones").at("waiting")) {
      auto& all = tombstones[each.at("node").get<std::string>()];
      all.records += each.at("records").get<std::uint64_t>();
      all.longest_s = std::max(all.longest_s, each.at("waiting_s").get<std::uint64_t>());
    }
    const auto& scrub = report.at("scrub");
    if (scrub.is_null()) continue;
    ++walks;
    partitions += scrub.at("partitions").get<std::uint64_t>();
    partitions_done += scrub.at("partitions_done").get<std::uint64_t>();
  }
  std::string out;
  for (const auto& [id, each] : tombstones) {
    out += "deleted records waiting to be purged: " + with_commas(each.records) + " for node " +
           id.substr(0, 8) + ", which is " + state_of(status, id) + ", for " +
           seconds_text(each.longest_s) + "\n";
  }
  if (walks > 0) {
    out += "scrub: " + with_commas(partitions_done) + " of " + with_commas(partitions) +
           " partitions read on " + with_commas(walks) + " node" + (walks == 1 ? "" : "s") +
           "; look at: cluster-admin scrub --status\n";
  }
  return out;
}

Cell state_cell(const Json& node) {
  const auto state = node.at("state").get<std::string>();
  return {state == "left" ? "stopped" : state, color_of_state(state)};
}

/// How the other nodes see it: "2/2" of those that were asked see it alive.
Cell seen_cell(const Json& node) {
  const auto& seen = node.at("seen_by");
  if (seen.empty()) return {};
  std::size_t alive = 0;
  for (const auto& view : seen) {
    if (view.at("state") == "alive") ++alive;
  }
  const bool is_agreed = alive == (node.at("state") == "alive" ? seen.size() : std::size_t{0});
  return {std::to_string(alive) + "/" + std::to_string(seen.size()),
          is_agreed ? Color::none : Color::warning};
}

Cell figure(const Json& report, const char* name, std::string (*text)(std::uint64_t)) {
  if (report.is_null()) return {"-", Color::faint};
  return {text(report.at(name).get<std::uint64_t>())};
}

Cell latency(const Json& report, const char* name) {
  if (report.is_null() || report.at(name).at("count") == 0) return {"-", Color::faint};
  return {milliseconds_text(report.at(name).at("p99_ms").get<double>())};
}

Cell skew_cell(const Json& node) {
  const auto& skew = node.at("clock_skew_ms");
  if (skew.is_null()) return {"-", Color::faint};
  const auto ms = skew.get<std::int64_t>();
  return {(ms > 0 ? "+" : "") + std::to_string(ms) + " ms"};
}

std::string node_epoch_text(const Json& node) {
  const auto& epoch = node.at("epoch");
  if (epoch.is_null()) return "-";
  return std::to_string(epoch.at("lineage").get<std::uint64_t>()) + "." +
         std::to_string(epoch.at("number").get<std::uint64_t>());
}

std::string client_address(const Json& node) {
  const auto& address = node.at("addresses").at("client");
  if (!address.is_null()) return address.get<std::string>();
  const auto& gossip = node.at("addresses").at("gossip");
  return gossip.is_null() ? "-" : gossip.get<std::string>() + " (gossip)";
}

bool is_column_needed(const Json& status, const char* name) {
  const auto& nodes = status.at("nodes");
  for (const auto& node : nodes) {
    if (node.at(name) != nodes.front().at(name)) return true;
  }
  return false;
}

std::string node_table(const Json& status, bool use_color) {
  Table table({{"node"},
               {"zone"},
               {"clients at"},
               {"state"},
               {"seen"},
               {"epoch"},
               {"weight", true},
               {"parts", true},
               {"records", true},
               {"disk", true},
               {"memory", true},
               {"get p99", true},
               {"put p99", true},
               {"queue", true},
               {"hints", true},
               {"skew", true},
               {"up", true},
               {"build"}});
  const bool with_weight = is_column_needed(status, "weight");
  const bool with_build = is_column_needed(status, "build");
  const bool with_epoch = is_column_needed(status, "epoch");
  for (const auto& node : status.at("nodes")) {
    const auto& report = node.at("report");
    const bool is_member = node.at("member").get<bool>();
    table.add(
        {{node.at("name").get<std::string>() + (node.at("self").get<bool>() ? "*" : "")},
         {node.at("zone").get<std::string>()},
         {client_address(node)},
         state_cell(node),
         seen_cell(node),
         {with_epoch ? node_epoch_text(node) : ""},
         {with_weight ? with_commas(node.at("weight").get<std::uint64_t>()) : ""},
         {is_member ? with_commas(node.at("partitions").get<std::uint64_t>()) : "no member"},
         figure(report, "records", with_commas),
         figure(report, "disk_used_bytes", bytes_text),
         figure(report, "memory_bytes", bytes_text),
         latency(report, "gets"),
         latency(report, "puts"),
         figure(report, "queue", with_commas),
         figure(report, "hints_waiting", with_commas),
         skew_cell(node),
         figure(report, "uptime_s", seconds_text),
         {with_build && !node.at("build").is_null() ? node.at("build").get<std::string>() : ""}});
  }
  return table.text(use_color);
}

std::string silent_doors(const Json& status) {
  std::string out;
  for (const auto& node : status.at("nodes")) {
    if (node.at("report_error").is_null()) continue;
    const auto& door = node.at("addresses").at("admin");
    out += "no figures of " + node.at("name").get<std::string>() + ": its admin door " +
           (door.is_null() ? std::string() : door.get<std::string>() + " ") +
           "could not be asked: " + node.at("report_error").get<std::string>() + "\n";
  }
  return out;
}

}  // namespace

Result<Rendered> status_view(const std::string& document, bool use_color) {
  try {
    const Json status = Json::parse(document);
    Rendered out{.is_well = status.at("verdict").at("level") == "ok"};
    out.text = headline(status, use_color) + "\n" + cluster_lines(status) +
               background_lines(status) + "\n" + node_table(status, use_color);
    const std::string silent = silent_doors(status);
    if (!silent.empty()) out.text += "\n" + silent;
    return out;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

}  // namespace coterie::admin_tool
