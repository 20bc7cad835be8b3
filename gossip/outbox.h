#pragma once

#include <cstdint>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/instant.h"
#include "gossip/member.h"

namespace coterie::gossip {

/// One datagram, at most limits::gossip_packet_bytes.
struct OutPacket {
  Address to;
  Bytes bytes;
};

/// A push-pull to start over TCP: send `request`, hand the answer to Gossip::on_stream_reply, or
/// call Gossip::on_stream_failed. Each message is at most limits::gossip_state_bytes; the driver
/// frames it.
struct OutExchange {
  Address to;
  Bytes request;
};

enum class EventKind : std::uint8_t {
  joined,       // not known before, and alive
  updated,      // alive as before, with another address or meta
  suspect,      // did not answer; still routed to, but hedge
  dead,         // several observers gave it up, or one for long
  alive_again,  // was suspect, dead or left, and is not
  left,         // said so itself
  forgotten,    // dead or left for so long that it is dropped from the table
  /// Another node id claims this node's address, or another process this node's id; `member` says
  /// what is known of it. Reported once for each such id.
  conflict,
  /// `member` knows a later epoch than set_epoch() named; its `epoch` says which, its `address`
  /// where to ask. Repeated at most once a second while it stays so.
  epoch_ahead,
  /// `member` has another hash for our epoch's number, which must never be. At most once a second.
  epoch_differs,
};

struct Event {
  EventKind kind;
  Member member;
};

/// What Gossip decided; the driver performs it in this order and clears it. Calls append.
struct Outbox {
  std::vector<OutPacket> packets;
  std::vector<OutExchange> exchanges;
  std::vector<Event> events;
  /// When on_timer() wants to be called; replaces what was asked for before.
  Instant wake;

  void clear() {
    packets.clear();
    exchanges.clear();
    events.clear();
  }
};

}  // namespace coterie::gossip
