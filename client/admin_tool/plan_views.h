#pragma once

#include <string>

#include "client/admin_tool/views.h"

/// What is staged and what its plan does, for people. Pure. Errors: corrupt (not such a document).
namespace coterie::admin_tool {

struct PlanLook {
  bool use_color = false;
  bool with_all = false;  ///< all pairs of nodes, however many
  /// What commands to be typed next need to reach the node: " --node HOST:PORT", or nothing.
  std::string again;
  bool is_begun_now = false;  ///< it is committed at once: nothing is to be typed
};

/// /v1/changes: the staged changes, who gives what to whom, shares, disk, quorums, problems, and
/// last what to type next. Not well: there are problems, or there is no plan.
[[nodiscard]] Result<Rendered> plan_view(const std::string& document, const PlanLook& look);

/// /v1/changes after something was staged: that, and what to type next.
[[nodiscard]] Result<Rendered> staged_view(const std::string& document, const PlanLook& look);

/// Text with nodes' whole ids cut to what people are shown.
[[nodiscard]] std::string with_short_ids(const std::string& text);

}  // namespace coterie::admin_tool
