// What other nodes' purge rounds ask of this shard's copies.

#include "base/wire/codec.h"
#include "node/shard.h"

namespace coterie {
namespace {

wire::PurgeListReply reply_of(const transfer::PurgeListing& listing) {
  wire::PurgeListReply reply{.reach = listing.reach,
                             .generation = listing.generation,
                             .purged = listing.purged,
                             .actor = listing.actor};
  reply.entries.reserve(listing.entries.size());
  for (const auto& entry : listing.entries) {
    reply.entries.push_back({.key = entry.key, .digest = entry.digest, .what = entry.what});
  }
  return reply;
}

}  // namespace

bool Shard::is_purge(wire::Kind kind) {
  return kind == wire::Kind::purge_list || kind == wire::Kind::purge_raise ||
         kind == wire::Kind::purge_apply;
}

Result<void> Shard::serve_purge(ConnectionId connection, const wire::FrameHeader& header,
                                BytesView body) {
  const wire::Envelope envelope{.request_id = header.request_id};
  if (header.kind == wire::Kind::purge_list) {
    const auto message = wire::decode<wire::PurgeList>(body);
    if (!message) return std::unexpected(message.error());
    const auto found = copies_.purge_list(*message, env_.clock.wall_now());
    if (!found) return std::unexpected(found.error());
    answer_replica(found->rests, connection, wire::encode(reply_of(found->listing), envelope),
                   envelope);
  } else if (header.kind == wire::Kind::purge_raise) {
    const auto message = wire::decode<wire::PurgeRaise>(body);
    if (!message) return std::unexpected(message.error());
    const bool is_owner = copies_.copy(message->scope.partition) != nullptr;
    const auto raised =
        is_owner ? copies_.purge_raise(*message) : fallback_copies_.purge_raise(*message);
    if (!raised) return std::unexpected(raised.error());
    answer_replica(*raised, connection,
                   wire::encode(wire::PurgeRaiseReply{.generation = raised->generation}, envelope),
                   envelope);
  } else {
    const auto message = wire::decode<wire::PurgeApply>(body);
    if (!message) return std::unexpected(message.error());
    const auto done = copies_.purge_apply(*message, env_.clock.wall_now());
    if (!done) return std::unexpected(done.error());
    const wire::PurgeApplyReply reply{.purged = done->purged, .trimmed = done->trimmed};
    answer_replica(done->rests, connection, wire::encode(reply, envelope), envelope);
  }
  return {};
}

}  // namespace coterie
