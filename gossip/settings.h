#pragma once

#include <chrono>
#include <cstdint>

#include "base/instant.h"

namespace coterie::gossip {

using namespace std::chrono_literals;

/// How eagerly members are watched and told. The defaults are those of docs/configuration.md and
/// hold the figures of tests/unit/gossip. n is the number of members that are neither dead nor
/// left, this one included.
struct Settings {
  /// One member is probed each interval, in a random round.
  Duration probe_interval = 200ms;
  /// Without an ack after this, others are asked to probe; must exceed a round trip, and two of
  /// these must fit into the interval.
  Duration probe_timeout = 80ms;
  std::uint32_t indirect_probes = 3;

  /// A suspect is dead after at least max(suspicion_least, suspicion_factor * log10(n) *
  /// probe_interval), if enough others confirm; after suspicion_most_factor times that, if none
  /// does; in between on the logarithm of their number (Lifeguard, section IV-B).
  Duration suspicion_least = 1s;
  double suspicion_factor = 2.5;
  double suspicion_most_factor = 6;
  /// Accusers beyond the first that bring the timeout down to its least.
  std::uint32_t confirmations = 3;
  /// For so long before a suspect is given up, it is asked directly in every gossip interval.
  Duration last_words = 400ms;

  /// Rumours go to `gossip_fanout` random members each interval, each rumour at most
  /// retransmit_factor * ceil(log10(n + 1)) times.
  Duration gossip_interval = 100ms;
  std::uint32_t gossip_fanout = 3;
  std::uint32_t retransmit_factor = 4;
  /// The dead are told rumours for so long, and are asked whether they are back ever after, one of
  /// them each reconnect_interval.
  Duration gossip_to_the_dead = 30s;
  Duration reconnect_interval = 1s;
  /// The dead and those that left are dropped from the table.
  Duration forget_after = 24h;

  /// Whole tables are exchanged with a random member; the interval grows with log2(n) above 32.
  Duration push_pull_interval = 30s;
  /// Seeds that no living member answers for are tried again after the first, doubling to the last.
  Duration join_retry_least = 250ms;
  Duration join_retry_most = 30s;

  /// The local health multiplier runs from 1 to this (Lifeguard, section IV-A).
  std::uint32_t local_health_most = 8;
  /// Woken later than this after the time asked for, this process was stalled: what it has not
  /// heard in the meantime is held against nobody.
  Duration stall_slack = 50ms;
};

}  // namespace coterie::gossip
