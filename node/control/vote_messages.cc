#include "node/control/vote_messages.h"

#include <utility>

#include "ring/epoch_codec.h"

namespace coterie {
namespace {

wire::EpochBallot to_wire(const paxos::Ballot& ballot) {
  return {.round = ballot.round, .proposer = ballot.proposer};
}

paxos::Ballot from_wire(const wire::EpochBallot& ballot) {
  return {.round = ballot.round, .proposer = ballot.proposer};
}

Result<paxos::Value> decode_value(BytesView bytes) {
  if (bytes.empty()) return nullptr;
  auto epoch = decode_epoch(bytes);
  if (!epoch) return std::unexpected(std::move(epoch.error()));
  return std::make_shared<const Epoch>(*std::move(epoch));
}

}  // namespace

Bytes encode_prepare(const paxos::Prepare& message, const wire::Envelope& envelope) {
  return wire::encode(wire::EpochPrepare{.slot = message.slot.number,
                                         .base_hash = message.slot.base_hash,
                                         .ballot = to_wire(message.ballot)},
                      envelope);
}

Bytes encode_accept(const paxos::Accept& message, const wire::Envelope& envelope) {
  const Bytes epoch = encode_epoch(*message.value);
  return wire::encode(wire::EpochAccept{.slot = message.slot.number,
                                        .base_hash = message.slot.base_hash,
                                        .ballot = to_wire(message.ballot),
                                        .epoch = epoch},
                      envelope);
}

Bytes encode_vote(const paxos::Vote& vote, const wire::Envelope& envelope) {
  const Bytes epoch = vote.epoch == nullptr ? Bytes{} : encode_epoch(*vote.epoch);
  return wire::encode(wire::EpochVote{.verdict = static_cast<wire::EpochVerdict>(vote.verdict),
                                      .promised = to_wire(vote.promised),
                                      .accepted = to_wire(vote.accepted),
                                      .epoch = epoch},
                      envelope);
}

Result<paxos::Prepare> decode_prepare(BytesView body) {
  const auto message = wire::decode<wire::EpochPrepare>(body);
  if (!message) return std::unexpected(message.error());
  return paxos::Prepare{.slot = {.number = message->slot, .base_hash = message->base_hash},
                        .ballot = from_wire(message->ballot)};
}

Result<paxos::Accept> decode_accept(BytesView body) {
  const auto message = wire::decode<wire::EpochAccept>(body);
  if (!message) return std::unexpected(message.error());
  auto value = decode_value(message->epoch);
  if (!value) return std::unexpected(std::move(value.error()));
  return paxos::Accept{.slot = {.number = message->slot, .base_hash = message->base_hash},
                       .ballot = from_wire(message->ballot),
                       .value = *std::move(value)};
}

Result<paxos::Vote> decode_vote(BytesView body) {
  const auto message = wire::decode<wire::EpochVote>(body);
  if (!message) return std::unexpected(message.error());
  auto value = decode_value(message->epoch);
  if (!value) return std::unexpected(std::move(value.error()));
  return paxos::Vote{.verdict = static_cast<paxos::Verdict>(message->verdict),
                     .promised = from_wire(message->promised),
                     .accepted = from_wire(message->accepted),
                     .epoch = *std::move(value)};
}

}  // namespace coterie
