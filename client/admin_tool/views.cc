#include "client/admin_tool/views.h"

#include <cmath>
#include <map>

#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "client/admin_tool/stream_views.h"
#include "client/admin_tool/table.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

std::string text_or_dash(const Json& value) {
  if (value.is_null()) return "-";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

template <class Render>
Result<Rendered> rendered(const std::string& document, Render render) {
  try {
    return Rendered{.text = render(Json::parse(document))};
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

std::string epoch_text(const Json& epoch) {
  if (epoch.is_null()) return "-";
  return std::to_string(epoch.at("lineage").get<std::uint64_t>()) + "." +
         std::to_string(epoch.at("number").get<std::uint64_t>());
}

/// Against the asked node's, whose own is zero.
Cell clock_cell(const Json& node) {
  // Of a build that does not tell, too.
  if (node.value("clock_ahead_ms", Json()).is_null()) return {"-", Color::faint};
  const double ms = node.at("clock_ahead_ms").get<double>();
  const double error_ms = node.value("clock_error_ms", 0.0);
  if (std::abs(ms) <= error_ms) return {"0"};
  const bool is_far = std::abs(ms) > static_cast<double>(limits::max_clock_skew.count());
  return {milliseconds_text(std::abs(ms)) + (ms > 0 ? " ahead" : " behind"),
          is_far ? Color::warning : Color::none};
}

std::string members_text(const Json& document, bool use_color) {
  Table table({{"node"},
               {"state"},
               {"zone"},
               {"weight", true},
               {"parts", true},
               {"epoch"},
               {"clients at"},
               {"peers at"},
               {"gossip at"},
               {"admin at"},
               {"shards", true},
               {"clock", true},
               {"build"}});
  for (const auto& node : document.at("nodes")) {
    const auto& addresses = node.at("addresses");
    const auto state = node.at("state").get<std::string>();
    table.add({{node.at("name").get<std::string>() + (node.at("self").get<bool>() ? "*" : "")},
               {state == "left" ? "stopped" : state, state == "alive"     ? Color::good
                                                     : state == "suspect" ? Color::warning
                                                                          : Color::bad},
               {text_or_dash(node.at("zone"))},
               {text_or_dash(node.at("weight"))},
               {text_or_dash(node.at("partitions"))},
               {epoch_text(node.at("epoch"))},
               {text_or_dash(addresses.at("client"))},
               {text_or_dash(addresses.at("peer"))},
               {text_or_dash(addresses.at("gossip"))},
               {text_or_dash(addresses.at("admin"))},
               {text_or_dash(node.at("shards"))},
               clock_cell(node),
               {text_or_dash(node.at("build"))}});
  }
  return table.text(use_color);
}

std::string names_of(const Json& ids) {
  std::string out;
  for (const auto& id : ids) {
    out += (out.empty() ? "" : " ") + id.get<std::string>().substr(0, 8);
  }
  return out;
}

std::string ring_text(const Json& document, bool use_color) {
  const auto& partitions = document.at("partitions");
  std::string out = "epoch " + epoch_text(document.at("cluster").at("epoch")) + ", " +
                    with_commas(document.at("partitions_total").get<std::uint64_t>()) +
                    " partitions, " + text_or_dash(document.at("cluster").at("replicas")) +
                    " copies of each\n\n";
  Table members({{"node"}, {"zone"}, {"weight", true}, {"parts", true}, {"share", true}});
  const double copies = document.at("partitions_total").get<double>() *
                        document.at("cluster").at("replicas").get<double>();
  for (const auto& member : document.at("members")) {
    const auto share = member.at("partitions").get<double>() / copies * 1000;
    const auto tenths = std::lround(share);
    members.add({{member.at("name").get<std::string>()},
                 {member.at("zone").get<std::string>()},
                 {text_or_dash(member.at("weight"))},
                 {with_commas(member.at("partitions").get<std::uint64_t>())},
                 {std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %"}});
  }
  out += members.text(use_color) + "\n";
  Table table({{"partition", true},
               {"first token"},
               {"last token"},
               {"configuration", true},
               {"owners, the preferred coordinator first"},
               {"stage"},
               {"new owners"}});
  for (const auto& partition : partitions) {
    const auto stage = partition.value("stage", "stable");  // an older build does not tell
    table.add({{text_or_dash(partition.at("partition"))},
               {text_or_dash(partition.at("first_token"))},
               {text_or_dash(partition.at("last_token"))},
               {text_or_dash(partition.at("configuration"))},
               {names_of(partition.at("owners"))},
               {stage == "stable" ? "" : stage, Color::warning},
               {names_of(partition.value("new_owners", Json::array()))}});
  }
  return out + table.text(use_color);
}

std::string mark(const Json& equal) {
  if (equal.is_null()) return "not known";
  return equal.get<bool>() ? "equal" : "DIFFERENT";
}

/// Actors are 64 random bits: letters in their order are easier to compare.
class ActorNames {
 public:
  std::string name(const std::string& actor) {
    const auto [at, is_new] = names_.try_emplace(actor, names_.size());
    std::string out;
    for (std::size_t n = at->second + 1; n > 0; n = (n - 1) / 26) {
      out.insert(out.begin(), static_cast<char>('A' + (n - 1) % 26));
    }
    return out;
  }
  [[nodiscard]] std::string legend() const {
    std::string out;
    for (const auto& [actor, index] : names_) {
      ActorNames names = *this;
      out += (out.empty() ? "" : ", ") + names.name(actor) + " = " + actor;
    }
    return out;
  }

 private:
  std::map<std::string, std::size_t> names_;
};

std::string context_text(const Json& owner, ActorNames& actors) {
  std::string out;
  for (const auto& entry : owner.at("context")) {
    out += (out.empty() ? "" : " ") + actors.name(entry.at("actor").get<std::string>()) + ":" +
           text_or_dash(entry.at("sequence"));
  }
  return out.empty() ? "-" : out;
}

std::string cell_text(const Json& cell) {
  return cell.at("hash").get<std::string>().substr(0, 8) + " (" +
         with_commas(cell.at("records").get<std::uint64_t>()) + ")";
}

std::vector<Cell> silent_owner(const Json& owner, std::string who) {
  return {{std::move(who)},
          {text_or_dash(owner.at("zone"))},
          {text_or_dash(owner.at("node_state"))},
          {"no answer: " + text_or_dash(owner.at("error")), Color::bad},
          {},
          {},
          {},
          {}};
}

std::string owners_table(const Json& document, ActorNames& actors, bool use_color) {
  Table table({{"owner"},
               {"zone"},
               {"node"},
               {"holds"},
               {"context"},
               {"version"},
               {"leaf (records)"},
               {"partition (records)"}});
  for (const auto& owner : document.at("owners")) {
    std::string who =
        owner.at("id").get<std::string>().substr(0, 8) + (owner.at("self").get<bool>() ? "*" : "");
    if (!owner.at("answered").get<bool>()) {
      table.add(silent_owner(owner, std::move(who)));
      continue;
    }
    table.add({{std::move(who)},
               {text_or_dash(owner.at("zone"))},
               {text_or_dash(owner.at("node_state"))},
               {text_or_dash(owner.at("state"))},
               {context_text(owner, actors)},
               {owner.at("digest").get<std::string>().substr(0, 8)},
               {cell_text(owner.at("leaf"))},
               {cell_text(owner.at("root"))}});
  }
  return table.text(use_color);
}

std::string siblings_table(const Json& document, ActorNames& actors, bool use_color) {
  Table table({{"owner"}, {"dot"}, {"written"}, {"value", true}, {"expires"}, {"note"}});
  bool has_any = false;
  for (const auto& owner : document.at("owners")) {
    if (!owner.at("answered").get<bool>()) continue;
    for (const auto& sibling : owner.at("siblings")) {
      has_any = true;
      const bool is_deleted = sibling.at("deleted").get<bool>();
      table.add({{owner.at("id").get<std::string>().substr(0, 8)},
                 {actors.name(sibling.at("actor").get<std::string>()) + ":" +
                  text_or_dash(sibling.at("sequence"))},
                 {text_or_dash(sibling.at("written"))},
                 {bytes_text(sibling.at("value_bytes").get<std::uint64_t>())},
                 {sibling.at("expires").is_null() ? "never" : text_or_dash(sibling.at("expires"))},
                 {is_deleted                          ? "a delete"
                  : sibling.at("expired").get<bool>() ? "expired"
                                                      : ""}});
    }
  }
  return has_any ? "\n" + table.text(use_color) : "";
}

std::string explain_text(const Json& document, bool use_color) {
  const auto& placement = document.at("placement");
  const auto& equal = document.at("equal");
  const bool differs = equal.at("record").is_boolean() && !equal.at("record").get<bool>();
  std::string out = painted(document.at("text").get<std::string>(),
                            differs ? Color::warning : Color::none, use_color) +
                    "\n\n";
  out += "bucket " + document.at("bucket").get<std::string>() +
         " (r=" + text_or_dash(placement.at("r")) + ", w=" + text_or_dash(placement.at("w")) +
         "), key " + document.at("key").dump();
  if (!document.at("sort_key").get<std::string>().empty()) {
    out += ", sort key " + document.at("sort_key").dump();
  }
  out += "\ntoken " + text_or_dash(placement.at("token")) + " is in partition " +
         text_or_dash(placement.at("partition")) + " (configuration " +
         text_or_dash(placement.at("configuration")) + ", epoch " +
         epoch_text(placement.at("epoch")) + ")\n";
  const auto stage = placement.value("stage", "stable");  // an older build does not tell
  if (stage != "stable") {
    out += "its owners change (" + stage_words(stage) +
           "); new ones, which may lack it yet: " + names_of(placement.at("new_owners")) + "\n";
  }
  out += "record " + mark(equal.at("record")) + ", tree leaf " + mark(equal.at("leaf")) +
         ", whole partition " + mark(equal.at("root")) + "\n\n";
  ActorNames actors;
  out += owners_table(document, actors, use_color);
  out += siblings_table(document, actors, use_color);
  const std::string legend = actors.legend();
  if (!legend.empty()) out += "\nactors: " + legend + "\n";
  return out;
}

std::string config_text(const Json& document, bool use_color) {
  Table table({{"setting"}, {"value"}, {"unit"}, {"meaning"}});
  for (const auto& setting : document.at("settings")) {
    table.add({{text_or_dash(setting.at("name"))},
               {setting.at("value").dump()},
               {text_or_dash(setting.at("unit"))},
               {text_or_dash(setting.at("meaning")), Color::faint}});
  }
  std::string out = table.text(use_color) + "\n";
  for (const auto& bucket : document.at("buckets")) {
    out += "[[bucket]]";
    for (const auto& [key, value] : bucket.items()) out += "  " + key + " = " + value.dump();
    out += "\n";
  }
  return out;
}

}  // namespace

Result<Rendered> members_view(const std::string& document, bool use_color) {
  return rendered(document, [&](const Json& json) { return members_text(json, use_color); });
}

Result<Rendered> ring_view(const std::string& document, bool use_color) {
  return rendered(document, [&](const Json& json) { return ring_text(json, use_color); });
}

Result<Rendered> explain_view(const std::string& document, bool use_color) {
  return rendered(document, [&](const Json& json) { return explain_text(json, use_color); });
}

Result<Rendered> config_view(const std::string& document, bool use_color) {
  return rendered(document, [&](const Json& json) { return config_text(json, use_color); });
}

std::string error_text(const std::string& document) {
  const Json json = Json::parse(document, nullptr, false);
  const auto at = json.is_object() ? json.find("error") : json.end();
  if (!json.is_object() || at == json.end() || !at->is_object()) return document;
  return at->value("message", document);
}

}  // namespace coterie::admin_tool
