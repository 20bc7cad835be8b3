#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"

namespace coterie::transfer {

/// How much went in the last whole second.
class RateMeter {
 public:
  void count(Instant now, std::uint64_t bytes);
  struct Rate {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] Rate last_second(Instant now) const;

 private:
  Instant begin_;
  Rate current_;
  Rate last_;
};

/// The replay of one target's hints: passes over them in the order of their keys, each behind the
/// one before.
struct HandoffStream {
  struct InFlight {
    std::size_t bytes = 0;
    /// Another write was missed since it was sent: the hint stays.
    bool is_needed_again = false;
  };

  std::deque<Bytes> queue;  // keys of hints, the next part of the pass
  Bytes cursor;             // from where the pass goes on; empty: from the first
  std::map<Bytes, InFlight> in_flight;
  std::size_t bytes_in_flight = 0;
  /// Partitions that were refused in this pass; they wait for the next.
  std::set<PartitionId> refused;
  bool has_failed = false;  // something in this pass
  Instant retry_at;
  std::uint32_t failures = 0;  // since the last answer without an error
  [[nodiscard]] bool is_refused() const { return failures > 0 || !refused.empty(); }
  std::string why;  // of the last failure, whether or not it still holds
  RateMeter rate;
  std::uint64_t replayed = 0;
};

}  // namespace coterie::transfer
