#pragma once

#include <string>
#include <vector>

#include "client/admin_tool/talk.h"
#include "client/admin_tool/waiting.h"

namespace coterie::admin_tool {

/// Has all nodes, or the one that options.target names, walk over all their records, and waits for
/// the end; only shows how far they are (options.is_status), or ends it (is_cancel). The exit code.
int run_scrub(const Options& options);

/// /v1/scrub of several nodes: how far the walks of those of `ids` are. Errors: corrupt.
[[nodiscard]] Result<Progress> scrub_progress(const std::string& merged,
                                              const std::vector<std::string>& ids);
/// The same. Well if the last walk of each found nothing amiss.
[[nodiscard]] Result<Rendered> scrub_view(const std::string& merged, bool use_color);

}  // namespace coterie::admin_tool
