// What the next stage of a change of owners waits for: the gossip door over TCP.

#include <cstdint>
#include <vector>

#include "base/wire/codec.h"
#include "base/wire/fields.h"
#include "base/wire/frame_builder.h"

namespace coterie::wire {

namespace {

/// A change's id is the number of the epoch that opened it.
std::uint64_t asked_change(std::uint64_t change, Fields& fields) {
  fields.require(change != 0, "its change is none");
  return change;
}

ChangeEvidence read_question(const fb::ChangeEvidence& table, Fields& fields) {
  return {.change = asked_change(table.change(), fields)};
}

PartitionEvidence read_partition(const fb::PartitionEvidence& table, Fields& fields) {
  const auto* ids = table.covered();
  const bool aligned = ids == nullptr || ids->size() == 0 ||
                       reinterpret_cast<std::uintptr_t>(ids->Data()) % alignof(fb::Id128) == 0;
  if (!fields.require(aligned, "a list of ids is not aligned")) return {};
  return {.partition = fields.partition(table.partition()),
          .fenced = ConfigurationNumber{table.fenced()},
          .covered = fields.list(table.covered(), limits::replicas_most, "the sources",
                                 [](const fb::Id128& id) { return to_id<NodeId>(&id); }),
          .covered_at = ConfigurationNumber{table.covered_at()}};
}

ChangeEvidenceReply read_answer(const fb::ChangeEvidenceReply& table, Fields& fields) {
  ChangeEvidenceReply out{.change = asked_change(table.change(), fields),
                          .partitions = {},
                          .holds_nothing_for_others = table.holds_nothing_for_others()};
  const auto size = fields.count(table.partitions(), limits::partitions_most, "the evidence");
  out.partitions.reserve(size);
  for (std::uint32_t i = 0; i < size; ++i) {
    auto one = read_partition(*table.partitions()->Get(i), fields);
    fields.require(out.partitions.empty() || out.partitions.back().partition < one.partition,
                   "the partitions do not ascend");
    out.partitions.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Bytes encode(const ChangeEvidence& message, const Envelope& envelope) {
  FrameBuilder frame;
  return frame.finish(Kind::change_evidence, envelope,
                      fb::CreateChangeEvidence(*frame, message.change));
}

Bytes encode(const ChangeEvidenceReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  std::vector<flatbuffers::Offset<fb::PartitionEvidence>> list;
  list.reserve(message.partitions.size());
  for (const PartitionEvidence& one : message.partitions) {
    std::vector<fb::Id128> covered;
    covered.reserve(one.covered.size());
    for (const NodeId source : one.covered) covered.push_back(to_fb(source));
    const auto sources = (*frame).CreateVectorOfStructs(covered);
    list.push_back(fb::CreatePartitionEvidence(*frame, one.partition.value, one.fenced.value,
                                               sources, one.covered_at.value));
  }
  const auto partitions = (*frame).CreateVector(list);
  return frame.finish(Kind::change_evidence_reply, envelope,
                      fb::CreateChangeEvidenceReply(*frame, message.change, partitions,
                                                    message.holds_nothing_for_others));
}

template <>
Result<ChangeEvidence> decode(BytesView body) {
  return decode_as(body, "change_evidence", read_question);
}

template <>
Result<ChangeEvidenceReply> decode(BytesView body) {
  return decode_as(body, "change_evidence_reply", read_answer);
}

}  // namespace coterie::wire
