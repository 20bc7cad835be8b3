#pragma once

#include <map>
#include <string>

#include "base/error.h"
#include "base/ids.h"
#include "node/admin/http_door.h"
#include "node/admin/source.h"

/// What a POST to the admin door asks for: a JSON object of a few fields.
namespace coterie::admin {

/// Its fields as text, numbers and booleans too; without those that are null. Errors:
/// invalid_argument, also for a field that is none of these.
using Order = std::map<std::string, std::string>;
[[nodiscard]] Result<Order> read_order(const HttpRequest& request);

/// A field; empty if there is none.
[[nodiscard]] std::string field(const Order& order, const std::string& name);
/// Errors: invalid_argument.
[[nodiscard]] Result<NodeId> node_in(const Order& order, const std::string& name);

/// Whether a field is true; without it false. Errors: invalid_argument.
[[nodiscard]] Result<bool> flag_in(const Order& order, const std::string& name);
/// A whole number. Errors: invalid_argument.
[[nodiscard]] Result<std::uint64_t> number_in(const Order& order, const std::string& name);

/// Runs a task on all shards: the sum of what it was about. A shard that says not_found has nothing
/// of the kind. Errors: those of Source, and any other of the shards'.
[[nodiscard]] Result<std::uint64_t> sum_over_shards(const Source& source, ShardTask task);

/// {"format": 1, "action": ..., `what`: `count`}
[[nodiscard]] std::string done_document(const std::string& action, const std::string& what,
                                        std::uint64_t count);

}  // namespace coterie::admin
