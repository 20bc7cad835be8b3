// Get and put: the client door's hot path.

#include "base/wire/codec.h"
#include "base/wire/codec_parts.h"
#include "base/wire/fields.h"
#include "base/wire/slim_frame.h"

namespace coterie::wire {

namespace {

Get read_get(const fb::Get& table, Fields& fields) {
  return {.key = fields.key(table.bucket(), table.partition_key(), table.sort_key()),
          .r = fields.quorum(table.r(), "R"),
          .want_evidence = table.want_evidence(),
          .forwarded = table.forwarded(),
          .sloppy = fields.sloppy(table.sloppy())};
}

GetReply read_get_reply(const fb::GetReply& table, Fields& fields) {
  return {.context = fields.bytes(table.context(), limits::context_bytes, "the context"),
          .siblings = fields.siblings(table.siblings()),
          .weak = table.weak(),
          .evidence = fields.evidence(table.evidence()),
          .stand_ins = table.stand_ins()};
}

Put read_put(const fb::Put& table, Fields& fields) {
  const Put put{.id = to_id<RequestId>(table.id()),
                .key = fields.key(table.bucket(), table.partition_key(), table.sort_key()),
                .context = fields.bytes(table.context(), limits::context_bytes, "the context"),
                .value = fields.bytes(table.value(), limits::value_bytes_most, "the value"),
                .is_delete = table.is_delete(),
                .w = fields.quorum(table.w(), "W"),
                .durability = fields.durability(table.durability()),
                .time_to_live_ms = fields.time_to_live_ms(table.time_to_live_ms()),
                .want_evidence = table.want_evidence(),
                .forwarded = table.forwarded(),
                .sloppy = fields.sloppy(table.sloppy())};
  fields.require(!put.is_delete || put.value.empty(), "a delete carries no value");
  return put;
}

PutReply read_put_reply(const fb::PutReply& table, Fields& fields) {
  return {.context = fields.bytes(table.context(), limits::context_bytes, "the context"),
          .siblings = table.siblings(),
          .weak = table.weak(),
          .evidence = fields.evidence(table.evidence()),
          .stand_ins = table.stand_ins()};
}

/// With one value, as nearly all have.
Bytes encode_slim(const GetReply& message, const SiblingView& only, const Envelope& envelope) {
  SlimFrame frame(only.value);
  frame.begin_table();
  frame.add(fb::Sibling::VT_EXPIRES_MS, only.expires_ms);
  frame.add(fb::Sibling::VT_TIMESTAMP, only.timestamp.value);
  frame.add_place(fb::Sibling::VT_VALUE, frame.bulk());
  const auto siblings = frame.list_of(frame.end_table());
  const auto context = frame.bytes(message.context);
  using Table = fb::GetReply;
  frame.begin_table();
  frame.add_place(Table::VT_SIBLINGS, siblings);
  frame.add_place(Table::VT_CONTEXT, context);
  frame.add(Table::VT_STAND_INS, message.stand_ins);
  frame.add(Table::VT_WEAK, message.weak);
  return frame.finish(Kind::get_reply, envelope, frame.end_table());
}

Bytes encode_slim(const Put& message, const Envelope& envelope) {
  using Table = fb::Put;
  SlimFrame frame(message.value);
  const auto partition_key = frame.required(message.key.partition_key);
  const auto sort_key = frame.bytes(message.key.sort_key);
  const auto context = frame.bytes(message.context);
  frame.begin_table();
  frame.add(Table::VT_TIME_TO_LIVE_MS, message.time_to_live_ms);
  frame.add_place(Table::VT_VALUE, frame.bulk());
  frame.add_place(Table::VT_CONTEXT, context);
  frame.add_place(Table::VT_SORT_KEY, sort_key);
  frame.add_place(Table::VT_PARTITION_KEY, partition_key);
  frame.add(Table::VT_BUCKET, message.key.bucket.value);
  frame.add_struct(Table::VT_ID, to_fb(message.id));
  frame.add(Table::VT_SLOPPY, static_cast<std::uint8_t>(message.sloppy));
  frame.add(Table::VT_FORWARDED, message.forwarded);
  frame.add(Table::VT_WANT_EVIDENCE, message.want_evidence);
  frame.add(Table::VT_DURABILITY, static_cast<std::uint8_t>(message.durability));
  frame.add(Table::VT_W, message.w.count);
  frame.add(Table::VT_IS_DELETE, message.is_delete);
  return frame.finish(Kind::put, envelope, frame.end_table());
}

}  // namespace

Bytes encode(const Get& message, const Envelope& envelope) {
  if (SlimFrame::fits(message.key.partition_key.size() + message.key.sort_key.size())) {
    using Table = fb::Get;
    SlimFrame frame;
    const auto partition_key = frame.required(message.key.partition_key);
    const auto sort_key = frame.bytes(message.key.sort_key);
    frame.begin_table();
    frame.add_place(Table::VT_SORT_KEY, sort_key);
    frame.add_place(Table::VT_PARTITION_KEY, partition_key);
    frame.add(Table::VT_BUCKET, message.key.bucket.value);
    frame.add(Table::VT_SLOPPY, static_cast<std::uint8_t>(message.sloppy));
    frame.add(Table::VT_FORWARDED, message.forwarded);
    frame.add(Table::VT_WANT_EVIDENCE, message.want_evidence);
    frame.add(Table::VT_R, message.r.count);
    return frame.finish(Kind::get, envelope, frame.end_table());
  }
  FrameBuilder frame;
  const auto partition_key = frame.required(message.key.partition_key);
  const auto sort_key = frame.bytes(message.key.sort_key);
  return frame.finish(Kind::get, envelope,
                      fb::CreateGet(*frame, message.key.bucket.value, partition_key, sort_key,
                                    message.r.count, message.want_evidence, message.forwarded,
                                    static_cast<std::uint8_t>(message.sloppy)));
}

Bytes encode(const GetReply& message, const Envelope& envelope) {
  if (message.siblings.size() == 1 && says_nothing(message.evidence) &&
      SlimFrame::fits(message.context.size())) {
    return encode_slim(message, message.siblings.front(), envelope);
  }
  const bool has_value = !message.siblings.empty();
  FrameBuilder frame = has_value ? FrameBuilder(message.siblings.front().value) : FrameBuilder();
  const auto evidence = build_evidence(frame, message.evidence);
  const auto siblings = build_siblings(frame, message.siblings, has_value);
  const auto context = frame.bytes(message.context);
  return frame.finish(
      Kind::get_reply, envelope,
      fb::CreateGetReply(*frame, context, siblings, message.weak, evidence, message.stand_ins));
}

Bytes encode(const Put& message, const Envelope& envelope) {
  if (SlimFrame::fits(message.key.partition_key.size() + message.key.sort_key.size() +
                      message.context.size())) {
    return encode_slim(message, envelope);
  }
  FrameBuilder frame(message.value);
  const auto partition_key = frame.required(message.key.partition_key);
  const auto sort_key = frame.bytes(message.key.sort_key);
  const auto context = frame.bytes(message.context);
  const auto id = to_fb(message.id);
  return frame.finish(Kind::put, envelope,
                      fb::CreatePut(*frame, &id, message.key.bucket.value, partition_key, sort_key,
                                    context, frame.bulk(), message.is_delete, message.w.count,
                                    static_cast<std::uint8_t>(message.durability),
                                    message.time_to_live_ms, message.want_evidence,
                                    message.forwarded, static_cast<std::uint8_t>(message.sloppy)));
}

Bytes encode(const PutReply& message, const Envelope& envelope) {
  if (says_nothing(message.evidence) && SlimFrame::fits(message.context.size())) {
    using Table = fb::PutReply;
    SlimFrame frame;
    const auto context = frame.bytes(message.context);
    frame.begin_table();
    frame.add_place(Table::VT_CONTEXT, context);
    frame.add(Table::VT_STAND_INS, message.stand_ins);
    frame.add(Table::VT_SIBLINGS, message.siblings);
    frame.add(Table::VT_WEAK, message.weak);
    return frame.finish(Kind::put_reply, envelope, frame.end_table());
  }
  FrameBuilder frame;
  const auto evidence = build_evidence(frame, message.evidence);
  const auto context = frame.bytes(message.context);
  return frame.finish(Kind::put_reply, envelope,
                      fb::CreatePutReply(*frame, context, message.siblings, message.weak, evidence,
                                         message.stand_ins));
}

template <>
Result<Get> decode(BytesView body) {
  return decode_as(body, "get", read_get);
}

template <>
Result<GetReply> decode(BytesView body) {
  return decode_as(body, "get_reply", read_get_reply);
}

template <>
Result<Put> decode(BytesView body) {
  return decode_as(body, "put", read_put);
}

template <>
Result<PutReply> decode(BytesView body) {
  return decode_as(body, "put_reply", read_put_reply);
}

}  // namespace coterie::wire
