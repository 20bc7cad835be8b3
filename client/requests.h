#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/ids.h"
#include "client/options.h"
#include "client/results.h"

namespace coterie::client {

/// What one put or delete does; made by the functions below, each of which says whether it
/// overwrites what was read or writes blindly.
struct Write {
  /// Replaces what `context` (of the get before) covers; a value written meanwhile by others stays
  /// beside it as a sibling.
  [[nodiscard]] static Write put(Key key, Bytes value, Context context) {
    return {std::move(key), std::move(value), std::move(context), false};
  }
  /// Replaces nothing: where the key has a value, both are siblings afterwards.
  [[nodiscard]] static Write put_blind(Key key, Bytes value) {
    return {std::move(key), std::move(value), Context(), false};
  }
  /// Deletes what `context` covers.
  [[nodiscard]] static Write remove(Key key, Context context) {
    return {std::move(key), Bytes(), std::move(context), true};
  }

  Key key{};
  Bytes value{};
  Context context{};
  bool is_delete = false;
};

/// What a scan covers, in the order of the cluster's tokens: one partition key's records, ordered
/// by sort key, or all of a bucket.
struct Range {
  std::string bucket = "default";
  /// Empty: the whole bucket.
  Bytes partition_key{};
  /// Sort keys from this on (inclusive) and below that (exclusive; empty: no end). Only with a
  /// partition key.
  Bytes sort_key_from{};
  Bytes sort_key_to{};
  /// Only this partition of the bucket, so that several can be scanned at once.
  std::optional<PartitionId> partition{};
};

}  // namespace coterie::client
