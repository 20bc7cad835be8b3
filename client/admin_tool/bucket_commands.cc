#include "client/admin_tool/bucket_commands.h"

#include <cstdint>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "client/admin_tool/table.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

std::string plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Tells the asked node; the exit code.
int tell_ring(const Options& options, const Json& order, const std::string& done) {
  const auto door = Address::parse(options.node);
  if (!door) return usage_error("--node: " + door.error().message);
  const auto answer = tell_one(*door, "/v1/changes", order.dump());
  if (!answer) return answer.error();
  std::printf("%s\n", options.json ? answer->c_str() : done.c_str());
  return exit_well;
}

}  // namespace

Result<Rendered> buckets_view(const std::string& document, bool use_color) {
  try {
    const Json ring = Json::parse(document);
    Table table({{"bucket"},
                 {"r", true},
                 {"w", true},
                 {"sloppy"},
                 {"durability"},
                 {"resolver"},
                 {"expires after", true}});
    for (const auto& bucket : ring.at("buckets")) {
      const auto seconds = bucket.at("time_to_live_s").get<std::uint64_t>();
      table.add({{plain(bucket.at("name"))},
                 {plain(bucket.at("r"))},
                 {plain(bucket.at("w"))},
                 {bucket.at("sloppy").get<bool>() ? "yes" : "no"},
                 {plain(bucket.at("durability"))},
                 {plain(bucket.at("resolver"))},
                 {seconds == 0 ? "never" : seconds_text(seconds)}});
    }
    return Rendered{.text = table.text(use_color)};
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, error.what());
  }
}

int run_bucket(const Options& options) {
  const bool is_list = options.action.empty() || options.action == "list";
  const bool is_fence = options.action == "fence";
  if ((is_list || is_fence) != options.target.empty()) {
    return usage_error(is_list || is_fence ? "bucket list and fence take no name"
                                           : "name the bucket");
  }
  if (is_fence) {
    return tell_ring(options, {{"action", "fence_buckets"}},
                     "a change has begun that moves nothing; once it has ended no older request is "
                     "served; how far it is: cluster-admin transfers --watch" +
                         again(options));
  }
  if (is_list) {
    // One partition is enough: the buckets are with each.
    const auto asked = ask(options, "/v1/ring?partition=0");
    return asked ? show(options, asked->body, buckets_view) : asked.error();
  }
  Json order = {{"action", options.action + "_bucket"}, {"name", options.target}};
  const auto add = [&order](const char* name, const std::string& value) {
    if (!value.empty()) order[name] = value;
  };
  add("r", options.r);
  add("w", options.w);
  add("durability", options.durability);
  add("resolver", options.resolver);
  add("time_to_live_s", options.time_to_live);
  if (options.is_sloppy) order["sloppy"] = true;
  const std::string what = options.action == "create" ? "is made" : "is set";
  return tell_ring(
      options, order,
      "bucket " + options.target + " " + what + "; look at: cluster-admin bucket list");
}

int run_force_lineage(const Options& options) {
  const auto members = members_of(options);
  if (!members) return members.error();
  std::string lost;
  for (const auto& text : options.lost) {
    const auto id = member_named(*members, text);
    if (!id) return id.error();
    lost += (lost.empty() ? "" : ",") + *id;
  }
  Json order = {{"action", "force_lineage"}, {"lost", lost}};
  if (options.is_sure) order["confirmed"] = true;
  const int code =
      tell_ring(options, order,
                "a new lineage has begun at the asked node, and the others follow it; now "
                "replace or remove each lost node, and look at: cluster-admin status" +
                    again(options));
  if (code == exit_degraded && !options.is_sure) return complain(code, "to confirm it, add --yes");
  return code;
}

}  // namespace coterie::admin_tool
