#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "base/limits.h"
#include "gossip/gossip.h"
#include "gossip/parts.h"

namespace coterie::gossip {

namespace {

std::string_view words(EnvelopeFault fault) {
  switch (fault) {
    case EnvelopeFault::malformed:
      return "malformed gossip message";
    case EnvelopeFault::newer_version:
      return "gossip message of a newer version; upgrade this node";
    case EnvelopeFault::other_cluster:
      return "gossip message of another cluster";
    case EnvelopeFault::unverified:
      return "gossip message under another secret; give all nodes the same";
  }
  return "gossip message refused";
}

ErrorCode code(EnvelopeFault fault) {
  switch (fault) {
    case EnvelopeFault::malformed:
      return ErrorCode::corrupt;
    case EnvelopeFault::newer_version:
      return ErrorCode::unsupported_version;
    case EnvelopeFault::other_cluster:
    case EnvelopeFault::unverified:
      return ErrorCode::refused;
  }
  return ErrorCode::internal;
}

std::uint64_t since_1970(WallTime wall) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, wall.time_since_epoch().count()));
}

/// What one packet asks for. One answer a packet, so that nobody can use us to send more than he
/// sends himself.
struct Asked {
  std::optional<Ping> ping;
  std::optional<PingRequest> request;
};

}  // namespace

std::expected<Envelope, EnvelopeFault> Gossip::Parts::open(BytesView bytes, EnvelopeKind wanted) {
  const std::size_t most =
      wanted == EnvelopeKind::packet ? limits::gossip_packet_bytes : limits::gossip_state_bytes;
  std::expected<Envelope, EnvelopeFault> envelope = std::unexpected(EnvelopeFault::malformed);
  if (bytes.size() <= most) envelope = open_envelope(bytes, core.cluster, core.seal);
  if (envelope && envelope->kind != wanted) envelope = std::unexpected(EnvelopeFault::malformed);
  if (!envelope) count(envelope.error());
  return envelope;
}

void Gossip::Parts::count(EnvelopeFault fault) {
  switch (fault) {
    case EnvelopeFault::malformed:
      ++core.counters.dropped_malformed;
      return;
    case EnvelopeFault::newer_version:
      ++core.counters.dropped_newer_version;
      return;
    case EnvelopeFault::other_cluster:
      ++core.counters.dropped_other_cluster;
      return;
    case EnvelopeFault::unverified:
      ++core.counters.dropped_unverified;
      return;
  }
}

bool Gossip::Parts::is_own(const Header& header, const Address& from, Outbox& out) {
  if (header.sender != core.self_id) return false;
  ++core.counters.dropped_own;
  if (header.instance != core.instance && !double_reported) {
    double_reported = true;
    Member twin = core.self();
    twin.address = from;
    report(out, EventKind::conflict, twin);
  }
  return true;
}

void Gossip::Parts::note_sender(Instant now, const Header& header, const Address& from,
                                Outbox& out) {
  Member* member = core.table.find(header.sender);
  if (member != nullptr) member->epoch = header.epoch;
  const Member unknown{.id = header.sender, .address = from, .epoch = header.epoch};
  epochs.compare(now, core.epoch, member != nullptr ? *member : unknown, out);
}

