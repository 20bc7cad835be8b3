#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/instant.h"
#include "tests/unit/gossip/world.h"

namespace coterie::gossip::test {

/// The share of the full size that an experiment runs at, by COTERIE_TEST_SCALE.
[[nodiscard]] double test_scale();

/// From each crash until all other members hold the crashed one dead, sorted. The crashed one comes
/// back in between. One that was not known everywhere after a minute counts as a minute.
[[nodiscard]] std::vector<Duration> crash_times(std::size_t nodes, std::size_t crashes,
                                                std::uint64_t seed, const Network& network = {},
                                                const Settings& settings = {});

[[nodiscard]] Duration percentile(const std::vector<Duration>& sorted, double share);

/// What members said of one that ran all the time and was not stalled.
struct FalseAlarms {
  double node_hours = 0;
  std::size_t suspicions = 0;  // at any observer
  std::size_t deaths = 0;      // at any observer: one mistake that spreads counts often
  std::size_t declared = 0;    // by the one that made the mistake
  std::size_t excused = 0;     // deaths of those that were stalled or deaf
  std::uint64_t packets = 0;
};

[[nodiscard]] FalseAlarms watch_healthy(std::size_t nodes, Duration duration, std::uint64_t seed,
                                        const Network& network, const Settings& settings = {});

/// One in a hundred, at least one, is stalled at any time: for `blocked`, then runs for `open`
/// and is stalled again, in all for `spell`; then others take their turn.
struct Stalls {
  Duration blocked{};
  Duration open{};
  Duration spell{};
};

/// Counts only what was said of members that were not stalled at that time nor shortly before.
[[nodiscard]] FalseAlarms watch_stalls(std::size_t nodes, Duration duration, std::uint64_t seed,
                                       const Stalls& stalls, const Network& network = {});

/// The same where one member sends but hears nothing, for `spell` each; what it believes itself
/// meanwhile is not counted.
[[nodiscard]] FalseAlarms watch_deaf(std::size_t nodes, Duration duration, std::uint64_t seed,
                                     Duration spell);

}  // namespace coterie::gossip::test
