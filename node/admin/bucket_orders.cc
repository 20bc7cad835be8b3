#include "node/admin/bucket_orders.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "node/settings.h"

namespace coterie::admin {
namespace {

std::unexpected<Error> wrong(std::string words) {
  return fail(ErrorCode::invalid_argument, std::move(words));
}

/// As a configuration file would state it.
SettingValue value_of(std::string_view key, const std::string& text) {
  if (key == "name") return text;
  if (text == "true" || text == "false") return text == "true";
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return number;
  return text;
}

Result<Bucket> bucket_of(const Order& order, std::uint32_t replicas) {
  const std::uint32_t majority = replicas / 2 + 1;
  Bucket bucket{.id = {}, .name = {}, .r = majority, .w = majority};
  for (const auto& [key, text] : order) {
    if (key == "action") continue;
    const auto setting = std::ranges::find(bucket_settings(), key, &BucketSetting::key);
    if (setting == bucket_settings().end()) return wrong("a bucket has no \"" + key + "\"");
    if (const auto fine = setting->set(bucket, value_of(key, text)); !fine) {
      return wrong("\"" + key + "\" " + fine.error().message);
    }
  }
  if (bucket.name.empty()) return wrong("name the bucket: \"name\"");
  return bucket;
}

}  // namespace

Result<topology::Order> bucket_order(const Order& order, std::uint32_t replicas) {
  const auto bucket = bucket_of(order, replicas);
  if (!bucket) return std::unexpected(bucket.error());
  if (field(order, "action") == "create_bucket") return topology::CreateBucket{.bucket = *bucket};
  constexpr std::array<std::string_view, 5> may_change = {"action", "name", "r", "w",
                                                          "time_to_live_s"};
  for (const auto& [key, text] : order) {
    if (std::ranges::find(may_change, key) != may_change.end()) continue;
    return wrong("a bucket's \"" + key + "\" is fixed when it is made");
  }
  topology::SetBucket out{.name = bucket->name, .settings = {}};
  if (order.contains("r")) out.settings.r = bucket->r;
  if (order.contains("w")) out.settings.w = bucket->w;
  if (order.contains("time_to_live_s")) out.settings.default_ttl = bucket->default_ttl;
  return out;
}

Result<topology::Order> lineage_order(const Order& order) {
  const auto is_confirmed = flag_in(order, "confirmed");
  if (!is_confirmed) return std::unexpected(is_confirmed.error());
  topology::ForceLineage out{.lost = {}, .is_confirmed = *is_confirmed};
  std::string_view rest;
  const std::string lost = field(order, "lost");
  for (rest = lost; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto node = node_in({{"lost", std::string(rest.substr(0, comma))}}, "lost");
    if (!node) return std::unexpected(node.error());
    out.lost.push_back(*node);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  if (out.lost.empty()) return wrong("name the \"lost\" nodes' ids");
  std::ranges::sort(out.lost);
  const auto twice = std::ranges::unique(out.lost);
  out.lost.erase(twice.begin(), twice.end());
  return out;
}

}  // namespace coterie::admin
