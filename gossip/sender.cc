#include "gossip/sender.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "gossip/claims.h"

namespace coterie::gossip {

namespace {

TableEntry entry_of(Instant now, const Member& member) {
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - member.since).count();
  return {.member = alive_claim(member),
          .state = member.state,
          .age_s = static_cast<std::uint32_t>(std::clamp<std::int64_t>(age, 0, UINT32_MAX))};
}

}  // namespace

Header Sender::header() const {
  return {.cluster = core_.cluster,
          .sender = core_.self_id,
          .instance = core_.instance,
          .epoch = core_.epoch};
}

void Sender::send(const Address& to, const NodeId& reader, std::initializer_list<Message> messages,
                  Outbox& out) {
  send_with(to, reader, {}, messages, out);
}

void Sender::send_with(const Address& to, const NodeId& reader, const std::vector<NodeId>& members,
                       std::initializer_list<Message> messages, Outbox& out) {
  EnvelopeWriter packet(EnvelopeKind::packet, header(), core_.seal, limits::gossip_packet_bytes);
  const Member* known = core_.table.find(reader);
  if (known != nullptr && known->state != MemberState::alive && reader != core_.self_id) {
    packet.add(encode_claim(core_, *known));
  }
  for (const Message& message : messages) {
    check(packet.add(encode_message(message)), "the messages of one packet fit into it");
  }
  for (const NodeId& id : members) {
    const Member* member = core_.table.find(id);
    if (member != nullptr) packet.add(encode_claim(core_, *member));
  }
  core_.rumours.fill(packet, reader, core_.rumour_limit());
  post(to, packet, out);
}

void Sender::send_rumours(const Member& to, Outbox& out) {
  EnvelopeWriter packet(EnvelopeKind::packet, header(), core_.seal, limits::gossip_packet_bytes);
  core_.rumours.fill(packet, to.id, core_.rumour_limit());
  if (!packet.empty()) post(to.address, packet, out);
}

Bytes Sender::table(Instant now, EnvelopeKind kind) {
  std::vector<TableEntry> entries;
  entries.reserve(core_.table.size());
  entries.push_back(entry_of(now, core_.self()));
  for (const auto& [id, member] : core_.table.all()) {
    if (id != core_.self_id) entries.push_back(entry_of(now, member));
  }
  EnvelopeWriter writer(kind, header(), core_.seal, limits::gossip_state_bytes);
  check(writer.add(encode_table(entries)), "a full table fits into one exchange");
  return writer.finish();
}

void Sender::post(const Address& to, EnvelopeWriter& packet, Outbox& out) {
  out.packets.push_back({.to = to, .bytes = packet.finish()});
  ++core_.counters.packets_out;
  core_.counters.bytes_out += out.packets.back().bytes.size();
}

}  // namespace coterie::gossip
