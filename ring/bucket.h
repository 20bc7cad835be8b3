#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/policy.h"

namespace coterie {

/// A bucket's properties. They travel with the epochs; every node of an epoch applies the same.
struct Bucket {
  BucketId id;       ///< from 1; never reused
  std::string name;  ///< 1..limits::bucket_name_bytes of graphic ASCII
  std::uint32_t r = 2;
  std::uint32_t w = 2;
  /// Where too few owners can be reached: true lets fallbacks stand in, false refuses.
  bool sloppy = false;
  Durability durability = Durability::commit;
  Resolver resolver = Resolver::siblings;
  /// Of values put without a time to live of their own; 0 means that they never expire.
  std::chrono::milliseconds default_ttl{0};

  bool operator==(const Bucket&) const = default;
};

}  // namespace coterie
