#pragma once

#include <cstdint>

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

}  // namespace coterie
