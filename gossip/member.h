#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"

namespace coterie::gossip {

/// What the members hold of one of them. Later ones outrank earlier ones at one incarnation. The
/// numbers travel on the wire.
enum class MemberState : std::uint8_t { alive = 1, suspect = 2, dead = 3, left = 4 };

/// The state's name for tables and JSON.
[[nodiscard]] std::string_view name(MemberState state);

/// The newest epoch a node knows, and its hash, so that one behind learns that it is.
struct EpochMark {
  EpochNumber number;
  std::uint64_t hash = 0;

  bool operator==(const EpochMark&) const = default;
};

/// One node as this one sees it.
struct Member {
  NodeId id;
  /// Its gossip door.
  Address address;
  /// Only the member itself raises it: to refute an accusation, to change `meta`, at a restart.
  std::uint64_t incarnation = 0;
  MemberState state = MemberState::alive;
  /// Opaque here, at most limits::gossip_meta_bytes.
  Bytes meta;
  /// As of its last packet to this node; zero before the first.
  EpochMark epoch;
  /// When `state` was entered, by the local clock.
  Instant since;
};

}  // namespace coterie::gossip
