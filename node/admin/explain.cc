#include "node/admin/explain.h"

#include <algorithm>
#include <optional>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/limits.h"
#include "node/admin/change_documents.h"
#include "node/admin/facts.h"
#include "storage/key.h"
#include "storage/record.h"

namespace coterie::admin {
namespace {

using Json = nlohmann::ordered_json;

Result<Bytes> bytes_parameter(const HttpRequest& request, const std::string& name) {
  const auto plain = request.parameters.find(name);
  if (plain != request.parameters.end()) return Bytes(plain->second);
  const auto encoded = request.parameters.find(name + "_base64");
  if (encoded == request.parameters.end()) return Bytes();
  auto bytes = from_base64(encoded->second);
  if (!bytes) {
    return fail(ErrorCode::invalid_argument, name + "_base64 should be base64 with padding");
  }
  return *std::move(bytes);
}

std::string time_text(std::uint64_t ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{
      std::chrono::milliseconds(static_cast<std::int64_t>(ms))};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), ms % 1000);
}

Json sibling_of(const Sibling& sibling, std::uint64_t now_ms) {
  const bool is_expired = sibling.expires_ms != 0 && sibling.expires_ms <= now_ms;
  return {{"actor", to_hex(sibling.dot.actor.value)},
          {"sequence", sibling.dot.sequence},
          {"written", time_text(sibling.timestamp.wall_ms())},
          {"timestamp", sibling.timestamp.value},
          {"expires", sibling.expires_ms == 0 ? Json() : Json(time_text(sibling.expires_ms))},
          {"expired", is_expired},
          {"deleted", sibling.is_delete},
          {"value_bytes", sibling.value.size()}};
}

/// What a reader would see of it.
const char* state_of(const Record& record, std::uint64_t now_ms) {
  std::size_t visible = 0;
  bool is_expired = false;
  for (const auto& sibling : record.siblings) {
    if (sibling.is_delete) continue;
    if (sibling.expires_ms != 0 && sibling.expires_ms <= now_ms) {
      is_expired = true;
    } else {
      ++visible;
    }
  }
  if (visible > 1) return "siblings";
  if (visible == 1) return "value";
  return is_expired ? "expired" : "deleted";
}

void describe_record(Json& out, BytesView key, const LocalCopies::Inspected& found,
                     std::uint64_t now_ms) {
  out["state"] = "absent";
  out["record_bytes"] = found.record.size();
  out["context"] = Json::array();
  out["siblings"] = Json::array();
  if (found.record.empty()) return;
  const auto record = decode_record(key, found.record);
  if (!record) {
    out["state"] = "damaged";
    out["error"] = record.error().message;
    return;
  }
  out["state"] = state_of(*record, now_ms);
  for (const auto& [actor, sequence] : record->context.entries()) {
    out["context"].push_back({{"actor", to_hex(actor.value)}, {"sequence", sequence}});
  }
  for (const auto& sibling : record->siblings) {
    out["siblings"].push_back(sibling_of(sibling, now_ms));
  }
}

Json cell_of(const TreeCell& cell) {
  return {{"hash", to_hex(cell.hash)}, {"records", cell.records}};
}

Json owner_of(const NodeStatus& status, BytesView key, const Inspection& owner,
              std::uint64_t now_ms) {
  const auto& view = *status.view;
  const auto* peer = view.peer(owner.node);
  const auto* member = view.epoch->member(owner.node);
  const bool is_self = owner.node == status.node;
  Json out = {{"id", to_hex(owner.node)},
              {"name", short_name(owner.node)},
              {"self", is_self},
              {"zone", member == nullptr ? std::string() : member->zone},
              {"node_state", is_self           ? name(Sight::alive)
                             : peer == nullptr ? name(Sight::unheard)
                                               : name(sight_of(*peer))},
              {"answered", owner.found.has_value()},
              {"error", Json()}};
  if (!owner.found) {
    out["error"] = owner.found.error().message;
    return out;
  }
  describe_record(out, key, *owner.found, now_ms);
  out["digest"] = to_hex(owner.found->digest);
  out["leaf"] = cell_of(owner.found->leaf);
  out["root"] = cell_of(owner.found->root);
  out["generation"] = owner.found->generation.value;
  return out;
}

/// Whether all that answered have the same; nothing with less than two.
template <class Part>
std::optional<bool> are_equal(std::span<const Inspection> owners, Part part) {
  const LocalCopies::Inspected* first = nullptr;
  std::size_t answered = 0;
  bool equal = true;
  for (const auto& owner : owners) {
    if (!owner.found) continue;
    if (++answered == 1) first = &*owner.found;
    equal = equal && part(*first) == part(*owner.found);
  }
  return answered < 2 ? std::nullopt : std::optional(equal);
}

Json json_of(std::optional<bool> value) {
  return value ? Json(*value) : Json();
}

