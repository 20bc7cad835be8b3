#pragma once

#include <string>
#include <vector>

#include "node/admin/http_door.h"
#include "node/admin/source.h"
#include "node/transfer/scrub_status.h"

/// Scrub at the admin door: /v1/scrub.
namespace coterie::admin {

/// That of all shards together; a walk goes on while one of theirs does.
[[nodiscard]] transfer::ScrubStatus scrub_of(const std::vector<ShardStatus>& shards);

/// `now` is this node's wall clock.
[[nodiscard]] std::string scrub_document(const NodeStatus& status, WallTime now);

/// What a POST does: {"action": "scrub" | "cancel"}; the answer. `status` has a view. Errors:
/// invalid_argument, unavailable.
[[nodiscard]] Result<std::string> act_on_scrub(const HttpRequest& request, const Source& source);

}  // namespace coterie::admin
