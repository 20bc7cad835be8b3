#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/instant.h"
#include "node/coordinator/local_replica.h"

namespace coterie::coordinator {

/// Deadlines of many operations at a millisecond's coarseness: O(1) to add, nothing to cancel: a
/// tag whose operation is over is ignored when it comes up. Times are not before the epoch of
/// Instant.
class TimerWheel {
 public:
  /// `tag` comes up at `when`, or up to a tick later, never earlier; at once if that is past.
  void add(Instant when, Tag tag);
  /// When next() should be looked at again; none: the wheel is empty.
  [[nodiscard]] std::optional<Instant> next() const;
  /// Moves to `now` and appends to `due` the tags that have come up, in the order of their ticks
  /// and, within one, of their adding.
  void advance(Instant now, std::vector<Tag>& due);

 private:
  static constexpr std::size_t slots =
      8192;  // a power of two: 8 s ahead; what is later is put back
  static constexpr Duration tick = std::chrono::milliseconds(1);

  struct Entry {
    std::int64_t tick = 0;
    Tag tag;
  };

  void put(const Entry& entry);
  void leap(std::int64_t target);
  [[nodiscard]] std::optional<std::int64_t> next_tick() const;

  std::array<std::vector<Entry>, slots> slots_;
  std::array<std::uint64_t, slots / 64> occupied_{};
  std::vector<Entry> moved_;          // of advance(), kept for its capacity
  std::int64_t current_ = 0;          // ticks up to this one have come up
  std::optional<std::int64_t> next_;  // next_tick(), which is asked for after each event
};

}  // namespace coterie::coordinator
