#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/key.h"
#include "storage/store.h"

namespace coterie::transfer {

/// What a copy holds of a range of keys, by hash.
struct RangeContents {
  struct Entry {
    Bytes key;
    std::uint64_t digest = 0;
    std::uint64_t leaf_hash = 0;
  };
  std::vector<Entry> entries;  // in order of their keys
  std::vector<Bytes> damaged;  // keys whose record's checksum is bad
  /// Where reading stopped at a bound; empty: all of the range was read.
  Bytes covered_to;
};

struct RangeBounds {
  std::size_t records = limits::range_scan_records;
  std::size_t bytes = limits::range_scan_bytes;
};

/// Reads [from, to) (empty `to`: no end) up to the bounds, but one record at least. Errors: the
/// store's.
[[nodiscard]] Result<RangeContents> read_range(const Store& store, const KeyRange& range,
                                               const RangeBounds& bounds);

}  // namespace coterie::transfer
