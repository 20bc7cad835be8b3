#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "ring/birth.h"

/// Epochs for the tests of this room.
namespace coterie::epoch_samples {

inline BirthInput birth_of(std::size_t members, std::uint32_t replicas = 3,
                           std::uint32_t partitions = 16) {
  BirthInput input{.cluster = {.high = 0x0102030405060708, .low = 9},
                   .hash_seed = 42,
                   .partitions = partitions,
                   .replicas = replicas,
                   .members = {},
                   .buckets = {}};
  for (std::size_t i = 0; i < members; ++i) {
    input.members.push_back({.id = {.high = 0x1000 - i, .low = i},
                             .zone = "zone" + std::to_string(i % 3),
                             .weight = 1,
                             .address = "127.0.0.1:" + std::to_string(7000 + i)});
  }
  input.buckets.push_back({.id = {}, .name = "words", .r = replicas, .w = replicas});
  input.buckets.push_back({.id = {},
                           .name = "sessions",
                           .r = 1,
                           .w = replicas,
                           .sloppy = true,
                           .durability = Durability::interval,
                           .resolver = Resolver::lww,
                           .default_ttl = std::chrono::hours(1)});
  return input;
}

/// Like a cluster with a history: odd weights, several zones, configurations far apart.
inline EpochContents drawn_contents(std::uint64_t seed) {
  Random random(seed);
  const auto replicas = static_cast<std::uint32_t>(1 + random.below(7));
  const std::size_t nodes = replicas + random.below(random.chance(0.1) ? 300 : 20);
  BirthInput input = birth_of(nodes, replicas, 16U << random.below(4));
  for (Member& member : input.members) {
    member.id = {.high = random.next(), .low = random.next()};
    member.weight = static_cast<std::uint32_t>(1 + random.below(500));
    const auto letter = static_cast<char>('a' + random.below(5));
    member.zone = std::string(1 + random.below(6), letter);
  }
  EpochContents contents = first_epoch(std::move(input))->contents();
  contents.number = {.lineage = static_cast<std::uint32_t>(1 + random.below(9)),
                     .number = 1 + random.below(1U << 20)};
  for (auto& number : contents.configurations) number.value = 1 + random.below(1U << 20);
  // The other bucket's have been in use since its birth.
  Bucket& words = contents.buckets.back();
  if (replicas > 1 && random.chance(0.5)) {
    words.least_r = 1 + static_cast<std::uint32_t>(random.below(replicas - 1));
  }
  return contents;
}

}  // namespace coterie::epoch_samples
