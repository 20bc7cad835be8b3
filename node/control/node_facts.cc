#include "node/control/node_facts.h"

#include <utility>

namespace coterie {
namespace {

using wire::NodeStanding;

std::unexpected<Error> refuse(std::string why) {
  return fail(ErrorCode::refused, std::move(why));
}

Result<void> check_standing(const NodeFacts& facts, const Newcomer& wanted, const Epoch& epoch) {
  const auto who = "node " + to_hex(facts.node) + " at " + wanted.address.text();
  const bool is_ours = facts.cluster == epoch.cluster();
  switch (facts.standing) {
    case NodeStanding::waiting:
      return {};
    case NodeStanding::forming: {
      if (wanted.replaces) return {};
      for (const Member& member : epoch.members()) {
        if (member.address != wanted.address.text()) continue;
        return refuse(who + " has the address of member " + to_hex(member.id) +
                      " and holds nothing, so that one was wiped: stage `replace " +
                      to_hex(member.id) + " " + member.address + "`");
      }
      return refuse(who +
                    " is configured to form a cluster of its own: take cluster.initial_members "
                    "out of its configuration, and start it again");
    }
    case NodeStanding::damaged:
      return refuse(who +
                    " holds data, but no epoch: if it is of no use, empty its data directory and "
                    "start it again; else restore its epochs/ from a backup");
    case NodeStanding::member:
      if (is_ours) return refuse(who + " is a member of this cluster already");
      return refuse(who + " belongs to another cluster, " + to_hex(facts.cluster) +
                    ": empty its data directory and start it again, if it shall leave that");
    case NodeStanding::former:
      return refuse(who + " was a member of " + (is_ours ? "this" : "another") +
                    " cluster and was taken out; what it holds is old: empty its data directory "
                    "and start it again, which gives it a new id");
  }
  return refuse(who + " does not say what it is");
}

}  // namespace

NodeFacts facts_of(wire::NodeFactsReply reply) {
  return {.node = reply.node,
          .standing = reply.standing,
          .cluster_name = std::string(reply.cluster_name),
          .cluster = reply.cluster,
          .epoch = reply.epoch,
          .gossip_address = std::string(reply.gossip_address),
          .zone = std::string(reply.zone),
          .weight = reply.weight,
          .shards = reply.shards,
          .build = std::string(reply.build),
          .sizes = {.free_bytes = reply.free_bytes,
                    .data_bytes = reply.data_bytes,
                    .stream_bytes_a_second = reply.stream_bytes_a_second,
                    .partitions = std::move(reply.partitions),
                    .partition_bytes = std::move(reply.partition_bytes)}};
}

wire::NodeFactsReply reply_of(const NodeFacts& facts) {
  return {.node = facts.node,
          .standing = facts.standing,
          .cluster_name = facts.cluster_name,
          .cluster = facts.cluster,
          .epoch = facts.epoch,
          .gossip_address = facts.gossip_address,
          .zone = facts.zone,
          .weight = facts.weight,
          .shards = facts.shards,
          .build = facts.build,
          .free_bytes = facts.sizes.free_bytes,
          .data_bytes = facts.sizes.data_bytes,
          .stream_bytes_a_second = facts.sizes.stream_bytes_a_second,
          .partitions = facts.sizes.partitions,
          .partition_bytes = facts.sizes.partition_bytes};
}

Result<Member> member_of(const NodeFacts& facts, const Newcomer& wanted, const Epoch& epoch,
                         const std::string& cluster_name) {
  const auto at = wanted.address.text();
  if (facts.cluster_name != cluster_name) {
    return refuse("the node at " + at + " is of cluster \"" + facts.cluster_name +
                  "\", and this is \"" + cluster_name +
                  "\": correct the address, or cluster.name in its configuration");
  }
  if (auto fine = check_standing(facts, wanted, epoch); !fine) {
    return std::unexpected(std::move(fine.error()));
  }
  if (facts.gossip_address != at) {
    return refuse("the node at " + at + " tells others to reach it at " + facts.gossip_address +
                  ", its doors.gossip: name it by that, or correct the setting");
  }
  return Member{.id = facts.node,
                .zone = wanted.zone.value_or(facts.zone),
                .weight = wanted.weight.value_or(facts.weight),
                .address = at};
}

}  // namespace coterie
