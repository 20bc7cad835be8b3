// Birth, epochs and gossip's whole state: the gossip door over TCP.

#include "base/check.h"
#include "base/wire/codec.h"
#include "base/wire/fields.h"
#include "base/wire/frame_builder.h"

namespace coterie::wire {

namespace {

PushPull read_push_pull(const fb::PushPull& table, Fields& fields) {
  return {.state = fields.bytes(table.state(), limits::gossip_state_bytes, "the state")};
}

BirthInfo read_birth_info(const fb::BirthInfo& table, Fields& /*no bounds*/) {
  return {.configuration_hash = table.configuration_hash()};
}

BirthInfoReply read_birth_info_reply(const fb::BirthInfoReply& table, Fields& fields) {
  fields.require(table.weight() <= limits::weight_most, "the weight is over its limit");
  return {
      .node = to_id<NodeId>(table.node()),
      .configuration_hash = table.configuration_hash(),
      .is_empty = table.is_empty(),
      .gossip_address = fields.bytes(table.gossip_address(), limits::address_bytes, "the address"),
      .zone = fields.bytes(table.zone(), limits::zone_name_bytes, "the zone's name"),
      .weight = table.weight()};
}

BirthAccept read_birth_accept(const fb::BirthAccept& table, Fields& fields) {
  const BytesView epoch = fields.bytes(table.epoch(), limits::epoch_bytes, "the epoch");
  fields.require(!epoch.empty(), "the epoch is empty");
  return {.epoch = epoch};
}

EpochFetch read_epoch_fetch(const fb::EpochFetch& table, Fields& fields) {
  return {.have = fields.epoch_number(table.have())};
}

EpochReply read_epoch_reply(const fb::EpochReply& table, Fields& fields) {
  return {.epoch = fields.bytes(table.epoch(), limits::epoch_bytes, "the epoch")};
}

}  // namespace

Bytes encode(const PushPull& message, Kind kind, const Envelope& envelope) {
  check(kind == Kind::push_pull || kind == Kind::push_pull_reply, "a push-pull or its reply");
  FrameBuilder frame(message.state);
  return frame.finish(kind, envelope, fb::CreatePushPull(*frame, frame.bulk()));
}

Bytes encode(const BirthInfo& message, const Envelope& envelope) {
  FrameBuilder frame;
  return frame.finish(Kind::birth_info, envelope,
                      fb::CreateBirthInfo(*frame, message.configuration_hash));
}

Bytes encode(const BirthInfoReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto gossip_address = frame.bytes(message.gossip_address);
  const auto zone = frame.bytes(message.zone);
  const auto node = to_fb(message.node);
  return frame.finish(
      Kind::birth_info_reply, envelope,
      fb::CreateBirthInfoReply(*frame, &node, message.configuration_hash, message.is_empty,
                               gossip_address, zone, message.weight));
}

Bytes encode(const BirthAccept& message, const Envelope& envelope) {
  FrameBuilder frame(message.epoch);
  return frame.finish(Kind::birth_accept, envelope, fb::CreateBirthAccept(*frame, frame.bulk()));
}

Bytes encode(const EpochFetch& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto have = to_fb(message.have);
  return frame.finish(Kind::epoch_fetch, envelope, fb::CreateEpochFetch(*frame, &have));
}

Bytes encode(const EpochReply& message, const Envelope& envelope) {
  FrameBuilder frame(message.epoch);
  return frame.finish(Kind::epoch_reply, envelope, fb::CreateEpochReply(*frame, frame.bulk()));
}

template <>
Result<PushPull> decode(BytesView body) {
  return decode_as(body, "push_pull", read_push_pull);
}

template <>
Result<BirthInfo> decode(BytesView body) {
  return decode_as(body, "birth_info", read_birth_info);
}

template <>
Result<BirthInfoReply> decode(BytesView body) {
  return decode_as(body, "birth_info_reply", read_birth_info_reply);
}

template <>
Result<BirthAccept> decode(BytesView body) {
  return decode_as(body, "birth_accept", read_birth_accept);
}

template <>
Result<EpochFetch> decode(BytesView body) {
  return decode_as(body, "epoch_fetch", read_epoch_fetch);
}

template <>
Result<EpochReply> decode(BytesView body) {
  return decode_as(body, "epoch_reply", read_epoch_reply);
}

}  // namespace coterie::wire
