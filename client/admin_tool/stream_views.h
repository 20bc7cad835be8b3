#pragma once

#include <string>

#include "client/admin_tool/views.h"

/// Changes of owners and their streams, as several nodes tell of them. Pure.
namespace coterie::admin_tool {

/// /v1/transfers of several nodes: each change, each node that is given something in it, and the
/// streams that come or are held.
[[nodiscard]] Result<Rendered> transfers_view(const std::string& merged, bool use_color);
/// The same with every stream, also those that wait and those that are done.
[[nodiscard]] Result<Rendered> all_transfers_view(const std::string& merged, bool use_color);

/// "open", "cut over", "being aborted"; as JSON has it where that is of another build.
[[nodiscard]] std::string stage_words(const std::string& stage);

}  // namespace coterie::admin_tool
