#pragma once

#include <string>
#include <vector>

#include "node/admin/http_door.h"
#include "node/admin/source.h"
#include "node/transfer/anti_entropy_status.h"

/// Anti-entropy at the admin door: /v1/repair.
namespace coterie::admin {

/// That of all shards together; a command runs on all of them.
[[nodiscard]] transfer::AntiEntropyStatus anti_entropy_of(const std::vector<ShardStatus>& shards);

/// `now` is this node's wall clock.
[[nodiscard]] std::string repair_document(const NodeStatus& status, WallTime now);

/// What a POST does: {"action": "repair" | "verify" | "accept_loss" | "cancel" | "pause" |
/// "resume"}, the first two about all that this node compares, or about one "member" (a node's id),
/// "partition" or "bucket"; accept_loss about one of the first two of these; the answer. `status`
/// has a view. Errors: invalid_argument, unknown_bucket, overloaded (another command is going on),
/// unavailable.
[[nodiscard]] Result<std::string> act_on_repair(const NodeStatus& status,
                                                const HttpRequest& request, const Source& source);

}  // namespace coterie::admin
