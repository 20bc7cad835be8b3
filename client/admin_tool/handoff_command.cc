#include "client/admin_tool/handoff_command.h"

#include <cstdio>

#include <nlohmann/json.hpp>

#include "client/admin_tool/table.h"
#include "client/admin_tool/transfer_views.h"

namespace coterie::admin_tool {

int run_handoff(const Options& options) {
  const auto members = members_of(options);
  if (!members) return members.error();
  if (options.action.empty())
    return show(options, answers_of(*members, "/v1/handoff"), handoff_view);
  nlohmann::ordered_json order = {{"action", options.action}};
  if (options.action == "cancel") {
    const auto target = member_named(*members, options.target);
    if (!target) return target.error();
    order["target"] = *target;
  }
  const auto told = tell(*members, "/v1/handoff", order.dump(), "hints");
  if (told.code != exit_well) return told.code;
  if (options.json) {
    return show(options, answers_of(*members, "/v1/handoff"), handoff_view);
  }
  if (options.action == "pause") {
    std::printf("replay is paused on %zu nodes; go on: cluster-admin handoff resume\n",
                members->ids.size());
  } else if (options.action == "resume") {
    std::printf("replay goes on; look at: cluster-admin handoff\n");
  } else {
    std::printf("%s hints given up; their partitions are marked as needing repair\n",
                with_commas(told.sum).c_str());
  }
  return exit_well;
}

}  // namespace coterie::admin_tool
