#pragma once

#include <string>

#include "node/admin/verdict.h"
#include "node/node.h"

namespace coterie::admin {

/// A node's figures in Prometheus' text form, version 0.0.4. docs/operations.md lists the names;
/// all begin with coterie_ and end with their unit.
[[nodiscard]] std::string metrics_text(const NodeStatus& status, const Verdict& verdict);

}  // namespace coterie::admin