std::string verdict_text(std::span<const Inspection> owners, std::optional<bool> record,
                         std::optional<bool> root) {
  const auto answered = static_cast<std::size_t>(
      std::ranges::count_if(owners, [](const auto& owner) { return owner.found.has_value(); }));
  const std::string who = answered == owners.size()
                              ? "all " + std::to_string(answered) + " owners"
                              : std::to_string(answered) + " of " + std::to_string(owners.size()) +
                                    " owners answered and";
  if (answered == 0) return "no owner answered";
  if (!record) {
    return "one of " + std::to_string(owners.size()) +
           " owners answered: there is nothing to compare it with";
  }
  if (!*record) return who + " differ on this record; a read repairs it";
  const bool is_absent = std::ranges::all_of(
      owners, [](const auto& owner) { return !owner.found || owner.found->record.empty(); });
  const std::string same = is_absent ? " hold no such record" : " hold the same version";
  const bool root_differs = root && !*root;
  return who + same + (root_differs ? "; other records of the partition differ" : "");
}

}  // namespace

Result<Question> read_question(const HttpRequest& request, const Epoch& epoch) {
  Question out;
  const auto asked = request.parameters.find("bucket");
  const std::string bucket = asked == request.parameters.end() ? "default" : asked->second;
  out.bucket = epoch.bucket(bucket);
  if (out.bucket == nullptr) {
    std::string names;
    for (const auto& known : epoch.buckets()) names += (names.empty() ? "" : ", ") + known.name;
    return fail(ErrorCode::unknown_bucket,
                "there is no bucket \"" + bucket + "\"; there are: " + names);
  }
  auto partition_key = bytes_parameter(request, "key");
  if (!partition_key) return std::unexpected(partition_key.error());
  auto sort_key = bytes_parameter(request, "sort_key");
  if (!sort_key) return std::unexpected(sort_key.error());
  out.partition_key = *std::move(partition_key);
  out.sort_key = *std::move(sort_key);
  if (out.partition_key.empty()) {
    return fail(ErrorCode::invalid_argument, "name a key: ?key=TEXT, or ?key_base64=BYTES");
  }
  // A token is taken of keys within the limit only.
  if (out.partition_key.size() + out.sort_key.size() > limits::key_bytes) {
    return fail(ErrorCode::too_large, "key and sort key have at most " +
                                          std::to_string(limits::key_bytes) + " bytes together");
  }
  out.token = epoch.token(out.bucket->id, out.partition_key);
  out.partition = epoch.partition(out.token);
  auto key = encode_key({.token = out.token,
                         .bucket = out.bucket->id,
                         .partition_key = out.partition_key,
                         .sort_key = out.sort_key});
  if (!key) return std::unexpected(key.error());
  out.key = *std::move(key);
  return out;
}

std::string explain_document(const NodeStatus& status, const Question& question,
                             std::span<const Inspection> owners, WallTime now) {
  using Inspected = LocalCopies::Inspected;
  const auto& epoch = *status.view->epoch;
  const auto now_ms = static_cast<std::uint64_t>(now.time_since_epoch().count());
  const auto record = are_equal(owners, [](const Inspected& found) { return found.digest; });
  const auto root = are_equal(owners, [](const Inspected& found) { return found.root; });
  auto leaf = are_equal(owners, [](const Inspected& found) { return found.leaf; });
  // Trees of different depth have other leaves over equal records.
  if (root && *root) leaf = true;

  Json out = {{"format", 1}};
  out["bucket"] = question.bucket->name;
  out["key"] = question.partition_key;
  out["key_base64"] = to_base64(question.partition_key);
  out["sort_key"] = question.sort_key;
  out["sort_key_base64"] = to_base64(question.sort_key);
  Json preference = Json::array();
  for (const auto node : epoch.owners(question.partition)) preference.push_back(to_hex(node));
  const auto configuration = epoch.at(question.partition);
  Json new_owners = Json::array();
  for (const auto node : configuration.new_owners) new_owners.push_back(to_hex(node));
  out["placement"] = {
      {"epoch", {{"lineage", epoch.number().lineage}, {"number", epoch.number().number}}},
      {"token", to_hex(question.token.value)},
      {"partition", question.partition.value},
      {"configuration", epoch.configuration(question.partition).value},
      {"owners", std::move(preference)},
      {"stage", name(configuration.stage)},
      {"new_owners", std::move(new_owners)},
      {"r", question.bucket->r},
      {"w", question.bucket->w}};
  out["equal"] = {{"record", json_of(record)}, {"leaf", json_of(leaf)}, {"root", json_of(root)}};
  out["text"] = verdict_text(owners, record, root);
  out["owners"] = Json::array();
  for (const auto& owner : owners) {
    out["owners"].push_back(owner_of(status, question.key, owner, now_ms));
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace coterie::admin
