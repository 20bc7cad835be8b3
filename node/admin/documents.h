#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/instant.h"
#include "node/admin/verdict.h"
#include "node/node.h"

/// The JSON documents of the admin door, as docs/operations.md describes them. Each begins with
/// "format": 1; fields are only ever added to a format.
namespace coterie::admin {

/// `now` is this node's wall clock.
[[nodiscard]] std::string status_document(const NodeStatus& status, const Verdict& verdict,
                                          WallTime now);
[[nodiscard]] std::string members_document(const NodeStatus& status);
/// `status` has a view. One partition or all.
[[nodiscard]] std::string ring_document(const NodeStatus& status,
                                        std::optional<PartitionId> partition);
/// Of a node that serves.
[[nodiscard]] std::string health_document(const NodeStatus& status);
[[nodiscard]] std::string config_document(const Config& config);
[[nodiscard]] std::string error_document(const Error& error);

}  // namespace coterie::admin
