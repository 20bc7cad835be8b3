#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/limits.h"
#include "node/coordinator/latency_tracker.h"
#include "node/coordinator/local_replica.h"
#include "node/coordinator/outbox.h"
#include "node/coordinator/peer_load.h"
#include "node/coordinator/placement.h"
#include "node/coordinator/slab.h"
#include "node/coordinator/timer_wheel.h"
#include "ring/transition/place_quorum.h"

namespace coterie::coordinator {

struct Options {
  std::size_t operations = limits::operations_a_shard;
  std::size_t waiting_puts = limits::waiting_puts_a_shard;
  std::size_t remembered_requests = limits::request_ids_a_shard;
  std::size_t held_bytes = limits::in_flight_bytes_a_shard;
};

/// Of the coordinator's life; for metrics.
struct Counters {
  std::uint64_t puts = 0;
  std::uint64_t gets = 0;
  std::uint64_t scans = 0;
  std::uint64_t failed = 0;   ///< answered with an error
  std::uint64_t unknown = 0;  ///< of these: puts with an unknown outcome
  std::uint64_t weak = 0;     ///< answered with less than the bucket's R or W
  std::uint64_t recognised = 0;
  std::uint64_t hints = 0;
  std::uint64_t stood_in = 0;    ///< writes and reads that a fallback was asked to stand in for
  std::uint64_t resends = 0;     ///< records sent again, reads begun again: a purge came in between
  std::uint64_t mismatches = 0;  ///< reads whose owners differed
  std::uint64_t repairs = 0;     ///< records sent to owners that lacked something
  std::uint64_t hedges = 0;
  std::uint64_t bad_answers = 0;  ///< replicas' records that could not be decoded
};

/// What a client is told to wait after owners could not be reached.
inline constexpr std::uint32_t unavailable_retry_ms = 100;

/// What the three kinds of operation share.
struct Parts {
  NodeId self;
  LocalReplica& local;
  Outbox& outbox;
  Options options;
  TimerWheel timers;
  PeerLoad load;
  LatencyTracker read_latency;
  HedgeBudget hedges;
  Counters counters;
  bool under_pressure = false;
  /// Of the records that unfinished reads have been answered with. A request is small and what it
  /// asks for may be large: no read begins beyond the bound.
  std::size_t held_bytes = 0;

  [[nodiscard]] bool is_full() const { return held_bytes >= options.held_bytes; }
};

/// Empties a buffer that is used again, and gives it back where it has grown large.
void recycle(Bytes& buffer);

/// What a tag is for; in its lowest bits, above the owner's place.
enum class Kind : std::uint8_t { put = 0, get = 1, scan = 2 };
enum class Purpose : std::uint8_t { request = 0, full = 1, repair = 2, deadline = 3, hedge = 4 };

struct TagParts {
  std::uint64_t operation = 0;  ///< Slab's id
  Kind kind = Kind::put;
  Purpose purpose = Purpose::request;
  std::uint8_t owner = 0;  ///< place in the operation's owners
};

[[nodiscard]] constexpr Tag make_tag(const TagParts& parts) {
  return Tag{parts.operation << 10 | std::uint64_t{parts.owner} << 5 |
             static_cast<std::uint64_t>(parts.purpose) << 2 |
             static_cast<std::uint64_t>(parts.kind)};
}

[[nodiscard]] constexpr TagParts split(Tag tag) {
  return {.operation = tag.value >> 10,
          .kind = static_cast<Kind>(tag.value & 3),
          .purpose = static_cast<Purpose>(tag.value >> 2 & 7),
          .owner = static_cast<std::uint8_t>(tag.value >> 5 & 31)};
}

/// Owners, and as many fallbacks, or as many others while the owners change.
inline constexpr std::size_t places_most = 2 * limits::replicas_most;
static_assert(places_most <= 32, "a tag has five bits for the place");

/// A partition's owners, copied from a Placement, and behind them the fallbacks that may be asked
/// in their place, the first one first; none where the request is strict.
struct Owners {
  std::array<NodeId, places_most> nodes;
  std::uint8_t count = 0;
  std::uint8_t total = 0;     ///< with the fallbacks
  std::uint8_t self = 0;      ///< this node's place; `total` where it has none
  std::uint8_t replicas = 0;  ///< N: of each group
  std::uint8_t readable = 0;  ///< of all, those that a read may ask
  transition::Groups groups;

  /// The quorum of a read; whichever fallbacks answer count to it.
  [[nodiscard]] transition::PlaceQuorum of_read(std::uint32_t r) const {
    const auto all = (transition::Places{1} << total) - 1;
    const auto of_owners = (transition::Places{1} << count) - 1;
    return {r, groups.readers() | (all & ~of_owners), 0};
  }

  [[nodiscard]] bool is_fallback(std::size_t place) const { return place >= count; }
  /// This node has no copy: it coordinates because no owner can be reached.
  [[nodiscard]] bool is_self_fallback() const { return self >= count && has_self(); }
  /// Not one that owned the partition when it began the request, and owns it no more.
  [[nodiscard]] bool has_self() const { return self < total; }
};

[[nodiscard]] Owners owners_of(const Placement& placement, NodeId self);

/// For people: how many places `counts` is true of, as "1 of 3 owners and 1 standing in".
[[nodiscard]] std::string count_in_words(const Owners& owners,
                                         const std::function<bool(std::size_t)>& counts);

/// Whether a write may count on W, fallbacks standing in for whom they are needed for; and what it
/// may count on, in words.
[[nodiscard]] bool may_reach(std::uint32_t w, const Placement& placement, const Owners& owners);
[[nodiscard]] std::string in_reach_in_words(const Placement& placement, const Owners& owners);

using PlaceOrder = std::array<std::uint8_t, places_most>;

/// In which order a read asks, Owners::readable of them: this node, then by reach, then who has
/// least to answer; the fallbacks last, in their order.
[[nodiscard]] PlaceOrder read_order(const Placement& placement, const Owners& owners,
                                    const PeerLoad& load);

}  // namespace coterie::coordinator
