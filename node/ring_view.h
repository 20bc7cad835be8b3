#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/clock_bounds.h"
#include "base/ids.h"
#include "base/wire/messages.h"
#include "ring/epoch.h"

namespace coterie {

/// What gossip says of a member beyond its being alive: travels as the member's meta.
struct MemberMeta {
  Address client;
  Address peer;
  Address admin;
  std::uint16_t shards = 0;
  RunId run;
  std::string zone;
  std::uint32_t weight = 0;
  std::string build;

  bool operator==(const MemberMeta&) const = default;
};

[[nodiscard]] Bytes encode_meta(const MemberMeta& meta);
/// Errors: corrupt, unsupported_version.
[[nodiscard]] Result<MemberMeta> decode_meta(BytesView bytes);

/// A member as this node sees it now.
struct PeerView {
  NodeId node;
  Address gossip;
  wire::Liveness liveness = wire::Liveness::dead;
  EpochNumber epoch;
  MemberMeta meta;  // empty until heard of

  bool operator==(const PeerView&) const = default;
};

/// The ring and who lives, as the control loop knows them; immutable, shared with every shard.
struct RingView {
  std::shared_ptr<const Epoch> epoch;  // never null once shards run
  std::vector<PeerView> peers;         // sorted by node id; every epoch member and whoever gossips
  std::optional<ClockBounds> clock;    // for this node's wall clock; none: nothing to compare with

  /// Null if unknown.
  [[nodiscard]] const PeerView* peer(NodeId node) const;
};

}  // namespace coterie
