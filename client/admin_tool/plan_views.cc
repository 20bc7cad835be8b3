#include "client/admin_tool/plan_views.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <nlohmann/json.hpp>

#include "client/admin_tool/fields.h"
#include "client/admin_tool/stream_views.h"
#include "client/admin_tool/table.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t pairs_shown = 16;
constexpr std::size_t id_digits = 32;
constexpr std::size_t name_digits = 8;

std::string counted(std::uint64_t count, const char* thing) {
  return with_commas(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string with_digits(double value, int digits) {
  std::array<char, 64> text{};
  (void)std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string percent(const Json& share) {
  return with_digits(share.get<double>() * 100, 1) + " %";
}

std::string name_of(const Json& id) {
  return id.get<std::string>().substr(0, name_digits);
}

std::string signed_count(const Json& node, const char* field, const char* sign) {
  const auto count = number(node, field);
  return count == 0 ? "" : sign + with_commas(count);
}

bool contains(const Json& list, const Json& value) {
  return std::ranges::find(list, value) != list.end();
}

/// What becomes of a node that is not a member before and after.
std::string fate_of(const Json& plan, const Json& node) {
  if (contains(plan.at("removed"), node.at("id"))) return "dead";
  if (node.at("fair_before") == 0.0) return "joins";
  return node.at("fair_after") == 0.0 ? "leaves" : "";
}

std::string nodes_table(const Json& plan, bool use_color) {
  Table table({{"node"},
               {"zone"},
               {"parts", true},
               {"after", true},
               {"gets", true},
               {"gives", true},
               {"share", true},
               {"after", true},
               {"needs disk", true},
               {"has", true},
               {""}});
  for (const auto& node : plan.at("nodes")) {
    const auto& free = node.at("bytes_free");
    const auto needed = number(node, "bytes_needed");
    const bool has_room = node.at("has_room").get<bool>();
    table.add({{node.at("name").get<std::string>()},
               {node.at("zone").get<std::string>()},
               {with_commas(number(node, "partitions_before"))},
               {with_commas(number(node, "partitions_after"))},
               {signed_count(node, "gained", "+")},
               {signed_count(node, "lost", "-")},
               {percent(node.at("share_before"))},
               {percent(node.at("share_after"))},
               {needed == 0 ? "" : bytes_text(needed), has_room ? Color::none : Color::bad},
               {free.is_null() ? "" : bytes_text(free.get<std::uint64_t>())},
               {fate_of(plan, node)}});
  }
  return table.text(use_color);
}

std::string pairs_table(const Json& plan, const PlanLook& look) {
  std::vector<Json> pairs(plan.at("pairs").begin(), plan.at("pairs").end());
  if (pairs.empty()) return "";
  std::ranges::stable_sort(pairs, [](const Json& a, const Json& b) {
    return std::pair(number(a, "bytes"), number(a, "partitions")) >
           std::pair(number(b, "bytes"), number(b, "partitions"));
  });
  Table table({{"from"}, {"to"}, {"parts", true}, {"bytes", true}});
  const std::size_t shown =
      look.with_all ? pairs.size() : std::min<std::size_t>(pairs.size(), pairs_shown);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto bytes = number(pairs[i], "bytes");
    table.add({{name_of(pairs[i].at("source"))},
               {name_of(pairs[i].at("new_owner"))},
               {with_commas(number(pairs[i], "partitions"))},
               {bytes == 0 ? "" : bytes_text(bytes)}});
  }
  std::string out = "\n" + table.text(look.use_color);
  if (shown < pairs.size()) {
    out += "and " + counted(pairs.size() - shown, "more pair") + "; all: cluster-admin plan --all" +
           look.again + "\n";
  }
  return out;
}

std::string summary(const Json& plan) {
  const auto changing = number(plan, "changing");
  if (changing == 0) return "\nno partition gets other owners: no data moves\n";
  std::uint64_t copies = 0;
  for (const auto& node : plan.at("nodes")) copies += number(node, "gained");
  std::string out = "\n" + with_commas(changing) + " of " +
                    counted(number(plan, "partitions"), "partition") + " change owners";
  if (const auto reordered = number(plan, "reordered"); reordered > 0) {
    out += " (" + with_commas(reordered) + " only the order of them)";
  }
  out += "\nto move: " + (copies == 1 ? std::string("1 copy") : with_commas(copies) + " copies");
  const auto bytes = number(plan, "bytes");
  if (bytes > 0) out += ", " + bytes_text(bytes);
  if (!plan.at("seconds").is_null()) {
    const auto seconds = plan.at("seconds").get<double>();
    out += ", about " + seconds_text(static_cast<std::uint64_t>(seconds) + 1);
  } else if (bytes > 0) {
    out += "; how long that takes has not been measured yet";
  }
  return out + "\n";
}

/// What is under way holds some of it fast.
std::string left_for_later(const Json& plan) {
  const auto copies = number(plan, "left_for_later");
  if (copies == 0) return "";
  return (copies == 1 ? std::string("1 more copy is") : with_commas(copies) + " more copies are") +
         " where what is under way keeps them; once that has ended, to move them: cluster-admin "
         "plan\n";
}

std::string balance(const Json& plan) {
  const auto skew = [&plan](const char* field) {
    return with_digits(plan.at(field).get<double>(), 3);
  };
  return "fullest node: " + skew("skew_before") + " of its fair share now, " + skew("skew_after") +
         " after\npartitions in too few zones: " +
         with_commas(number(plan, "zones_violated_before")) + " now, " +
         with_commas(number(plan, "zones_violated_after")) + " after\n";
}

std::string may_fail_text(std::uint64_t nodes) {
  return nodes == 0 ? "no node" : "any " + counted(nodes, "node");
}

/// One line where all is well, else a table.
std::string quorums(const Json& plan, bool use_color) {
  const auto& steps = plan.at("steps");
  std::string names;
  bool is_well = true;
  bool is_alike = true;
  for (const auto& step : steps) {
    names += (names.empty() ? "" : ", ") + step.at("step").get<std::string>();
    is_well = is_well && step.at("holds").get<bool>();
    is_alike = is_alike && step.at("may_fail") == steps.front().at("may_fail");
  }
  if (is_well && steps.size() == 1) {
    return "quorums hold, and " + may_fail_text(number(steps.front(), "may_fail")) + " may fail\n";
  }
  if (is_well && is_alike && !steps.empty()) {
    return "quorums hold at every step (" + names + "),\n  and " +
           may_fail_text(number(steps.front(), "may_fail")) + " may fail at each\n";
  }
  Table table({{"step"},
               {"quorums"},
               {"may fail"},
               {"no writes", true},
               {"no reads", true},
               {"reads may miss", true}});
  const auto bad = [](std::uint64_t count) -> Cell {
    if (count == 0) return {};
    return {counted(count, "part"), Color::bad};
  };
  for (const auto& step : steps) {
    const bool holds = step.at("holds").get<bool>();
    table.add({{step.at("step").get<std::string>()},
               {holds ? "hold" : "NOT KEPT", holds ? Color::good : Color::bad},
               {may_fail_text(number(step, "may_fail"))},
               bad(number(step, "without_writes")),
               bad(number(step, "without_reads")),
               bad(number(step, "not_met"))});
  }
  return "\n" + table.text(use_color);
}

std::string problem_lines(const Json& plan, bool use_color) {
  std::string out;
  for (const auto& problem : plan.at("problems")) {
    const auto words = with_short_ids(problem.get<std::string>());
    out += painted("problem: " + words, Color::bad, use_color) + "\n";
  }
  return out.empty() ? "" : "\n" + out;
}

std::string staged_lines(const Json& document) {
  std::string out;
  for (const auto& change : document.at("staged")) {
    out += "  " + with_short_ids(change.at("words").get<std::string>()) + "\n";
  }
  for (const auto& dropped : document.at("dropped")) {
    out += "not staged any more: " + with_short_ids(dropped.get<std::string>()) + "\n";
  }
  return out;
}

std::string under_way(const Json& document) {
  std::string out;
  for (const auto& change : document.at("changes")) {
    out += "change " + change.at("change").dump() + " is under way (" +
           stage_words(change.at("stage").get<std::string>()) +
           "); look at: cluster-admin transfers\n";
  }
  return out;
}

/// The same in front of a plan.
std::string beside(const Json& document) {
  std::string out;
  for (const auto& change : document.at("changes")) {
    out += "beside change " + change.at("change").dump() + " (" +
           stage_words(change.at("stage").get<std::string>()) +
           "), which counts here as ended; how far it is: cluster-admin transfers\n";
  }
  return out;
}

std::string change_epoch_text(const Json& epoch) {
  return epoch.at("lineage").dump() + "." + epoch.at("number").dump();
}

std::string where_of(const Json& document) {
  return "node " + document.at("name").get<std::string>();
}

Rendered without_plan(const Json& document, const PlanLook& look) {
  const bool is_staged = !document.at("staged").empty();
  Rendered out{.is_well = !is_staged};
  if (!is_staged) {
    out.text = "nothing is staged at " + where_of(document) + "\n" + staged_lines(document) +
               under_way(document) +
               "stage something there: cluster-admin join, leave, replace, weight, zone or remove" +
               look.again + "\n";
    return out;
  }
  const auto why = with_short_ids(document.at("why_no_plan").get<std::string>());
  out.text = "staged at " + where_of(document) + ":\n" + staged_lines(document) +
             under_way(document) + painted("no plan: " + why, Color::bad, look.use_color) +
             "\ntake it back: cluster-admin unstage NODE" + look.again + ", or clear\n";
  return out;
}

Rendered with_plan(const Json& document, const PlanLook& look) {
  const auto& plan = document.at("plan");
  const auto hash = plan.at("hash").get<std::string>();
  const bool is_staged = !document.at("staged").empty();
  Rendered out{.is_well = plan.at("problems").empty()};
  out.text = "plan " + painted(hash, Color::good, look.use_color) + " for epoch " +
             change_epoch_text(document.at("epoch")) + ", ";
  out.text += is_staged ? "staged at " + where_of(document) + ":\n"
                        : "with nothing staged: partitions go where they should be\n";
  out.text += staged_lines(document) + beside(document) + "\n";
  out.text += nodes_table(plan, look.use_color) + pairs_table(plan, look) + summary(plan) +
              left_for_later(plan) + balance(plan) + quorums(plan, look.use_color) +
              problem_lines(plan, look.use_color) + "\n";
  const std::string commit = "cluster-admin commit " + hash;
  if (out.is_well && look.is_begun_now) return out;
  if (out.is_well) {
    out.text += "to begin it: " + commit + look.again + "\n";
  } else {
    out.text += "it is refused as it stands; in spite of all that: " + commit + " --force" +
                look.again + "\n";
  }
  return out;
}

template <class Render>
Result<Rendered> plan_rendered(const std::string& document, Render render) {
  try {
    return render(Json::parse(document));
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

}  // namespace

std::string with_short_ids(const std::string& text) {
  std::string out;
  std::size_t run = 0;  // hexadecimal digits up to here
  const auto flush = [&] {
    if (run == id_digits) out.resize(out.size() - (id_digits - name_digits));
    run = 0;
  };
  for (const char c : text) {
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!is_digit) flush();
    out += c;
    run += is_digit ? 1 : 0;
  }
  flush();
  return out;
}

Result<Rendered> plan_view(const std::string& document, const PlanLook& look) {
  return plan_rendered(document, [&look](const Json& json) {
    return json.at("plan").is_null() ? without_plan(json, look) : with_plan(json, look);
  });
}

Result<Rendered> staged_view(const std::string& document, const PlanLook& look) {
  return plan_rendered(document, [&look](const Json& json) {
    const auto& staged = json.at("staged");
    Rendered out;
    out.text = "staged at " + where_of(json) + ", not begun:\n" + staged_lines(json);
    if (staged.empty()) out.text = "nothing is staged at " + where_of(json) + " any more\n";
    if (staged.empty()) return out;
    const auto why = with_short_ids(json.at("why_no_plan").get<std::string>());
    if (!why.empty()) {
      out.text += painted("there is no plan for it: " + why, Color::warning, look.use_color) + "\n";
    }
    out.text += "what it would do: cluster-admin plan" + look.again + "\n";
    return out;
  });
}

}  // namespace coterie::admin_tool
