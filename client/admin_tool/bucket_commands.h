#pragma once

#include "client/admin_tool/talk.h"

/// What operators change of the ring besides who owns what. Each gives the exit code.
namespace coterie::admin_tool {

/// options.action: create or set, of the bucket options.target; list or fence, of all.
int run_bucket(const Options& options);

/// The buckets of /v1/ring. Pure. Errors: corrupt (not such a document).
[[nodiscard]] Result<Rendered> buckets_view(const std::string& document, bool use_color);

/// Without options.is_sure only says what may be lost.
int run_force_lineage(const Options& options);

}  // namespace coterie::admin_tool
