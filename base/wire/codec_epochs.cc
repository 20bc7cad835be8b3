// How the next epoch is decided: the gossip door over TCP.

#include "base/wire/codec.h"
#include "base/wire/fields.h"
#include "base/wire/frame_builder.h"

namespace coterie::wire {

namespace {

fb::EpochBallot to_fb_ballot(const EpochBallot& ballot) {
  return {ballot.round, to_fb(ballot.proposer)};
}

/// Absent is none.
EpochBallot to_ballot(const fb::EpochBallot* ballot) {
  if (ballot == nullptr) return {};
  return {.round = ballot->round(), .proposer = to_id<NodeId>(&ballot->proposer())};
}

/// A vote is asked for under a ballot that somebody made.
EpochBallot asked_ballot(const fb::EpochBallot* given, Fields& fields) {
  const EpochBallot ballot = to_ballot(given);
  fields.require(ballot.round != 0 && !ballot.proposer.is_zero(), "its ballot is none");
  return ballot;
}

EpochPrepare read_prepare(const fb::EpochPrepare& table, Fields& fields) {
  return {.slot = fields.epoch_number(table.slot()),
          .base_hash = table.base_hash(),
          .ballot = asked_ballot(table.ballot(), fields)};
}

EpochAccept read_accept(const fb::EpochAccept& table, Fields& fields) {
  const BytesView epoch = fields.bytes(table.epoch(), limits::epoch_bytes, "the epoch");
  fields.require(!epoch.empty(), "the epoch is empty");
  return {.slot = fields.epoch_number(table.slot()),
          .base_hash = table.base_hash(),
          .ballot = asked_ballot(table.ballot(), fields),
          .epoch = epoch};
}

EpochVote read_vote(const fb::EpochVote& table, Fields& fields) {
  const auto verdict = static_cast<EpochVerdict>(table.verdict());
  fields.require(verdict >= EpochVerdict::granted && verdict <= EpochVerdict::behind,
                 "the verdict is not known");
  const EpochVote vote{.verdict = verdict,
                       .promised = to_ballot(table.promised()),
                       .accepted = to_ballot(table.accepted()),
                       .epoch = fields.bytes(table.epoch(), limits::epoch_bytes, "the epoch")};
  const bool has_accepted = vote.accepted.round != 0;
  fields.require(verdict == EpochVerdict::granted || !has_accepted,
                 "only a promise tells what was accepted");
  const bool has_epoch = has_accepted || verdict == EpochVerdict::decided;
  fields.require(has_epoch == !vote.epoch.empty(), "the epoch is missing, or is one too many");
  return vote;
}

}  // namespace

Bytes encode(const EpochPrepare& message, const Envelope& envelope) {
  FrameBuilder frame;
  const auto slot = to_fb(message.slot);
  const auto ballot = to_fb_ballot(message.ballot);
  return frame.finish(Kind::epoch_prepare, envelope,
                      fb::CreateEpochPrepare(*frame, &slot, message.base_hash, &ballot));
}

Bytes encode(const EpochAccept& message, const Envelope& envelope) {
  FrameBuilder frame(message.epoch);
  const auto slot = to_fb(message.slot);
  const auto ballot = to_fb_ballot(message.ballot);
  return frame.finish(
      Kind::epoch_accept, envelope,
      fb::CreateEpochAccept(*frame, &slot, message.base_hash, &ballot, frame.bulk()));
}

Bytes encode(const EpochVote& message, const Envelope& envelope) {
  FrameBuilder frame(message.epoch);
  const auto promised = to_fb_ballot(message.promised);
  const auto accepted = to_fb_ballot(message.accepted);
  return frame.finish(Kind::epoch_vote, envelope,
                      fb::CreateEpochVote(*frame, static_cast<std::uint8_t>(message.verdict),
                                          &promised, &accepted, frame.bulk()));
}

template <>
Result<EpochPrepare> decode(BytesView body) {
  return decode_as(body, "epoch_prepare", read_prepare);
}

template <>
Result<EpochAccept> decode(BytesView body) {
  return decode_as(body, "epoch_accept", read_accept);
}

template <>
Result<EpochVote> decode(BytesView body) {
  return decode_as(body, "epoch_vote", read_vote);
}

}  // namespace coterie::wire
