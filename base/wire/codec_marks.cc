// What nodes remember of each other: the gossip door over TCP.

#include <cstdint>
#include <vector>

#include "base/wire/codec.h"
#include "base/wire/fields.h"
#include "base/wire/frame_builder.h"

namespace coterie::wire {

namespace {

fb::EpochBallot fb_ballot_of(const EpochBallot& ballot) {
  return {ballot.round, to_fb(ballot.proposer)};
}

EpochBallot ballot_of(const fb::EpochBallot* ballot) {
  if (ballot == nullptr) return {};
  return {.round = ballot->round(), .proposer = to_id<NodeId>(&ballot->proposer())};
}

LifeMark read_mark(const fb::LifeMark& table, Fields& fields) {
  LifeMark out{.node = to_id<NodeId>(table.node()),
               .life = table.life(),
               .incarnation = table.incarnation(),
               .run = RunId{table.run()},
               .vote_slot = fields.epoch_number(table.vote_slot()),
               .promised = ballot_of(table.promised()),
               .accepted = ballot_of(table.accepted()),
               .logs = {},
               .is_recovering = table.is_recovering()};
  fields.require(!out.node.is_zero(), "the node is none");
  const auto* logs = table.logs();
  const bool aligned = logs == nullptr || logs->size() == 0 ||
                       reinterpret_cast<std::uintptr_t>(logs->Data()) % alignof(fb::LogMark) == 0;
  if (!fields.require(aligned, "a list of logs is not aligned")) return out;
  out.logs = fields.list(logs, limits::shards_most, "the logs", [](const fb::LogMark& log) {
    return LogMark{.log_id = log.log_id(), .synced = log.synced()};
  });
  return out;
}

LifeMarkReply read_mark_reply(const fb::LifeMarkReply& table, Fields& fields) {
  LifeMarkReply out{.known = std::nullopt,
                    .epoch = fields.epoch_number(table.epoch()),
                    .has_accepted = table.has_accepted(),
                    .may_vote = table.may_vote()};
  if (table.known() != nullptr) out.known = read_mark(*table.known(), fields);
  return out;
}

flatbuffers::Offset<fb::LifeMark> add_mark(FrameBuilder& frame, const LifeMark& mark) {
  std::vector<fb::LogMark> list;
  list.reserve(mark.logs.size());
  for (const LogMark& log : mark.logs) list.emplace_back(log.log_id, log.synced);
  const auto logs = (*frame).CreateVectorOfStructs(list);
  const auto node = to_fb(mark.node);
  const auto slot = to_fb(mark.vote_slot);
  const auto promised = fb_ballot_of(mark.promised);
  const auto accepted = fb_ballot_of(mark.accepted);
  return fb::CreateLifeMark(*frame, &node, mark.life, mark.incarnation, mark.run.value, &slot,
                            &promised, &accepted, logs, mark.is_recovering);
}

}  // namespace

Bytes encode(const LifeMark& message, const Envelope& envelope) {
  FrameBuilder frame;
  return frame.finish(Kind::life_mark, envelope, add_mark(frame, message));
}

Bytes encode(const LifeMarkReply& message, const Envelope& envelope) {
  FrameBuilder frame;
  flatbuffers::Offset<fb::LifeMark> known;
  if (message.known) known = add_mark(frame, *message.known);
  const auto epoch = to_fb(message.epoch);
  return frame.finish(
      Kind::life_mark_reply, envelope,
      fb::CreateLifeMarkReply(*frame, known, &epoch, message.has_accepted, message.may_vote));
}

template <>
Result<LifeMark> decode(BytesView body) {
  return decode_as(body, "life_mark", read_mark);
}

template <>
Result<LifeMarkReply> decode(BytesView body) {
  return decode_as(body, "life_mark_reply", read_mark_reply);
}

}  // namespace coterie::wire
