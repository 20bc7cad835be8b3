// What the owners of a partition say to each other in a purge round.

#include <vector>

#include "base/wire/codec.h"
#include "base/wire/fields.h"
#include "base/wire/frame_builder.h"

namespace coterie::wire {

namespace {

using Entries = flatbuffers::Vector<flatbuffers::Offset<fb::PurgeEntry>>;

auto to_fb(FrameBuilder& frame, const std::vector<PurgeEntry>& entries) {
  std::vector<flatbuffers::Offset<fb::PurgeEntry>> list;
  list.reserve(entries.size());
  for (const PurgeEntry& entry : entries) {
    const auto key = frame.required(entry.key);
    list.push_back(
        fb::CreatePurgeEntry(*frame, key, entry.digest, static_cast<std::uint8_t>(entry.what)));
  }
  return (*frame).CreateVector(list);
}

std::vector<PurgeEntry> read_entries(const Entries* list, Fields& fields) {
  std::vector<PurgeEntry> entries;
  const auto size = fields.count(list, limits::scan_page_records, "the purge");
  entries.reserve(size);
  for (std::uint32_t i = 0; i < size; ++i) {
    const fb::PurgeEntry& entry = *list->Get(i);
    const BytesView key = fields.stored_key(entry.key());
    fields.require(entry.what() == 1 || entry.what() == 2, "what to purge is not known");
    fields.require(entries.empty() || entries.back().key < key, "the keys do not ascend");
    entries.push_back(
        {.key = key, .digest = entry.digest(), .what = static_cast<Purging>(entry.what())});
  }
  return entries;
}

PurgeList read_list(const fb::PurgeList& table, Fields& fields) {
  return {.scope = fields.scope(*table.scope()),
          .from = fields.bound(table.from(), "the first key")};
}

PurgeListReply read_list_reply(const fb::PurgeListReply& table, Fields& fields) {
  return {.entries = read_entries(table.entries(), fields),
          .reach = fields.bound(table.reach(), "the key reached"),
          .generation = Generation{table.generation()},
          .purged = Generation{table.purged()},
          .actor = ActorId{table.actor()}};
}

PurgeRaise read_raise(const fb::PurgeRaise& table, Fields& fields) {
  return {.scope = fields.scope(*table.scope()),
          .purged = Generation{table.purged()},
          .actor = ActorId{table.actor()}};
}

PurgeRaiseReply read_raise_reply(const fb::PurgeRaiseReply& table, Fields& /*no bounds*/) {
  return {.generation = Generation{table.generation()}};
}

PurgeApply read_apply(const fb::PurgeApply& table, Fields& fields) {
  return {.scope = fields.scope(*table.scope()), .entries = read_entries(table.entries(), fields)};
}

PurgeApplyReply read_apply_reply(const fb::PurgeApplyReply& table, Fields& /*no bounds*/) {
  return {.purged = table.purged(), .trimmed = table.trimmed()};
}

}  // namespace

Bytes encode(const PurgeList& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto from = frame.bytes(message.from);
  const auto scope = to_fb(message.scope);
  return frame.finish(Kind::purge_list, envelope, fb::CreatePurgeList(*frame, &scope, from));
}

Bytes encode(const PurgeListReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto reach = frame.bytes(message.reach);
  const auto entries = to_fb(frame, message.entries);
  return frame.finish(Kind::purge_list_reply, envelope,
                      fb::CreatePurgeListReply(*frame, entries, reach, message.generation.value,
                                               message.purged.value, message.actor.value));
}

Bytes encode(const PurgeRaise& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto scope = to_fb(message.scope);
  return frame.finish(
      Kind::purge_raise, envelope,
      fb::CreatePurgeRaise(*frame, &scope, message.purged.value, message.actor.value));
}

Bytes encode(const PurgeRaiseReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  return frame.finish(Kind::purge_raise_reply, envelope,
                      fb::CreatePurgeRaiseReply(*frame, message.generation.value));
}

Bytes encode(const PurgeApply& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto entries = to_fb(frame, message.entries);
  const auto scope = to_fb(message.scope);
  return frame.finish(Kind::purge_apply, envelope, fb::CreatePurgeApply(*frame, &scope, entries));
}

Bytes encode(const PurgeApplyReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  return frame.finish(Kind::purge_apply_reply, envelope,
                      fb::CreatePurgeApplyReply(*frame, message.purged, message.trimmed));
}

template <>
Result<PurgeList> decode(BytesView body) {
  return decode_as(body, "purge_list", read_list);
}

template <>
Result<PurgeListReply> decode(BytesView body) {
  return decode_as(body, "purge_list_reply", read_list_reply);
}

template <>
Result<PurgeRaise> decode(BytesView body) {
  return decode_as(body, "purge_raise", read_raise);
}

template <>
Result<PurgeRaiseReply> decode(BytesView body) {
  return decode_as(body, "purge_raise_reply", read_raise_reply);
}

template <>
Result<PurgeApply> decode(BytesView body) {
  return decode_as(body, "purge_apply", read_apply);
}

template <>
Result<PurgeApplyReply> decode(BytesView body) {
  return decode_as(body, "purge_apply_reply", read_apply_reply);
}

}  // namespace coterie::wire
