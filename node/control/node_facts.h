#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/wire/messages_changes.h"
#include "ring/epoch.h"

namespace coterie {

/// What a node holds and has room for; only the node itself can tell.
struct NodeSizes {
  std::uint64_t free_bytes = 0;
  std::uint64_t data_bytes = 0;
  std::uint64_t stream_bytes_a_second = 0;  ///< measured, into this node; 0: not known
  std::vector<std::uint32_t> partitions;    ///< that it holds, ascending; only if asked for
  /// Of each: its records, by the size of all of its shard's.
  std::vector<std::uint64_t> partition_bytes;
};

/// wire::NodeFactsReply, kept.
struct NodeFacts {
  NodeId node;
  wire::NodeStanding standing = wire::NodeStanding::waiting;
  std::string cluster_name;
  ClusterId cluster;
  EpochNumber epoch;
  std::string gossip_address;
  std::string zone;
  std::uint32_t weight = 1;
  std::uint16_t shards = 0;
  std::string build;
  NodeSizes sizes;
};

[[nodiscard]] NodeFacts facts_of(wire::NodeFactsReply reply);
/// Borrows from `facts`.
[[nodiscard]] wire::NodeFactsReply reply_of(const NodeFacts& facts);

/// What an operator wants of a node that shall become a member.
struct Newcomer {
  Address address;  ///< where it was asked
  std::optional<std::uint32_t> weight;
  std::optional<std::string> zone;
  bool replaces = false;  ///< another member, perhaps one that was wiped
};

/// The member that it would be. What plan::stage checks is left to that. Errors: refused, with what
/// to do.
[[nodiscard]] Result<Member> member_of(const NodeFacts& facts, const Newcomer& wanted,
                                       const Epoch& epoch, const std::string& cluster_name);

}  // namespace coterie
