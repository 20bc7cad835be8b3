#pragma once

#include <string>

#include "client/admin_tool/talk.h"

namespace coterie::admin_tool {

/// Has all nodes compare copies now and waits for the end: `action` is repair or verify. With
/// options.is_cancel ends what is going on. The exit code.
int run_repair(const Options& options, const std::string& action);

}  // namespace coterie::admin_tool