void Gossip::Parts::receive(Instant now, WallTime wall, const Address& from, const Header& header,
                            const std::vector<Message>& messages, Outbox& out) {
  Asked asked;
  for (const Message& message : messages) {
    if (const auto* ping = std::get_if<Ping>(&message)) {
      if (ping->target != core.self_id) {
        ++core.counters.dropped_misdirected;
      } else if (!asked.ping) {
        asked.ping = *ping;
      }
    } else if (const auto* request = std::get_if<PingRequest>(&message)) {
      if (!asked.request) asked.request = *request;
    } else if (const auto* ack = std::get_if<Ack>(&message)) {
      detector.on_ack(now, *ack, out);
    } else if (const auto* nack = std::get_if<Nack>(&message)) {
      detector.on_nack(*nack);
    } else if (const auto* shown = std::get_if<ClockShown>(&message)) {
      core.clocks.heard(now, shown->sequence, header.sender, shown->wall_ms);
    } else if (const auto* alive = std::get_if<AliveClaim>(&message)) {
      claims.hear(now, *alive, out);
    } else if (const auto* suspect = std::get_if<SuspectClaim>(&message)) {
      claims.hear(now, *suspect, out);
    } else if (const auto* dead = std::get_if<DeadClaim>(&message)) {
      claims.hear(now, *dead, header.sender, out);
    } else if (const auto* left = std::get_if<LeftClaim>(&message)) {
      claims.hear(now, *left, out);
    }
  }
  // Who accuses on stale grounds is told better at once; rumours alone might come too late.
  const std::vector<NodeId> stale = claims.take_stale();
  if (asked.ping) {
    sender.send_with(from, header.sender, stale,
                     {Ack{.sequence = asked.ping->sequence, .subject = core.self_id},
                      ClockShown{.sequence = asked.ping->sequence, .wall_ms = since_1970(wall)}},
                     out);
  } else if (!stale.empty()) {
    sender.send_with(from, header.sender, stale, {}, out);
  }
  if (asked.request) detector.on_ping_request(now, from, header.sender, *asked.request, out);
}

bool Gossip::Parts::merge_table(Instant now, const Envelope& envelope, const Address& from,
                                Outbox& out) {
  const auto entries = decode_table(envelope.body);
  if (!entries) {
    ++core.counters.dropped_malformed;
    return false;
  }
  for (const TableEntry& entry : *entries) claims.merge(now, entry, envelope.header.sender, out);
  // The other side learns from our table, which it gets in any case, what was stale in its own.
  static_cast<void>(claims.take_stale());
  note_sender(now, envelope.header, from, out);
  return true;
}

void Gossip::on_packet(Instant now, WallTime wall, const Address& from, BytesView bytes,
                       Outbox& out) {
  Parts& parts = *parts_;
  parts.enter(now);
  ++parts.core.counters.packets_in;
  parts.core.counters.bytes_in += bytes.size();
  const auto envelope = parts.open(bytes, EnvelopeKind::packet);
  if (envelope && !parts.is_own(envelope->header, from, out)) {
    const auto messages = decode_messages(envelope->body);
    if (messages) {
      parts.receive(now, wall, from, envelope->header, *messages, out);
      parts.note_sender(now, envelope->header, from, out);
    } else {
      ++parts.core.counters.dropped_malformed;
    }
  }
  parts.finish(now, out);
}

Result<Bytes> Gossip::on_stream_request(Instant now, BytesView bytes, Outbox& out) {
  Parts& parts = *parts_;
  parts.enter(now);
  ++parts.core.counters.exchanges_in;
  const auto answer = [&]() -> Result<Bytes> {
    const auto envelope = parts.open(bytes, EnvelopeKind::exchange_request);
    if (!envelope) {
      return fail(code(envelope.error()), std::string(words(envelope.error())));
    }
    const Address nowhere;
    if (parts.is_own(envelope->header, nowhere, out)) {
      return fail(ErrorCode::refused, "this node itself asked");
    }
    if (!parts.merge_table(now, *envelope, nowhere, out)) {
      return fail(ErrorCode::corrupt, std::string(words(EnvelopeFault::malformed)));
    }
    return parts.sender.table(now, EnvelopeKind::exchange_reply);
  };
  auto result = answer();
  parts.finish(now, out);
  return result;
}

void Gossip::on_stream_reply(Instant now, const Address& from, BytesView bytes, Outbox& out) {
  Parts& parts = *parts_;
  parts.enter(now);
  const auto envelope = parts.open(bytes, EnvelopeKind::exchange_reply);
  const bool merged = envelope && !parts.is_own(envelope->header, from, out) &&
                      parts.merge_table(now, *envelope, from, out);
  if (!merged) ++parts.core.counters.exchanges_failed;
  parts.finish(now, out);
}

}  // namespace coterie::gossip
