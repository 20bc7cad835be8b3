#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/ids.h"

namespace coterie {

/// When a write counts as held by an owner (DESIGN: disk). The numbers are in the epoch's format.
enum class Durability : std::uint8_t {
  commit = 0,    ///< the log is synced
  interval = 1,  ///< written; synced at most limits::interval_sync later
};

/// What becomes of concurrent values. The numbers are in the epoch's format.
enum class Resolver : std::uint8_t {
  siblings = 0,  ///< all are kept until a client resolves them
  lww = 1,       ///< the greatest (timestamp, dot) is kept
};

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
