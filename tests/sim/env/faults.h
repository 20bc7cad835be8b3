#pragma once

#include <chrono>
#include <cstdint>

#include "base/instant.h"

namespace coterie::sim {

using namespace std::chrono_literals;

/// What is wrong with one node's disk. Chances are for each call.
struct DiskFaults {
  /// A write fails with io; any of its first sectors may have been written.
  double write_error = 0;
  /// A sync fails; each sector written before it is then durable or will never be, whatever is
  /// synced later.
  double sync_error = 0;
  /// A sync says yes and does nothing.
  bool syncs_lie = false;
  /// For good, one bit of what is read is another.
  double bit_flip = 0;
  std::uint64_t capacity_bytes = std::uint64_t{1} << 40;
  /// How long a sync keeps the worker that calls it.
  Duration sync_least = 50us;
  Duration sync_most = 2ms;
};

/// What is wrong with one node.
struct Faults {
  /// Added to its wall clock.
  Duration wall_skew = 0ns;
  /// Until submitted work begins.
  Duration work_least = 1us;
  Duration work_most = 50us;
  /// Submitted work does not begin before this.
  Instant work_stalled_until;
  DiskFaults disk;
};

/// What is wrong with the way from one node to another. Chances are for each packet or frame.
struct LinkFaults {
  Duration delay_least = 50us;
  Duration delay_most = 1ms;
  /// Nothing passes. Connections hold their frames and try again until they give up.
  bool is_blocked = false;
  /// Datagrams, and frames if they are unordered: lost, doubled, or late by up to late_most.
  double loss = 0;
  double doubled = 0;
  double late = 0;
  Duration late_most = 2s;
  /// A frame is lost for good: its connection breaks.
  double break_chance = 0;
  /// Worse than TCP: after the hello, frames of a connection are lost, doubled and overtake each
  /// other like datagrams, and the connection stays.
  bool is_unordered = false;
};

}  // namespace coterie::sim
