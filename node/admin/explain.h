#pragma once

#include <span>
#include <string>

#include "base/instant.h"
#include "node/admin/http_door.h"
#include "node/inspections.h"
#include "node/node.h"

namespace coterie::admin {

/// Which record `explain` is asked about, and where it lies.
struct Question {
  const Bucket* bucket = nullptr;  // of the epoch
  Bytes partition_key;
  Bytes sort_key;
  Token token;
  PartitionId partition;
  Bytes key;  // as on disk
};

/// From a request's parameters: bucket (default "default"), key or key_base64, sort_key or
/// sort_key_base64. Errors: invalid_argument, too_large, unknown_bucket.
[[nodiscard]] Result<Question> read_question(const HttpRequest& request, const Epoch& epoch);

/// The answer as JSON, form as in docs/operations.md. `status` has a view.
[[nodiscard]] std::string explain_document(const NodeStatus& status, const Question& question,
                                           std::span<const Inspection> owners, WallTime now);

}  // namespace coterie::admin
