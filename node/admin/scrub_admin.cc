#include "node/admin/scrub_admin.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "node/admin/orders.h"

namespace coterie::admin {
namespace {

using Json = nlohmann::ordered_json;
using transfer::ScrubFindings;
using transfer::ScrubPass;
using transfer::ScrubStatus;

void add(ScrubFindings& all, const ScrubFindings& more) {
  all.records += more.records;
  all.bytes += more.bytes;
  all.damaged += more.damaged;
  all.leaves_wrong += more.leaves_wrong;
  all.leaves_busy += more.leaves_busy;
  all.unreadable += more.unreadable;
}

void add(std::optional<ScrubStatus::Walk>& all, const ScrubStatus::Walk& more) {
  if (!all) {
    all = more;
    return;
  }
  all->began = std::min(all->began, more.began);
  all->partitions += more.partitions;
  all->partitions_done += more.partitions_done;
  add(all->found, more.found);
  if (more.left) all->left = std::max(all->left.value_or(std::chrono::seconds(0)), *more.left);
}

void add(std::optional<ScrubPass>& all, const ScrubPass& more) {
  if (!all) {
    all = more;
    return;
  }
  all->began = std::min(all->began, more.began);
  all->ended = std::max(all->ended, more.ended);
  add(all->found, more.found);
}

Json ms_of(WallTime time) {
  return time.time_since_epoch().count();
}

void put(Json& out, const ScrubFindings& found) {
  out["records"] = found.records;
  out["bytes"] = found.bytes;
  out["damaged"] = found.damaged;
  out["leaves_wrong"] = found.leaves_wrong;
  out["leaves_busy"] = found.leaves_busy;
  out["unreadable"] = found.unreadable;
}

}  // namespace

ScrubStatus scrub_of(const std::vector<ShardStatus>& shards) {
  ScrubStatus out;
  for (const auto& shard : shards) {
    const auto& of_shard = shard.scrub;
    out.is_enabled = out.is_enabled || of_shard.is_enabled;
    if (of_shard.walk) add(out.walk, *of_shard.walk);
    if (of_shard.last) add(out.last, *of_shard.last);
    add(out.total, of_shard.total);
    out.passes += of_shard.passes;
    if (!of_shard.last_trouble.empty()) out.last_trouble = of_shard.last_trouble;
  }
  return out;
}

std::string scrub_document(const NodeStatus& status, WallTime now) {
  const auto scrub = scrub_of(status.shards);
  Json out = {{"format", 1}, {"node", to_hex(status.node)}, {"name", short_name(status.node)}};
  out["enabled"] = scrub.is_enabled;
  out["now_ms"] = ms_of(now);
  out["walk"] = Json();
  if (scrub.walk) {
    Json& walk = out["walk"] = {{"began_ms", ms_of(scrub.walk->began)},
                                {"partitions", scrub.walk->partitions},
                                {"partitions_done", scrub.walk->partitions_done}};
    put(walk, scrub.walk->found);
    walk["left_s"] = scrub.walk->left ? Json(scrub.walk->left->count()) : Json();
  }
  out["last"] = Json();
  if (scrub.last) {
    Json& last = out["last"] = {{"began_ms", ms_of(scrub.last->began)},
                                {"ended_ms", ms_of(scrub.last->ended)}};
    put(last, scrub.last->found);
  }
  std::size_t waiting = 0;
  std::uint64_t refilled = 0;
  for (const auto& shard : status.shards) {
    waiting += shard.anti_entropy.damaged_waiting;
    refilled += shard.anti_entropy.damaged_refilled;
  }
  out["damaged_waiting"] = waiting;
  out["damaged_refilled"] = refilled;
  out["last_trouble"] = scrub.last_trouble;
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<std::string> act_on_scrub(const HttpRequest& request, const Source& source) {
  const auto order = read_order(request);
  if (!order) return std::unexpected(order.error());
  const std::string action = field(*order, "action");
  ShardTask task;
  if (action == "scrub") {
    // One that goes on already is as good.
    task = [](Shard& shard) -> Result<std::uint64_t> {
      (void)shard.scrub().start();
      return 1;
    };
  } else if (action == "cancel") {
    task = [](Shard& shard) -> Result<std::uint64_t> { return shard.scrub().cancel() ? 1 : 0; };
  } else {
    return fail(ErrorCode::invalid_argument, "\"action\" should be scrub or cancel");
  }
  const auto count = sum_over_shards(source, std::move(task));
  if (!count) return std::unexpected(count.error());
  return done_document(action, "shards", *count);
}

}  // namespace coterie::admin
