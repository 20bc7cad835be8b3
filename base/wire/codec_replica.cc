// What the owners of a partition say to each other: the peer door.

#include "base/wire/codec.h"
#include "base/wire/fields.h"
#include "base/wire/slim_frame.h"

namespace coterie::wire {

namespace {

// A record's siblings may be, merged, more than a put may store; only the frame bounds them.
constexpr std::size_t record_bytes_most = limits::frame_bytes;

BytesView read_record(BytesField field, Fields& fields) {
  return fields.bytes(field, record_bytes_most, "the record");
}

BytesView read_whole_record(BytesField field, Fields& fields) {
  const BytesView record = read_record(field, fields);
  fields.require(!record.empty(), "the record is empty");
  return record;
}

ReplicaWrite read_write(const fb::ReplicaWrite& table, Fields& fields) {
  fields.require(table.owners() <= limits::replicas_most, "more owners than there can be");
  return {.scope = fields.scope(*table.scope()),
          .key = fields.stored_key(table.key()),
          .record = read_whole_record(table.record(), fields),
          .durability = fields.durability(table.durability()),
          .is_repair = table.is_repair(),
          .intended = to_id<NodeId>(table.intended()),
          .owners = table.owners()};
}

ReplicaWriteReply read_write_reply(const fb::ReplicaWriteReply& table, Fields& /*no bounds*/) {
  return {.run = RunId{table.run()},
          .synced = table.synced(),
          .generation = Generation{table.generation()}};
}

ReplicaRead read_read(const fb::ReplicaRead& table, Fields& fields) {
  return {.scope = fields.scope(*table.scope()),
          .key = fields.stored_key(table.key()),
          .digest_only = table.digest_only(),
          .stands_in = table.stands_in()};
}

ReplicaReadReply read_read_reply(const fb::ReplicaReadReply& table, Fields& fields) {
  return {.digest = table.digest(),
          .record = read_record(table.record(), fields),
          .generation = Generation{table.generation()},
          .purged = Generation{table.purged()}};
}

ReplicaScan read_replica_scan(const fb::ReplicaScan& table, Fields& fields) {
  return {.scope = fields.scope(*table.scope()),
          .from = fields.bound(table.from(), "the first key"),
          .to = fields.bound(table.to(), "the end's key"),
          .limit_records = page_records(table.limit_records()),
          .stands_in = table.stands_in(),
          .bucket = BucketId{table.bucket()}};
}

ReplicaScanReply read_replica_scan_reply(const fb::ReplicaScanReply& table, Fields& fields) {
  const auto read = [&](const fb::ReplicaScanEntry& entry) -> ReplicaScanEntry {
    return {.key = fields.stored_key(entry.key()),
            .record = read_whole_record(entry.record(), fields)};
  };
  return {.entries = fields.list(table.entries(), limits::scan_page_records, "the page", read),
          .truncated = table.truncated(),
          .generation = Generation{table.generation()},
          .purged = Generation{table.purged()}};
}

ReplicaInspect read_inspect(const fb::ReplicaInspect& table, Fields& fields) {
  return {.scope = fields.scope(*table.scope()), .key = fields.stored_key(table.key())};
}

ReplicaInspectReply read_inspect_reply(const fb::ReplicaInspectReply& table, Fields& fields) {
  return {.record = read_record(table.record(), fields),
          .digest = table.digest(),
          .leaf_hash = table.leaf_hash(),
          .leaf_records = table.leaf_records(),
          .root_hash = table.root_hash(),
          .partition_records = table.partition_records(),
          .generation = Generation{table.generation()}};
}

}  // namespace

Bytes encode(const ReplicaWrite& message, const Envelope& envelope) {
  if (SlimFrame::fits(message.key.size())) {
    using Table = fb::ReplicaWrite;
    SlimFrame frame(message.record);
    const auto key = frame.required(message.key);
    frame.begin_table();
    if (!message.intended.is_zero()) {
      frame.add_struct(Table::VT_INTENDED, to_fb(message.intended));
    }
    frame.add_place(Table::VT_RECORD, frame.bulk());
    frame.add_place(Table::VT_KEY, key);
    frame.add_struct(Table::VT_SCOPE, to_fb(message.scope));
    frame.add(Table::VT_OWNERS, message.owners);
    frame.add(Table::VT_IS_REPAIR, message.is_repair);
    frame.add(Table::VT_DURABILITY, static_cast<std::uint8_t>(message.durability));
    return frame.finish(Kind::replica_write, envelope, frame.end_table());
  }
  FrameBuilder frame(message.record);
  const auto key = frame.required(message.key);
  const auto scope = to_fb(message.scope);
  const auto intended = to_fb(message.intended);
  return frame.finish(
      Kind::replica_write, envelope,
      fb::CreateReplicaWrite(*frame, &scope, key, frame.bulk(),
                             static_cast<std::uint8_t>(message.durability), message.is_repair,
                             message.intended.is_zero() ? nullptr : &intended, message.owners));
}

Bytes encode(const ReplicaWriteReply& message, const Envelope& envelope) {
  using Table = fb::ReplicaWriteReply;
  SlimFrame frame;
  frame.begin_table();
  frame.add(Table::VT_GENERATION, message.generation.value);
  frame.add(Table::VT_SYNCED, message.synced);
  frame.add(Table::VT_RUN, message.run.value);
  return frame.finish(Kind::replica_write_reply, envelope, frame.end_table());
}

Bytes encode(const ReplicaRead& message, const Envelope& envelope) {
  if (SlimFrame::fits(message.key.size())) {
    using Table = fb::ReplicaRead;
    SlimFrame frame;
    const auto key = frame.required(message.key);
    frame.begin_table();
    frame.add_place(Table::VT_KEY, key);
    frame.add_struct(Table::VT_SCOPE, to_fb(message.scope));
    frame.add(Table::VT_STANDS_IN, message.stands_in);
    frame.add(Table::VT_DIGEST_ONLY, message.digest_only);
    return frame.finish(Kind::replica_read, envelope, frame.end_table());
  }
  FrameBuilder frame;
  const auto key = frame.required(message.key);
  const auto scope = to_fb(message.scope);
  return frame.finish(
      Kind::replica_read, envelope,
      fb::CreateReplicaRead(*frame, &scope, key, message.digest_only, message.stands_in));
}

Bytes encode(const ReplicaReadReply& message, const Envelope& envelope) {
  using Table = fb::ReplicaReadReply;
  SlimFrame frame(message.record);
  frame.begin_table();
  frame.add(Table::VT_PURGED, message.purged.value);
  frame.add(Table::VT_GENERATION, message.generation.value);
  frame.add(Table::VT_DIGEST, message.digest);
  frame.add_place(Table::VT_RECORD, frame.bulk());
  return frame.finish(Kind::replica_read_reply, envelope, frame.end_table());
}

Bytes encode(const ReplicaScan& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto from = frame.bytes(message.from);
  const auto to = frame.bytes(message.to);
  const auto scope = to_fb(message.scope);
  return frame.finish(Kind::replica_scan, envelope,
                      fb::CreateReplicaScan(*frame, &scope, from, to, message.limit_records,
                                            message.stands_in, message.bucket.value));
}

Bytes encode(const ReplicaScanReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  std::vector<flatbuffers::Offset<fb::ReplicaScanEntry>> entries;
  entries.reserve(message.entries.size());
  for (const ReplicaScanEntry& entry : message.entries) {
    const auto record = frame.required(entry.record);
    const auto key = frame.required(entry.key);
    entries.push_back(fb::CreateReplicaScanEntry(*frame, key, record));
  }
  const auto list = (*frame).CreateVector(entries);
  return frame.finish(Kind::replica_scan_reply, envelope,
                      fb::CreateReplicaScanReply(*frame, list, message.truncated,
                                                 message.generation.value, message.purged.value));
}

Bytes encode(const ReplicaInspect& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto key = frame.required(message.key);
  const auto scope = to_fb(message.scope);
  return frame.finish(Kind::replica_inspect, envelope,
                      fb::CreateReplicaInspect(*frame, &scope, key));
}

Bytes encode(const ReplicaInspectReply& message, const Envelope& envelope) {
  FrameBuilder frame(message.record);
  return frame.finish(
      Kind::replica_inspect_reply, envelope,
      fb::CreateReplicaInspectReply(*frame, frame.bulk(), message.digest, message.leaf_hash,
                                    message.leaf_records, message.root_hash,
                                    message.partition_records, message.generation.value));
}

template <>
Result<ReplicaWrite> decode(BytesView body) {
  return decode_as(body, "replica_write", read_write);
}

template <>
Result<ReplicaWriteReply> decode(BytesView body) {
  return decode_as(body, "replica_write_reply", read_write_reply);
}

template <>
Result<ReplicaRead> decode(BytesView body) {
  return decode_as(body, "replica_read", read_read);
}

template <>
Result<ReplicaReadReply> decode(BytesView body) {
  return decode_as(body, "replica_read_reply", read_read_reply);
}

template <>
Result<ReplicaScan> decode(BytesView body) {
  return decode_as(body, "replica_scan", read_replica_scan);
}

template <>
Result<ReplicaScanReply> decode(BytesView body) {
  return decode_as(body, "replica_scan_reply", read_replica_scan_reply);
}

template <>
Result<ReplicaInspect> decode(BytesView body) {
  return decode_as(body, "replica_inspect", read_inspect);
}

template <>
Result<ReplicaInspectReply> decode(BytesView body) {
  return decode_as(body, "replica_inspect_reply", read_inspect_reply);
}

}  // namespace coterie::wire
