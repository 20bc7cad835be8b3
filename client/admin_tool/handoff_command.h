#pragma once

#include "client/admin_tool/talk.h"

namespace coterie::admin_tool {

/// Lists the hints that all nodes keep, or tells all nodes to do what options.action says: pause,
/// resume, cancel (the hints for options.target). The exit code.
int run_handoff(const Options& options);

}  // namespace coterie::admin_tool
