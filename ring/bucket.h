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
  /// The lowest that r and w have ever been, where that is lower than now; else 0. A request of an
  /// older epoch may still be under way, and what few acknowledged once need not have spread, so
  /// that barriers and new numbers are judged by these.
  std::uint32_t least_r = 0;
  std::uint32_t least_w = 0;

  [[nodiscard]] std::uint32_t lowest_r() const { return least_r == 0 ? r : least_r; }
  [[nodiscard]] std::uint32_t lowest_w() const { return least_w == 0 ? w : least_w; }

  bool operator==(const Bucket&) const = default;
};

}  // namespace coterie
