#pragma once

#include <string>
#include <vector>

#include "node/node.h"

namespace coterie::admin {

/// For JSON: "stable", "open", "cut_over", "aborting".
[[nodiscard]] const char* name(Stage stage);

/// The streams of all shards of a node together, by partition.
[[nodiscard]] transfer::StreamsStatus streams_of(const std::vector<ShardStatus>& shards);

/// GET /v1/transfers: the changes of owners as this node knows them, and the streams into it.
[[nodiscard]] std::string transfers_document(const NodeStatus& status);

}  // namespace coterie::admin
