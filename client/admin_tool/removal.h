#pragma once

#include <string>

#include "client/admin_tool/talk.h"

/// What goes with a dead node that is taken out of the cluster.
namespace coterie::admin_tool {

/// In words for people, from /v1/status and /v1/ring. Pure. Errors: corrupt.
[[nodiscard]] Result<std::string> removal_text(const std::string& status, const std::string& ring,
                                               const std::string& node);

/// Says so; then it is confirmed by options.is_sure, or typed at a terminal. exit_well: go on.
int confirm_removal(const Options& options, const std::string& node);

}  // namespace coterie::admin_tool
