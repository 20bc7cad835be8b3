#include "node/admin/orders.h"

#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

namespace coterie::admin {
namespace {

using Json = nlohmann::ordered_json;

std::unexpected<Error> wrong(std::string words) {
  return fail(ErrorCode::invalid_argument, std::move(words));
}

}  // namespace

Result<Order> read_order(const HttpRequest& request) {
  const auto object = Json::parse(request.body, nullptr, false);
  if (object.is_discarded() || !object.is_object())
    return wrong("the body should be a JSON object");
  Order out;
  for (const auto& [name, value] : object.items()) {
    if (value.is_null()) continue;
    if (value.is_string()) {
      out[name] = value.get<std::string>();
    } else if (value.is_number_unsigned() || value.is_boolean()) {
      out[name] = value.dump();
    } else {
      return wrong("\"" + name + "\" should be text, a whole number, true or false");
    }
  }
  return out;
}

std::string field(const Order& order, const std::string& name) {
  const auto found = order.find(name);
  return found == order.end() ? std::string() : found->second;
}

Result<NodeId> node_in(const Order& order, const std::string& name) {
  const auto id = hex_to_128(field(order, name));
  if (!id) return wrong("\"" + name + "\" should be a node's id, 32 hexadecimal digits");
  return NodeId{.high = id->first, .low = id->second};
}

Result<bool> flag_in(const Order& order, const std::string& name) {
  const std::string text = field(order, name);
  if (text == "true") return true;
  if (text.empty() || text == "false") return false;
  return wrong("\"" + name + "\" should be true or false");
}

Result<std::uint64_t> number_in(const Order& order, const std::string& name) {
  const std::string text = field(order, name);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return number;
  return wrong("\"" + name + "\" should be a whole number");
}

Result<std::uint64_t> sum_over_shards(const Source& source, ShardTask task) {
  const auto outcomes = source.on_all_shards(std::move(task));
  if (!outcomes) return std::unexpected(outcomes.error());
  std::uint64_t sum = 0;
  for (const auto& outcome : *outcomes) {
    if (!outcome && outcome.error().code != ErrorCode::not_found) {
      return std::unexpected(outcome.error());
    }
    sum += outcome.value_or(0);
  }
  return sum;
}

std::string done_document(const std::string& action, const std::string& what, std::uint64_t count) {
  const Json out = {{"format", 1}, {"action", action}, {what, count}};
  return out.dump(2) + "\n";
}

}  // namespace coterie::admin
