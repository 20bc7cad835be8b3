#include "client/admin_tool/stream_views.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "client/admin_tool/fields.h"
#include "client/admin_tool/table.h"
#include "client/admin_tool/transfer_views.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t streams_shown = 12;

using EpochNumbers = std::pair<std::uint64_t, std::uint64_t>;

EpochNumbers epoch_of(const Json& node) {
  const auto& epoch = node.at("epoch");
  if (epoch.is_null()) return {0, 0};
  return {number(epoch, "lineage"), number(epoch, "number")};
}

/// A change as the node that knows most of it tells.
using Changes = std::map<std::uint64_t, Json>;

/// Who is behind speaks of changes that are over, or of stages that are past.
Changes changes_of(const Json& merged) {
  EpochNumbers newest{0, 0};
  for (const auto& node : merged.at("nodes")) newest = std::max(newest, epoch_of(node));
  Changes out;
  for (const auto& node : merged.at("nodes")) {
    if (epoch_of(node) != newest) continue;
    for (const auto& change : node.at("changes")) {
      auto& known = out[number(change, "change")];
      if (known.is_null() || number(change, "ready") > number(known, "ready")) known = change;
    }
  }
  return out;
}

/// One node's streams of one change.
struct Filling {
  std::uint64_t partitions = 0;
  std::uint64_t covered = 0;
  std::uint64_t held = 0;
  std::uint64_t bytes = 0;
  std::uint64_t rate = 0;
  std::uint64_t told_bytes = 0;  // in all, of the streams of which it is known
  std::uint64_t told = 0;
  std::map<std::string, std::uint64_t> blockers;
  bool is_paused = false;

  void add(const Json& stream) {
    const auto phase = stream.at("phase").get<std::string>();
    ++partitions;
    bytes += number(stream, "bytes");
    rate += number(stream, "bytes_a_second");
    if (phase == "covered") ++covered;
    if (phase == "held") ++held;
    is_paused = is_paused || phase == "paused";
    const auto why = stream.at("why").get<std::string>();
    if (phase == "held") ++blockers[why];
    // One that is done is all that there was.
    if (phase == "covered") {
      told_bytes += number(stream, "bytes");
      ++told;
    } else if (!stream.at("bytes_total").is_null()) {
      told_bytes += number(stream, "bytes_total");
      ++told;
    }
  }

  /// Those of which nothing is known are taken to be as large as the others.
  [[nodiscard]] std::optional<std::uint64_t> bytes_total() const {
    if (covered == partitions) return bytes;
    if (told == 0) return std::nullopt;
    return std::max(bytes, told_bytes / told * partitions);
  }

  [[nodiscard]] std::string percent() const {
    const auto total = bytes_total();
    if (covered == partitions) return "100 %";
    if (!total || *total == 0) return std::to_string(covered * 100 / partitions) + " %";
    return std::to_string(std::min<std::uint64_t>(99, bytes * 100 / *total)) + " %";
  }

  [[nodiscard]] std::string left() const {
    const auto total = bytes_total();
    if (covered == partitions) return "done";
    if (!total || rate == 0) return "-";
    return seconds_text((*total - bytes) / rate);
  }

  [[nodiscard]] std::string what_blocks() const {
    if (is_paused) return "the change is paused";
    if (blockers.empty()) return "";
    const auto most = std::ranges::max_element(
        blockers, [](const auto& a, const auto& b) { return a.second < b.second; });
    return with_commas(held) + " held: " + most->first;
  }
};

std::string nodes_table(const Json& merged, std::uint64_t change, bool use_color) {
  Table table({{"new owner"},
               {"parts", true},
               {"done", true},
               {"%", true},
               {"moved", true},
               {"of", true},
               {"rate", true},
               {"left", true},
               {"what blocks"}});
  bool is_any = false;
  for (const auto& node : merged.at("nodes")) {
    Filling filling;
    for (const auto& stream : node.at("streams")) {
      if (number(stream, "change") == change) filling.add(stream);
    }
    if (filling.partitions == 0) continue;
    is_any = true;
    const auto total = filling.bytes_total();
    table.add({{node.at("name").get<std::string>()},
               {with_commas(filling.partitions)},
               {with_commas(filling.covered)},
               {filling.percent()},
               {bytes_text(filling.bytes)},
               {total ? bytes_text(*total) : "-"},
               {bytes_text(filling.rate) + "/s"},
               {filling.left()},
               {filling.what_blocks(), Color::warning}});
  }
  return is_any ? "\n" + table.text(use_color) : "";
}

