#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/wire/messages.h"
#include "ring/transition/place_quorum.h"

namespace coterie::coordinator {

/// The time of an event: the monotonic one for deadlines, the wall one for timestamps and expiry.
struct Now {
  Instant time;
  WallTime wall;
};

/// How likely an owner answers, by gossip and by the connections. It steers, and refuses a put only
/// up front: a wrong guess costs latency, never data.
enum class Reach : std::uint8_t {
  good,      ///< alive by gossip, and a connection is up
  doubtful,  ///< only one of the two, or its queue is full
  none,      ///< neither, or a send would be refused now: asked last, and not counted on
};

struct Owner {
  NodeId node;
  Reach reach = Reach::good;
};

/// One partition as this node knows it now. Borrowed for the length of a call.
struct Placement {
  PartitionId partition;
  ConfigurationNumber configuration;
  /// Epoch::holders(): at most twice limits::replicas_most; reach of this node itself is not looked
  /// at.
  std::span<const Owner> owners;
  /// Of `owners`; without old ones: the partition is stable.
  transition::Groups groups = {};
  /// Where fallbacks may stand in: those that can be reached, in the order of the preference list,
  /// this node among them if it is one. At most places_most with the owners are used.
  std::span<const NodeId> fallbacks = {};
  bool is_sloppy = false;
  /// Some fallback has said that its hints are at their bound, and is not among them for that.
  bool are_hints_full = false;
};

/// How many of `owners` must answer: `asked` of the request, else the bucket's. Errors:
/// invalid_argument (more than there are owners).
[[nodiscard]] Result<std::uint32_t> resolve(wire::Quorum asked, std::uint32_t of_bucket,
                                            std::size_t owners);

}  // namespace coterie::coordinator
