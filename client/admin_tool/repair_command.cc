#include "client/admin_tool/repair_command.h"

#include <charconv>
#include <cstdint>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "client/admin_tool/repair_views.h"
#include "client/admin_tool/table.h"
#include "client/admin_tool/waiting.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

std::expected<Json, int> order_of(const Options& options, const Members& members,
                                  const std::string& action) {
  Json order = {{"action", action}};
  if (!options.member.empty()) {
    const auto id = member_named(members, options.member);
    if (!id) return std::unexpected(id.error());
    order["member"] = *id;
  }
  if (!options.partition.empty()) {
    std::uint32_t number = 0;
    const auto* end = options.partition.data() + options.partition.size();
    const auto [at, error] = std::from_chars(options.partition.data(), end, number);
    if (error != std::errc{} || at != end) {
      return std::unexpected(usage_error("--partition should be a number"));
    }
    order["partition"] = number;
  }
  if (!options.repaired_bucket.empty()) order["bucket"] = options.repaired_bucket;
  return order;
}

/// What would be lost is said first.
int accept_loss(const Options& options, const Members& members) {
  if (options.member.empty() == options.partition.empty() || !options.repaired_bucket.empty()) {
    return usage_error("repair --accept-loss: name a --member or a --partition");
  }
  const auto order = order_of(options, members, "accept_loss");
  if (!order) return order.error();
  const std::string which = options.member.empty()
                                ? "every copy of partition " + options.partition
                                : "each copy on node " + (*order)["member"].get<std::string>();
  if (!options.is_sure) {
    return complain(
        exit_usage,
        which +
            " that may lack data would be taken as it is, and its records with a bad checksum "
            "would go. Acknowledged writes that no other owner holds are then lost for good, "
            "and what was deleted may come back.\nDo it only where those that could refill it "
            "will not come back (cluster-admin status says what is missing); then add --yes");
  }
  const auto told = tell(members, "/v1/repair", order->dump(), "partitions");
  if (told.code != exit_well) return told.code;
  if (told.sum == 0) return complain(exit_usage, "no copy of these may lack data");
  std::printf("%s copies are taken as they are; compare them now: cluster-admin repair\n",
              with_commas(told.sum).c_str());
  return exit_well;
}

}  // namespace

int run_repair(const Options& options, const std::string& action) {
  const auto members = members_of(options);
  if (!members) return members.error();
  if (options.is_cancel) {
    const auto told = tell(*members, "/v1/repair", R"({"action":"cancel"})", "partitions");
    if (told.code != exit_well) return told.code;
    std::printf("%s\n", told.sum > 0 ? "it ends" : "none is going on");
    return exit_well;
  }
  if (options.is_accepting) return accept_loss(options, *members);
  const auto order = order_of(options, *members, action);
  if (!order) return order.error();
  const auto told = tell(*members, "/v1/repair", order->dump(), "partitions");
  if (told.code != exit_well) return told.code;
  if (told.sum == 0) return complain(exit_usage, "there is nothing of that to compare");
  const auto read = [&told](const std::string& merged) -> Result<Progress> {
    const auto progress = repair_progress(merged, told.ids);
    if (!progress) return std::unexpected(progress.error());
    return Progress{
        .is_over = progress->is_over, .silent = progress->silent, .line = progress_text(*progress)};
  };
  const auto merged = wait_for_end(options, *members, "/v1/repair", read);
  return merged ? show(options, *merged, repair_view) : merged.error();
}

}  // namespace coterie::admin_tool
