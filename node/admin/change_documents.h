#pragma once

#include <string>
#include <vector>

#include "node/node.h"

namespace coterie::admin {

/// For JSON: "stable", "open", "cut_over", "aborting".
[[nodiscard]] const char* name(Stage stage);

/// The streams of all shards of a node together, by partition.
[[nodiscard]] transfer::StreamsStatus streams_of(const std::vector<ShardStatus>& shards);

/// What is staged at this node, its plan and what the plan does, and the changes under way: the
/// answer to GET and POST of /v1/changes.
[[nodiscard]] std::string changes_document(NodeId self, const topology::Answer& answer);

/// GET /v1/transfers: the changes of owners as this node knows them, and the streams into it.
[[nodiscard]] std::string transfers_document(const NodeStatus& status);

}  // namespace coterie::admin
