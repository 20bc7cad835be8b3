#pragma once

#include <string>

#include "base/error.h"
#include "base/log.h"
#include "node/admin/http_door.h"
#include "node/admin/source.h"

/// How operators change the ring, at the admin door.
namespace coterie::admin {

/// GET /v1/changes. Errors: those of Source::order.
[[nodiscard]] Result<std::string> look_at_changes(const NodeStatus& status, const Source& source);

/// POST /v1/changes: {"action": "stage", "unstage", "clear", "commit", "abort", "pause" or
/// "resume", ...}; `status` has a view. Errors: invalid_argument; not_found; refused: also where
/// partitions would be left without a quorum, which "force" allows; those of Source::order.
[[nodiscard]] Result<std::string> act_on_changes(const NodeStatus& status,
                                                 const HttpRequest& request, const Source& source);

/// POST /v1/drain: stops this node cleanly. `status` has a view. Errors: invalid_argument; refused:
/// partitions would be left without a quorum, which "force" allows.
[[nodiscard]] Result<std::string> drain(const NodeStatus& status, const HttpRequest& request,
                                        const Source& source);

/// For a stop that is not to be refused: if partitions lose their quorum with this node, the log
/// says so. Does not wait. From any thread.
void warn_of_stop(Node& node, Log& log);

/// Why `node` should not stop or leave now, by what `status` says is reachable: partitions would be
/// left without a quorum. Empty: nothing speaks against it.
[[nodiscard]] std::string why_needed(const NodeStatus& status, NodeId node);

}  // namespace coterie::admin
