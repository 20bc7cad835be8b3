#include "client/ring.h"

#include <algorithm>
#include <utility>

#include "ring/epoch_codec.h"

namespace coterie::client {

const Ring::Node* Ring::node(NodeId id) const {
  const auto found = std::ranges::lower_bound(nodes, id, {}, &Node::id);
  return found == nodes.end() || found->id != id ? nullptr : &*found;
}

std::optional<Target> Ring::target(NodeId id, PartitionId partition) const {
  const Node* found = node(id);
  if (found == nullptr || found->shards == 0 || !found->address) return std::nullopt;
  return Target{.node = id,
                .shard = ShardIndex{static_cast<std::uint16_t>(partition.value % found->shards)}};
}

Result<Ring> read_ring(const wire::RingReply& reply, const Ring& before) {
  Ring ring{.epoch = before.epoch, .nodes = {}};
  if (!reply.epoch.empty()) {
    auto epoch = decode_epoch(reply.epoch);
    if (!epoch) return std::unexpected(epoch.error());
    if (before.epoch != nullptr && epoch->cluster() != before.epoch->cluster()) {
      return fail(ErrorCode::refused, "it belongs to another cluster");
    }
    // A node that is behind: what is known already stays.
    const bool is_newer = before.epoch == nullptr || epoch->number() > before.epoch->number();
    if (is_newer) ring.epoch = std::make_shared<const Epoch>(std::move(*epoch));
  }
  if (ring.epoch == nullptr) return fail(ErrorCode::corrupt, "its answer names no ring");
  for (const auto& member : reply.members) {
    auto address = Address::parse(member.client_address);
    ring.nodes.push_back({.id = member.node,
                          .liveness = member.liveness,
                          .shards = member.shards,
                          .address = address ? std::optional(std::move(*address)) : std::nullopt});
  }
  std::ranges::sort(ring.nodes, {}, &Ring::Node::id);
  return ring;
}

}  // namespace coterie::client
