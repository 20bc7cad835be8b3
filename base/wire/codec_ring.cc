// Scans, and the ring as clients fetch it.

#include "base/wire/codec.h"
#include "base/wire/codec_parts.h"
#include "base/wire/fields.h"

namespace coterie::wire {

namespace {

Scan read_scan(const fb::Scan& table, Fields& fields) {
  const Scan scan{
      .bucket = BucketId{table.bucket()},
      .partition = fields.partition(table.partition()),
      .partition_key = fields.bytes(table.partition_key(), limits::key_bytes, "the partition key"),
      .sort_key_from = fields.bytes(table.sort_key_from(), limits::key_bytes, "the first sort key"),
      .sort_key_to = fields.bytes(table.sort_key_to(), limits::key_bytes, "the end's sort key"),
      .cursor = fields.bytes(table.cursor(), limits::cursor_bytes, "the cursor"),
      .limit_records = page_records(table.limit_records()),
      .r = fields.quorum(table.r(), "R"),
      .forwarded = table.forwarded(),
      .sloppy = fields.sloppy(table.sloppy())};
  const std::size_t sort_key_bytes = std::max(scan.sort_key_from.size(), scan.sort_key_to.size());
  fields.require(sort_key_bytes == 0 || !scan.partition_key.empty(),
                 "a range of sort keys needs a partition key");
  fields.require(scan.partition_key.size() + sort_key_bytes <= limits::key_bytes,
                 "partition key and sort key together are too long", ErrorCode::too_large);
  return scan;
}

ScanReply read_scan_reply(const fb::ScanReply& table, Fields& fields) {
  const auto read = [&](const fb::ScanEntry& entry) -> ScanEntry {
    const Key key = fields.key(0, entry.partition_key(), entry.sort_key());
    return {.partition_key = key.partition_key,
            .sort_key = key.sort_key,
            .context = fields.bytes(entry.context(), limits::context_bytes, "a context"),
            .siblings = fields.siblings(entry.siblings())};
  };
  return {.entries = fields.list(table.entries(), limits::scan_page_records, "the page", read),
          .cursor = fields.bytes(table.cursor(), limits::cursor_bytes, "the cursor"),
          .stand_ins = table.stand_ins()};
}

RingRequest read_ring(const fb::RingRequest& table, Fields& fields) {
  return {.have = fields.epoch_number(table.have())};
}

RingMember read_member(const fb::RingMember& table, Fields& fields) {
  const auto liveness = static_cast<Liveness>(table.liveness());
  fields.require(liveness >= Liveness::alive && liveness <= Liveness::left,
                 "a member's liveness is not known");
  fields.require(table.shards() <= limits::shards_most, "a member has too many shards");
  return {
      .node = to_id<NodeId>(table.node()),
      .liveness = liveness,
      .shards = table.shards(),
      .client_address = fields.bytes(table.client_address(), limits::address_bytes, "an address"),
      .peer_address = fields.bytes(table.peer_address(), limits::address_bytes, "an address")};
}

RingReply read_ring_reply(const fb::RingReply& table, Fields& fields) {
  const auto read = [&](const fb::RingMember& member) { return read_member(member, fields); };
  return {.number = fields.epoch_number(table.number()),
          .epoch = fields.bytes(table.epoch(), limits::epoch_bytes, "the epoch"),
          .self = to_id<NodeId>(table.self()),
          .members = fields.list(table.members(), limits::nodes, "the list of members", read)};
}

}  // namespace

Bytes encode(const Scan& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto partition_key = frame.bytes(message.partition_key);
  const auto from = frame.bytes(message.sort_key_from);
  const auto to = frame.bytes(message.sort_key_to);
  const auto cursor = frame.bytes(message.cursor);
  return frame.finish(
      Kind::scan, envelope,
      fb::CreateScan(*frame, message.bucket.value, message.partition.value, partition_key, from, to,
                     cursor, message.limit_records, message.r.count, message.forwarded,
                     static_cast<std::uint8_t>(message.sloppy)));
}

Bytes encode(const ScanReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  std::vector<flatbuffers::Offset<fb::ScanEntry>> entries;
  entries.reserve(message.entries.size());
  for (const ScanEntry& entry : message.entries) {
    const auto siblings = build_siblings(frame, entry.siblings, false);
    const auto context = frame.bytes(entry.context);
    const auto sort_key = frame.bytes(entry.sort_key);
    const auto partition_key = frame.required(entry.partition_key);
    entries.push_back(fb::CreateScanEntry(*frame, partition_key, sort_key, context, siblings));
  }
  const auto list = (*frame).CreateVector(entries);
  const auto cursor = frame.bytes(message.cursor);
  return frame.finish(Kind::scan_reply, envelope,
                      fb::CreateScanReply(*frame, list, cursor, message.stand_ins));
}

Bytes encode(const RingRequest& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto have = to_fb(message.have);
  return frame.finish(Kind::ring, envelope, fb::CreateRingRequest(*frame, &have));
}

Bytes encode(const RingReply& message, const Envelope& envelope) {
  FrameBuilder frame(message.epoch);
  std::vector<flatbuffers::Offset<fb::RingMember>> members;
  members.reserve(message.members.size());
  for (const RingMember& member : message.members) {
    const auto client_address = frame.bytes(member.client_address);
    const auto peer_address = frame.bytes(member.peer_address);
    const auto node = to_fb(member.node);
    members.push_back(fb::CreateRingMember(*frame, &node,
                                           static_cast<std::uint8_t>(member.liveness),
                                           member.shards, client_address, peer_address));
  }
  const auto list = (*frame).CreateVector(members);
  const auto number = to_fb(message.number);
  const auto self = to_fb(message.self);
  return frame.finish(Kind::ring_reply, envelope,
                      fb::CreateRingReply(*frame, &number, frame.bulk(), &self, list));
}

template <>
Result<Scan> decode(BytesView body) {
  return decode_as(body, "scan", read_scan);
}

template <>
Result<ScanReply> decode(BytesView body) {
  return decode_as(body, "scan_reply", read_scan_reply);
}

template <>
Result<RingRequest> decode(BytesView body) {
  return decode_as(body, "ring", read_ring);
}

template <>
Result<RingReply> decode(BytesView body) {
  return decode_as(body, "ring_reply", read_ring_reply);
}

}  // namespace coterie::wire
