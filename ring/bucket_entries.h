#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "ring/bucket.h"
#include "ring/epoch.h"

/// Buckets that come and change while the cluster works, as epochs: each function changes `next`,
/// the contents of the epoch after the one it was made from by transition::following().
namespace coterie {

/// A new bucket; its id is given to it here. Errors: refused: there is one of that name, or there
/// are too many; invalid_argument: a number or the name is not what it must be.
[[nodiscard]] Result<void> create_bucket(EpochContents& next, Bucket bucket);

/// What of a bucket may change; what is not given stays as it is.
struct BucketSettings {
  std::optional<std::uint32_t> r;
  std::optional<std::uint32_t> w;
  std::optional<std::chrono::milliseconds> default_ttl;  ///< of values that are put from then on
};

/// R and W may be raised, and lowered as far as each R that the bucket has had meets each W that it
/// has had. transition::open_fence forgets a lower R of before; a lower W would need all copies to
/// be compared after that. Errors:
/// unknown_bucket; invalid_argument: a number is not what it must be; refused: such a lower number,
/// or nothing changes. `next` is then as it was.
[[nodiscard]] Result<void> set_bucket(EpochContents& next, std::string_view name,
                                      const BucketSettings& settings);

}  // namespace coterie