std::string moved_text(const Json& stream) {
  const auto bytes = number(stream, "bytes");
  const auto& total = stream.at("bytes_total");
  if (total.is_null()) return bytes_text(bytes);
  const auto all = total.get<std::uint64_t>();
  const auto percent = all == 0 ? 0 : bytes * 100 / all;
  return bytes_text(bytes) + " (" + std::to_string(percent) + " %)";
}

/// Those that come first, then those that are held: what people look for.
int order_of(const Json& stream) {
  const auto phase = stream.at("phase").get<std::string>();
  if (phase == "streaming") return 0;
  if (phase == "held") return 1;
  if (phase == "paused") return 2;
  return phase == "queued" ? 3 : 4;
}

std::string streams_table(const Json& merged, std::uint64_t change, bool with_all, bool use_color) {
  struct Row {
    std::string node;
    Json stream;
  };
  std::vector<Row> rows;
  for (const auto& node : merged.at("nodes")) {
    for (const auto& stream : node.at("streams")) {
      if (number(stream, "change") != change) continue;
      if (with_all || order_of(stream) < 2) rows.push_back({node.at("name"), stream});
    }
  }
  if (rows.empty()) return "";
  std::ranges::stable_sort(rows, {}, [](const Row& row) { return order_of(row.stream); });
  Table table({{"partition", true},
               {"from"},
               {"to"},
               {"phase"},
               {"moved", true},
               {"rate", true},
               {"left", true},
               {"what blocks"}});
  const std::size_t shown = with_all ? rows.size() : std::min(rows.size(), streams_shown);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& [node, stream] = rows[i];
    const auto& source = stream.at("source");
    const auto& left = stream.at("left_s");
    const auto phase = stream.at("phase").get<std::string>();
    table.add(
        {{with_commas(number(stream, "partition"))},
         {source.is_null() ? "-" : source.get<std::string>().substr(0, 8)},
         {node},
         {phase, phase == "held" ? Color::warning : Color::none},
         {moved_text(stream)},
         {bytes_text(number(stream, "bytes_a_second")) + "/s"},
         {left.is_null() || phase == "covered" ? "-" : seconds_text(number(stream, "left_s"))},
         {stream.at("why").get<std::string>(), Color::warning}});
  }
  std::string out = "\n" + table.text(use_color);
  if (shown < rows.size()) {
    out += "and " + with_commas(rows.size() - shown) +
           " more streams; all: cluster-admin transfers --all\n";
  }
  return out;
}

std::string change_text(const Json& merged, const Json& change, bool with_all, bool use_color) {
  const auto id = number(change, "change");
  const auto stage = change.at("stage").get<std::string>();
  const bool is_paused = change.at("paused").get<bool>();
  std::string out = "change " + std::to_string(id) + " is " + stage_words(stage) +
                    (is_paused ? ", paused" : "") + "; " + with_commas(number(change, "ready")) +
                    " of " + partitions_text(number(change, "partitions")) +
                    " ready for the next step\n";
  for (const auto& missing : change.at("missing")) {
    out += "  waits: " + painted(missing.get<std::string>(), Color::warning, use_color) + "\n";
  }
  out += nodes_table(merged, id, use_color);
  out += streams_table(merged, id, with_all, use_color);
  const auto number_text = std::to_string(id);
  if (is_paused) {
    out += "\ngo on: cluster-admin resume " + number_text;
  } else if (stage == "open") {
    out += "\nhold it: cluster-admin pause " + number_text;
  }
  if (stage == "open") out += "; take it back: cluster-admin abort " + number_text + "\n";
  if (stage == "cut_over") out += "\nit is past the point where it can be aborted\n";
  return out;
}

Result<Rendered> transfers(const std::string& merged, bool with_all, bool use_color) {
  try {
    const Json document = Json::parse(merged);
    Rendered out;
    const auto changes = changes_of(document);
    if (changes.empty()) {
      out.text = "no change is under way: every partition is with its owners\n";
    }
    for (const auto& [id, change] : changes) {
      out.text +=
          (out.text.empty() ? "" : "\n") + change_text(document, change, with_all, use_color);
    }
    out.text += silent_text(merged, use_color);
    return out;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

}  // namespace

std::string stage_words(const std::string& stage) {
  if (stage == "cut_over") return "cut over";
  return stage == "aborting" ? "being aborted" : stage;
}

Result<Rendered> transfers_view(const std::string& merged, bool use_color) {
  return transfers(merged, false, use_color);
}

Result<Rendered> all_transfers_view(const std::string& merged, bool use_color) {
  return transfers(merged, true, use_color);
}

}  // namespace coterie::admin_tool
