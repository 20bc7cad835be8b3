#include "client/tool/json.h"

// nlohmann/json is heavy: of this tool only this file includes it.
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "client/tool/utf8.h"

namespace coterie::tool {
namespace {

using Json = nlohmann::ordered_json;

void set_bytes(Json& object, const std::string& name, BytesView bytes) {
  if (is_utf8(bytes)) {
    object[name] = std::string(bytes);
  } else {
    object[name + "_base64"] = to_base64(bytes);
  }
}

Error wrong(const std::string& what) {
  return {.code = ErrorCode::invalid_argument, .message = what};
}

Result<void> take_field(FileRecord& record, const std::string& full_name, const Json& value) {
  constexpr std::string_view suffix = "_base64";
  const bool is_base64 = full_name.ends_with(suffix);
  const std::string name =
      is_base64 ? full_name.substr(0, full_name.size() - suffix.size()) : full_name;
  Bytes* field = nullptr;
  if (name == "key") field = &record.key;
  if (name == "sort_key") field = &record.sort_key;
  if (name == "value") field = &record.value;
  if (field == nullptr) return std::unexpected(wrong("it has an unknown field " + full_name));
  if (!value.is_string()) return std::unexpected(wrong(full_name + " is not a string"));
  const auto& text = value.get_ref<const std::string&>();
  if (!is_base64) {
    *field = text;
    return {};
  }
  auto bytes = from_base64(text);
  if (!bytes) return std::unexpected(wrong(full_name + " is not base64"));
  *field = std::move(*bytes);
  return {};
}

Json of_key(const client::Key& key) {
  Json out;
  out["bucket"] = key.bucket;
  set_bytes(out, "key", key.partition_key);
  if (!key.sort_key.empty()) set_bytes(out, "sort_key", key.sort_key);
  return out;
}

}  // namespace

std::string to_json_line(const FileRecord& record) {
  Json out;
  set_bytes(out, "key", record.key);
  if (!record.sort_key.empty()) set_bytes(out, "sort_key", record.sort_key);
  set_bytes(out, "value", record.value);
  return out.dump();
}

Result<FileRecord> from_json_line(std::string_view line) {
  const Json parsed = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return std::unexpected(wrong("it is not a JSON object"));
  FileRecord record;
  for (const auto& [name, value] : parsed.items()) {
    if (auto taken = take_field(record, name, value); !taken) {
      return std::unexpected(taken.error());
    }
  }
  const bool has_value = parsed.contains("value") || parsed.contains("value_base64");
  if (record.key.empty() || !has_value) {
    return std::unexpected(wrong("it needs a \"key\" that is not empty and a \"value\""));
  }
  return record;
}

std::string to_json(const client::Key& key, const client::GetResult& result) {
  Json out = of_key(key);
  out["found"] = result.is_found();
  out["weak"] = result.is_weak;
  out["stand_ins"] = result.stand_ins;
  out["context"] = to_base64(result.context.bytes());
  out["siblings"] = Json::array();
  for (const auto& sibling : result.siblings) {
    Json entry;
    set_bytes(entry, "value", sibling.value);
    entry["timestamp_ms"] = sibling.timestamp.wall_ms();
    if (sibling.expires_ms != 0) entry["expires_ms"] = sibling.expires_ms;
    out["siblings"].push_back(std::move(entry));
  }
  return out.dump();
}

std::string to_json(const client::Key& key, const client::PutResult& result) {
  Json out = of_key(key);
  out["context"] = to_base64(result.context.bytes());
  out["siblings"] = result.siblings;
  out["weak"] = result.is_weak;
  out["stand_ins"] = result.stand_ins;
  return out.dump();
}

std::string to_json(const Error& error) {
  Json out;
  out["error"] = {{"code", std::string(name(error.code))},
                  {"message", error.message},
                  {"in_doubt", client::in_doubt(error)},
                  {"retryable", retryable(error.code)}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace coterie::tool
