#pragma once

#include <string>
#include <vector>

#include "node/admin/http_door.h"
#include "node/admin/source.h"
#include "node/transfer/handoff.h"

/// Hinted handoff at the admin door: /v1/handoff.
namespace coterie::admin {

/// That of all shards together: a target once for each kind of hints.
[[nodiscard]] transfer::HandoffStatus handoff_of(const std::vector<ShardStatus>& shards);

/// `now` is this node's wall clock.
[[nodiscard]] std::string handoff_document(const NodeStatus& status, WallTime now);

/// What a POST does: {"action": "pause" | "resume" | "cancel", "target": a node's id}; the answer.
/// Errors: invalid_argument, unavailable.
[[nodiscard]] Result<std::string> act_on_handoff(const HttpRequest& request, const Source& source);

}  // namespace coterie::admin
