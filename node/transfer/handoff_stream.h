#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"
#include "node/transfer/hint_format.h"

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

/// What a frame has besides key and record: nearly, and never more than.
inline constexpr std::size_t frame_overhead_bytes = 128;
inline constexpr std::size_t frame_overhead_most = 1024;

/// What one record or partition is refused for; anything else concerns the target as a whole.
[[nodiscard]] bool concerns_partition(ErrorCode code);

/// The replay of one target's hints: passes over them in the order of their keys, each behind the
/// one before.
struct HandoffStream {
  struct InFlight {
    std::size_t bytes = 0;
    /// Another write was missed since it was sent: the hint stays.
    bool is_needed_again = false;
    // Of a hint that holds a record:
    Bytes value;  // as it was when it was sent
    ConfigurationNumber configuration;
    std::vector<NodeId> asked;    // to hold it, in order
    std::vector<NodeId> held_by;  // those of them that do, durably
  };

  /// The target cannot be reached: records only, to other owners.
  bool is_detour = false;
  HintKind kind = HintKind::record;  // what the pass is at; records first
  std::deque<Bytes> queue;           // keys of hints, the next part of the pass
  Bytes cursor;                      // from where the pass goes on; empty: from the first
  std::map<Bytes, InFlight> in_flight;
  std::size_t bytes_in_flight = 0;
  /// Partitions that were refused in this pass; they wait for the next.
  std::set<PartitionId> refused;
  bool has_failed = false;  // something in this pass
  Instant retry_at;
  std::uint32_t failures = 0;  // since the last answer without an error
  [[nodiscard]] bool is_refused() const { return failures > 0 || !refused.empty(); }
  std::string why;        // of the last failure, whether or not it still holds
  RateMeter rate;         // of strict hints
  RateMeter record_rate;  // of those that hold records
  std::uint64_t replayed = 0;
};

}  // namespace coterie::transfer
