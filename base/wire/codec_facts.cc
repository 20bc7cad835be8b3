// What operators' plans are made with: the gossip door over TCP.

#include <algorithm>
#include <functional>

#include "base/wire/codec.h"
#include "base/wire/fields.h"
#include "base/wire/frame_builder.h"

namespace coterie::wire {

namespace {

NodeFacts read_facts_question(const fb::NodeFacts& table, Fields& /*no bounds*/) {
  return {.with_partitions = table.with_partitions()};
}

void read_partitions(const fb::NodeFactsReply& table, Fields& fields, NodeFactsReply& out) {
  const auto* partitions = table.partitions();
  const auto* bytes = table.partition_bytes();
  const auto count = fields.count(partitions, limits::partitions_most, "the partitions");
  const auto sizes = fields.count(bytes, limits::partitions_most, "the partitions' bytes");
  if (!fields.require(count == sizes, "each partition has its bytes") || count == 0) return;
  out.partitions.assign(partitions->begin(), partitions->end());
  out.partition_bytes.assign(bytes->begin(), bytes->end());
  const bool ascend =
      std::ranges::adjacent_find(out.partitions, std::greater_equal{}) == out.partitions.end();
  fields.require(ascend && out.partitions.back() < limits::partitions_most,
                 "the partitions do not ascend, or there is no such one");
}

NodeFactsReply read_facts_answer(const fb::NodeFactsReply& table, Fields& fields) {
  NodeFactsReply out;
  out.node = to_id<NodeId>(table.node());
  fields.require(!out.node.is_zero(), "the node is none");
  out.standing = static_cast<NodeStanding>(table.standing());
  fields.require(out.standing >= NodeStanding::waiting && out.standing <= NodeStanding::former,
                 "the standing is not known");
  out.cluster_name =
      fields.bytes(table.cluster_name(), limits::cluster_name_bytes, "the cluster's name");
  out.cluster = to_id<ClusterId>(table.cluster());
  out.epoch = fields.epoch_number(table.epoch());
  out.gossip_address = fields.bytes(table.gossip_address(), limits::address_bytes, "the address");
  out.zone = fields.bytes(table.zone(), limits::zone_name_bytes, "the zone's name");
  out.weight = table.weight();
  fields.require(out.weight <= limits::weight_most, "the weight is over its limit");
  out.shards = table.shards();
  out.build = fields.bytes(table.build(), limits::build_bytes, "the build");
  out.free_bytes = table.free_bytes();
  out.data_bytes = table.data_bytes();
  out.stream_bytes_a_second = table.stream_bytes_a_second();
  read_partitions(table, fields, out);
  return out;
}

}  // namespace

Bytes encode(const NodeFacts& message, const Envelope& envelope) {
  FrameBuilder frame;
  return frame.finish(Kind::node_facts, envelope,
                      fb::CreateNodeFacts(*frame, message.with_partitions));
}

Bytes encode(const NodeFactsReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto cluster_name = frame.bytes(message.cluster_name);
  const auto gossip_address = frame.bytes(message.gossip_address);
  const auto zone = frame.bytes(message.zone);
  const auto build = frame.bytes(message.build);
  const auto partitions = (*frame).CreateVector(message.partitions);
  const auto partition_bytes = (*frame).CreateVector(message.partition_bytes);
  const auto node = to_fb(message.node);
  const auto cluster = to_fb(message.cluster);
  const auto epoch = to_fb(message.epoch);
  return frame.finish(
      Kind::node_facts_reply, envelope,
      fb::CreateNodeFactsReply(*frame, &node, static_cast<std::uint8_t>(message.standing),
                               cluster_name, &cluster, &epoch, gossip_address, zone, message.weight,
                               message.shards, build, message.free_bytes, message.data_bytes,
                               message.stream_bytes_a_second, partitions, partition_bytes));
}

template <>
Result<NodeFacts> decode(BytesView body) {
  return decode_as(body, "node_facts", read_facts_question);
}

template <>
Result<NodeFactsReply> decode(BytesView body) {
  return decode_as(body, "node_facts_reply", read_facts_answer);
}

}  // namespace coterie::wire
