// How a new owner of a partition gets what the owners from before hold.

#include <vector>

#include "base/wire/codec.h"
#include "base/wire/fields.h"
#include "base/wire/frame_builder.h"

namespace coterie::wire {

namespace {

/// Who asks, and in which session.
template <class Message, class Table>
Message read_asked(const Table& table, Fields& fields) {
  Message out{.scope = fields.scope(*table.scope()),
              .receiver = to_id<NodeId>(table.receiver()),
              .session = table.session(),
              .from = fields.bound(table.from(), "the first key")};
  fields.require(!out.receiver.is_zero() && out.session != 0, "its session is none");
  return out;
}

StreamOpen read_open(const fb::StreamOpen& table, Fields& fields) {
  return read_asked<StreamOpen>(table, fields);
}

StreamOpenReply read_open_reply(const fb::StreamOpenReply& table, Fields& /*no bounds*/) {
  return {.generation = Generation{table.generation()},
          .purged = Generation{table.purged()},
          .records = table.records()};
}

StreamBatch read_batch(const fb::StreamBatch& table, Fields& fields) {
  return read_asked<StreamBatch>(table, fields);
}

StreamBatchReply read_batch_reply(const fb::StreamBatchReply& table, Fields& fields) {
  StreamBatchReply out{.entries = {},
                       .reach = fields.bound(table.reach(), "the key reached"),
                       .generation = Generation{table.generation()},
                       .purged = Generation{table.purged()}};
  const auto size = fields.count(table.entries(), limits::scan_page_records, "the batch");
  out.entries.reserve(size);
  for (std::uint32_t i = 0; i < size; ++i) {
    const fb::ReplicaScanEntry& entry = *table.entries()->Get(i);
    const BytesView key = fields.stored_key(entry.key());
    fields.require(out.entries.empty() || out.entries.back().key < key, "the keys do not ascend");
    fields.require(out.reach.empty() || key < out.reach, "a key lies beyond what was reached");
    const BytesView record = fields.bytes(entry.record(), limits::frame_bytes, "the record");
    fields.require(!record.empty(), "the record is empty");
    out.entries.push_back({.key = key, .record = record});
  }
  return out;
}

}  // namespace

Bytes encode(const StreamOpen& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto from = frame.bytes(message.from);
  const auto scope = to_fb(message.scope);
  const auto receiver = to_fb(message.receiver);
  return frame.finish(Kind::stream_open, envelope,
                      fb::CreateStreamOpen(*frame, &scope, &receiver, message.session, from));
}

Bytes encode(const StreamOpenReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  return frame.finish(Kind::stream_open_reply, envelope,
                      fb::CreateStreamOpenReply(*frame, message.generation.value,
                                                message.purged.value, message.records));
}

Bytes encode(const StreamBatch& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto from = frame.bytes(message.from);
  const auto scope = to_fb(message.scope);
  const auto receiver = to_fb(message.receiver);
  return frame.finish(Kind::stream_batch, envelope,
                      fb::CreateStreamBatch(*frame, &scope, &receiver, message.session, from));
}

Bytes encode(const StreamBatchReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto reach = frame.bytes(message.reach);
  std::vector<flatbuffers::Offset<fb::ReplicaScanEntry>> list;
  list.reserve(message.entries.size());
  for (const ReplicaScanEntry& entry : message.entries) {
    const auto key = frame.required(entry.key);
    const auto record = frame.required(entry.record);
    list.push_back(fb::CreateReplicaScanEntry(*frame, key, record));
  }
  const auto entries = (*frame).CreateVector(list);
  return frame.finish(Kind::stream_batch_reply, envelope,
                      fb::CreateStreamBatchReply(*frame, entries, reach, message.generation.value,
                                                 message.purged.value));
}

template <>
Result<StreamOpen> decode(BytesView body) {
  return decode_as(body, "stream_open", read_open);
}

template <>
Result<StreamOpenReply> decode(BytesView body) {
  return decode_as(body, "stream_open_reply", read_open_reply);
}

template <>
Result<StreamBatch> decode(BytesView body) {
  return decode_as(body, "stream_batch", read_batch);
}

template <>
Result<StreamBatchReply> decode(BytesView body) {
  return decode_as(body, "stream_batch_reply", read_batch_reply);
}

}  // namespace coterie::wire
