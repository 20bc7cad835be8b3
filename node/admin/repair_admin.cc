#include "node/admin/repair_admin.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "node/admin/orders.h"
#include "node/transfer/anti_entropy.h"
#include "storage/key.h"

namespace coterie::admin {
namespace {

using Json = nlohmann::ordered_json;
using transfer::AntiEntropyStatus;
using transfer::RepairAction;
using transfer::RepairCommand;
using transfer::RepairScope;

Json wall_of(const std::optional<WallTime>& time) {
  return time ? Json(time->time_since_epoch().count()) : Json();
}

/// One command runs on all shards; those that have none of its scope have an older one, or none.
void add(std::optional<RepairCommand>& all, const RepairCommand& of_shard) {
  if (!all || of_shard.began > all->began + std::chrono::seconds(1)) {
    all = of_shard;
    return;
  }
  if (of_shard.began + std::chrono::seconds(1) < all->began) return;
  all->began = std::min(all->began, of_shard.began);
  all->ended = all->ended && of_shard.ended ? std::optional(std::max(*all->ended, *of_shard.ended))
                                            : std::nullopt;
  all->is_cancelled = all->is_cancelled || of_shard.is_cancelled;
  all->partitions += of_shard.partitions;
  all->partitions_done += of_shard.partitions_done;
  all->partitions_failed += of_shard.partitions_failed;
  if (!of_shard.last_failure.empty()) all->last_failure = of_shard.last_failure;
  all->differing += of_shard.differing;
  all->repaired += of_shard.repaired;
  all->failed_keys += of_shard.failed_keys;
  all->bytes += of_shard.bytes;
  if (!of_shard.ended && of_shard.left) {
    all->left = std::max(all->left.value_or(std::chrono::seconds(0)), *of_shard.left);
  }
  all->keys.insert(all->keys.end(), of_shard.keys.begin(), of_shard.keys.end());
}

Json key_of(const transfer::DifferingKey& key, const Epoch* epoch) {
  Json out = {{"partition", key.partition.value}, {"other", to_hex(key.other)}};
  const auto parts = decode_key(key.key);
  if (!parts) return out;
  const auto* bucket = epoch == nullptr ? nullptr : epoch->bucket(parts->bucket);
  out["bucket"] = bucket == nullptr ? Json() : Json(bucket->name);
  out["key"] = std::string(parts->partition_key);
  out["key_base64"] = to_base64(parts->partition_key);
  out["sort_key"] = std::string(parts->sort_key);
  out["sort_key_base64"] = to_base64(parts->sort_key);
  return out;
}

Json command_of(const RepairCommand& command, const Epoch* epoch) {
  Json keys = Json::array();
  for (const auto& key : command.keys) keys.push_back(key_of(key, epoch));
  return {{"action", command.action == RepairAction::verify ? "verify" : "repair"},
          {"began_ms", wall_of(command.began)},
          {"ended_ms", wall_of(command.ended)},
          {"cancelled", command.is_cancelled},
          {"partitions", command.partitions},
          {"partitions_done", command.partitions_done},
          {"partitions_failed", command.partitions_failed},
          {"last_failure", command.last_failure},
          {"differing", command.differing},
          {"repaired", command.repaired},
          {"failed", command.failed_keys},
          {"bytes", command.bytes},
          {"left_s", command.left ? Json(command.left->count()) : Json()},
          {"keys", std::move(keys)}};
}

Result<RepairScope> scope_of(const Order& order, const Epoch& epoch) {
  const auto count =
      order.contains("member") + order.contains("partition") + order.contains("bucket");
  if (count > 1) {
    return fail(ErrorCode::invalid_argument, "name a member, a partition or a bucket, not several");
  }
  if (order.contains("member")) {
    const auto node = node_in(order, "member");
    if (!node) return std::unexpected(node.error());
    if (epoch.member(*node) != nullptr) return *node;
    return fail(ErrorCode::invalid_argument, "the epoch has no such member");
  }
  if (order.contains("partition")) {
    const std::string text = field(order, "partition");
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = error == std::errc{} && end == text.data() + text.size();
    if (is_number && number < epoch.partitions()) return PartitionId{number};
    return fail(ErrorCode::invalid_argument,
                "partition should be a number from 0 to " + std::to_string(epoch.partitions() - 1));
  }
  if (order.contains("bucket")) {
    const std::string name = field(order, "bucket");
    if (const auto* bucket = epoch.bucket(name)) return bucket->id;
    return fail(ErrorCode::unknown_bucket, "there is no bucket \"" + name + "\"");
  }
  return RepairScope{};
}

/// Of this node's copies only.
Result<ShardTask> accepting(const NodeStatus& status, const Order& order) {
  const auto scope = scope_of(order, *status.view->epoch);
  if (!scope) return std::unexpected(scope.error());
  const auto* member = std::get_if<NodeId>(&*scope);
  const auto* partition = std::get_if<PartitionId>(&*scope);
  if (member == nullptr && partition == nullptr) {
    return fail(ErrorCode::invalid_argument, "name the member or the partition whose loss it is");
  }
  const bool is_other = member != nullptr && *member != status.node;
  const auto only = partition == nullptr ? std::nullopt : std::optional(*partition);
  return [is_other, only](Shard& shard) -> Result<std::uint64_t> {
    if (is_other) return 0;
    return shard.anti_entropy().accept_loss(only);
  };
}

}  // namespace

AntiEntropyStatus anti_entropy_of(const std::vector<ShardStatus>& shards) {
  AntiEntropyStatus out;
  for (const auto& shard : shards) {
    const auto& of_shard = shard.anti_entropy;
    out.is_enabled = out.is_enabled || of_shard.is_enabled;
    out.is_paused = out.is_paused || of_shard.is_paused;
    if (!out.running) out.running = of_shard.running;
    if (of_shard.command) add(out.command, *of_shard.command);
    out.waiting_rounds += of_shard.waiting_rounds;
    out.verified.insert(of_shard.verified.begin(), of_shard.verified.end());
    out.refilling.insert(out.refilling.end(), of_shard.refilling.begin(), of_shard.refilling.end());
    out.damaged_waiting += of_shard.damaged_waiting;
    out.damaged_refilled += of_shard.damaged_refilled;
    out.copies_refilled += of_shard.copies_refilled;
    out.rounds += of_shard.rounds;
    out.rounds_failed += of_shard.rounds_failed;
    out.partitions_compared += of_shard.partitions_compared;
    out.partitions_equal += of_shard.partitions_equal;
    out.keys_looked_at += of_shard.keys_looked_at;
    out.keys_differing += of_shard.keys_differing;
    out.keys_failed += of_shard.keys_failed;
    out.records_pulled += of_shard.records_pulled;
    out.records_pushed += of_shard.records_pushed;
    out.bytes += of_shard.bytes;
  }
  std::ranges::sort(out.refilling);
  return out;
}

std::string repair_document(const NodeStatus& status, WallTime now) {
  const auto repair = anti_entropy_of(status.shards);
  const Epoch* epoch = status.view == nullptr ? nullptr : status.view->epoch.get();
  Json out = {{"format", 1}, {"node", to_hex(status.node)}, {"name", short_name(status.node)}};
  out["enabled"] = repair.is_enabled;
  out["paused"] = repair.is_paused;
  out["running"] = Json();
  if (repair.running) {
    out["running"] = {{"reason", transfer::name(repair.running->reason)},
                      {"other", to_hex(repair.running->other)},
                      {"partitions", repair.running->partitions},
                      {"partitions_done", repair.running->partitions_done}};
  }
  out["command"] = repair.command ? command_of(*repair.command, epoch) : Json();
  std::optional<WallTime> oldest;
  for (const auto& [partition, through] : repair.verified) {
    oldest = oldest ? std::min(*oldest, through) : through;
  }
  out["verified"] = {{"partitions", repair.verified.size()},
                     {"oldest_ms", wall_of(oldest)},
                     {"now_ms", now.time_since_epoch().count()}};
  out["refilling"] = Json::array();
  for (const auto partition : repair.refilling) out["refilling"].push_back(partition.value);
  out["damaged_waiting"] = repair.damaged_waiting;
  out["rounds"] = repair.rounds;
  out["rounds_failed"] = repair.rounds_failed;
  out["keys_differing"] = repair.keys_differing;
  out["bytes"] = repair.bytes;
  // Keys need not be UTF-8.
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<std::string> act_on_repair(const NodeStatus& status, const HttpRequest& request,
                                  const Source& source) {
  const auto order = read_order(request);
  if (!order) return std::unexpected(order.error());
  const std::string action = field(*order, "action");
  ShardTask task;
  if (action == "repair" || action == "verify") {
    const auto scope = scope_of(*order, *status.view->epoch);
    if (!scope) return std::unexpected(scope.error());
    const auto what = action == "verify" ? RepairAction::verify : RepairAction::repair;
    task = [scope = *scope, what](Shard& shard) -> Result<std::uint64_t> {
      return shard.anti_entropy().start(scope, what);
    };
  } else if (action == "accept_loss") {
    auto accepted = accepting(status, *order);
    if (!accepted) return std::unexpected(accepted.error());
    task = *std::move(accepted);
  } else if (action == "cancel") {
    task = [](Shard& shard) -> Result<std::uint64_t> {
      return shard.anti_entropy().cancel() ? 1 : 0;
    };
  } else if (action == "pause") {
    task = [](Shard& shard) -> Result<std::uint64_t> {
      shard.anti_entropy().pause();
      return 0;
    };
  } else if (action == "resume") {
    task = [](Shard& shard) -> Result<std::uint64_t> {
      shard.anti_entropy().resume();
      return 0;
    };
  } else {
    return fail(ErrorCode::invalid_argument,
                "\"action\" should be repair, verify, accept_loss, cancel, pause or resume");
  }
  const auto count = sum_over_shards(source, std::move(task));
  if (!count) return std::unexpected(count.error());
  return done_document(action, "partitions", *count);
}

}  // namespace coterie::admin
