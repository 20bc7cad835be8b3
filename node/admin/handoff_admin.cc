#include "node/admin/handoff_admin.h"

#include <algorithm>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "node/admin/orders.h"

namespace coterie::admin {
namespace {

using Json = nlohmann::ordered_json;
using transfer::HandoffStatus;
using transfer::HintKind;

const char* name(HintKind kind) {
  switch (kind) {
    case HintKind::strict:
      return "strict";
    case HintKind::record:
      return "record";
  }
  return "other";
}

const char* name(HandoffStatus::State state) {
  switch (state) {
    case HandoffStatus::State::counting:
      return "counting";
    case HandoffStatus::State::replaying:
      return "replaying";
    case HandoffStatus::State::away:
      return "away";
    case HandoffStatus::State::unreachable:
      return "unreachable";
    case HandoffStatus::State::refused:
      return "refused";
    case HandoffStatus::State::paused:
      break;
  }
  return "paused";
}

/// Of two shards' streams to one target the one that is hindered speaks for both.
void add(HandoffStatus::Target& all, const HandoffStatus::Target& of_shard) {
  all.hints += of_shard.hints;
  all.bytes += of_shard.bytes;
  all.oldest = std::min(all.oldest, of_shard.oldest);
  all.hints_a_second += of_shard.hints_a_second;
  all.bytes_a_second += of_shard.bytes_a_second;
  if (all.state != HandoffStatus::State::replaying) return;
  all.state = of_shard.state;
  all.why = of_shard.why;
}

}  // namespace

HandoffStatus handoff_of(const std::vector<ShardStatus>& shards) {
  HandoffStatus out;
  std::map<std::pair<NodeId, HintKind>, HandoffStatus::Target> targets;
  for (const auto& shard : shards) {
    const auto& of_shard = shard.handoff;
    out.is_paused = out.is_paused || of_shard.is_paused;
    out.book.left += of_shard.book.left;
    out.book.coalesced += of_shard.book.coalesced;
    out.book.dropped += of_shard.book.dropped;
    out.book.not_taken += of_shard.book.not_taken;
    out.records.kept += of_shard.records.kept;
    out.records.refused += of_shard.records.refused;
    out.records.held += of_shard.records.held;
    out.replayed += of_shard.replayed;
    out.replayed_bytes += of_shard.replayed_bytes;
    out.failures += of_shard.failures;
    out.forgotten += of_shard.forgotten;
    out.needs_repair += of_shard.needs_repair;
    for (const auto& target : of_shard.targets) {
      const auto [at, is_new] = targets.try_emplace({target.target, target.kind}, target);
      if (!is_new) add(at->second, target);
    }
  }
  for (auto& [which, target] : targets) out.targets.push_back(std::move(target));
  return out;
}

std::string handoff_document(const NodeStatus& status, WallTime now) {
  const auto handoff = handoff_of(status.shards);
  Json out = {{"format", 1}, {"node", to_hex(status.node)}, {"name", short_name(status.node)}};
  out["paused"] = handoff.is_paused;
  out["targets"] = Json::array();
  for (const auto& target : handoff.targets) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - target.oldest);
    out["targets"].push_back({{"target", to_hex(target.target)},
                              {"name", short_name(target.target)},
                              {"kind", name(target.kind)},
                              {"hints", target.hints},
                              {"bytes", target.bytes},
                              {"oldest_s", std::max<std::int64_t>(0, age.count())},
                              {"state", name(target.state)},
                              {"why", target.why},
                              {"hints_a_second", target.hints_a_second},
                              {"bytes_a_second", target.bytes_a_second}});
  }
  out["left"] = handoff.book.left;
  out["dropped"] = handoff.book.dropped;
  out["records_kept"] = handoff.records.kept;
  out["records_refused"] = handoff.records.refused;
  out["replayed"] = handoff.replayed;
  out["replayed_bytes"] = handoff.replayed_bytes;
  out["failures"] = handoff.failures;
  out["needs_repair"] = handoff.needs_repair;
  // What came from other nodes may not be UTF-8.
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

namespace {

/// Hints that hold records were counted to W: they are not an operator's to give up.
Result<std::uint64_t> cancel(const Source& source, NodeId target) {
  const auto count = sum_over_shards(source, [target](Shard& shard) -> Result<std::uint64_t> {
    return shard.handoff().cancel(target);
  });
  if (!count || *count > 0) return count;
  const auto kept = sum_over_shards(source, [target](Shard& shard) -> Result<std::uint64_t> {
    return shard.handoff().counted_hints(target);
  });
  if (!kept || *kept == 0) return kept;
  return fail(
      ErrorCode::refused,
      std::to_string(*kept) +
          " hints hold writes that were acknowledged because of them: each goes once enough "
          "owners hold its record; bring owners back");
}

}  // namespace

Result<std::string> act_on_handoff(const HttpRequest& request, const Source& source) {
  const auto order = read_order(request);
  if (!order) return std::unexpected(order.error());
  const std::string action = field(*order, "action");
  ShardTask task;
  if (action == "pause") {
    task = [](Shard& shard) -> Result<std::uint64_t> {
      shard.handoff().pause();
      return 0;
    };
  } else if (action == "resume") {
    task = [](Shard& shard) -> Result<std::uint64_t> {
      shard.handoff().resume();
      return 0;
    };
  } else if (action == "cancel") {
    const auto target = node_in(*order, "target");
    if (!target) return std::unexpected(target.error());
    const auto cancelled = cancel(source, *target);
    if (!cancelled) return std::unexpected(cancelled.error());
    return done_document(action, "hints", *cancelled);
  } else {
    return fail(ErrorCode::invalid_argument, "\"action\" should be pause, resume or cancel");
  }
  const auto count = sum_over_shards(source, std::move(task));
  if (!count) return std::unexpected(count.error());
  return done_document(action, "hints", *count);
}

}  // namespace coterie::admin
