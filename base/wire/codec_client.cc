// Get and put: the client door's hot path.

#include "base/wire/codec.h"
#include "base/wire/codec_parts.h"
#include "base/wire/fields.h"

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

}  // namespace

Bytes encode(const Get& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto partition_key = frame.required(message.key.partition_key);
  const auto sort_key = frame.bytes(message.key.sort_key);
  return frame.finish(Kind::get, envelope,
                      fb::CreateGet(*frame, message.key.bucket.value, partition_key, sort_key,
                                    message.r.count, message.want_evidence, message.forwarded,
                                    static_cast<std::uint8_t>(message.sloppy)));
}

Bytes encode(const GetReply& message, const Envelope& envelope) {
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
