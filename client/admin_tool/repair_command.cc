#include "client/admin_tool/repair_command.h"

#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <thread>

#include <nlohmann/json.hpp>

#include "client/admin_tool/repair_views.h"
#include "client/admin_tool/table.h"

namespace coterie::admin_tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto look_again = std::chrono::milliseconds(300);
/// How often in a row a node may not answer while it is waited for.
constexpr int silences_most = 20;

/// One line that is written over, on a terminal only.
class ProgressLine {
 public:
  explicit ProgressLine(bool is_wanted) : is_wanted_(is_wanted && isatty(STDERR_FILENO) == 1) {}
  void show(const std::string& text) {
    if (!is_wanted_) return;
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    std::fflush(stderr);
  }
  ~ProgressLine() { show(""); }

 private:
  bool is_wanted_;
};

/// Waits until the command has ended on all that began it; their documents.
std::expected<std::string, int> wait_for_end(const Options& options, const Members& members,
                                             const std::vector<std::string>& ids) {
  ProgressLine line(!options.json);
  int silences = 0;
  while (true) {
    std::string merged = answers_of(members, "/v1/repair");
    const auto progress = repair_progress(merged, ids);
    if (!progress) {
      return std::unexpected(complain(exit_unreachable, progress.error().message));
    }
    silences = progress->silent > 0 ? silences + 1 : 0;
    if ((progress->is_over && progress->silent == 0) || silences > silences_most) return merged;
    line.show(progress_text(*progress));
    std::this_thread::sleep_for(look_again);
  }
}

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
  const auto merged = wait_for_end(options, *members, told.ids);
  return merged ? show(options, *merged, repair_view) : merged.error();
}

}  // namespace coterie::admin_tool
