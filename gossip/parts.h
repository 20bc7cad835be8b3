#pragma once

#include <expected>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/instant.h"
#include "gossip/claims.h"
#include "gossip/core.h"
#include "gossip/epoch_watch.h"
#include "gossip/failure_detector.h"
#include "gossip/gossip.h"
#include "gossip/joiner.h"
#include "gossip/packet.h"
#include "gossip/sender.h"

namespace coterie::gossip {

/// What Gossip is made of. The members below `core` refer to it; so this is never moved.
struct Gossip::Parts {
  Parts(Instant now, Options options, const PacketSeal& seal, Random seeded);

  void enter(Instant now);
  void finish(Instant now, Outbox& out);
  void gossip_tick(Instant now, Outbox& out);
  void reconnect_tick(Instant now, Outbox& out);
  void start_exchanges(Instant now, Outbox& out);

  /// What is verified and of the wanted kind; anything else is counted.
  [[nodiscard]] std::expected<Envelope, EnvelopeFault> open(BytesView bytes, EnvelopeKind wanted);
  void count(EnvelopeFault fault);
  /// True for what this node, or a double of it, sent.
  bool is_own(const Header& header, const Address& from, Outbox& out);
  void note_sender(Instant now, const Header& header, const Address& from, Outbox& out);
  void receive(Instant now, WallTime wall, const Address& from, const Header& header,
               const std::vector<Message>& messages, Outbox& out);
  /// False if it is malformed.
  [[nodiscard]] bool merge_table(Instant now, const Envelope& envelope, const Address& from,
                                 Outbox& out);

  Core core;
  Claims claims;
  Sender sender;
  FailureDetector detector;
  Joiner joiner;
  EpochWatch epochs;
  Instant next_gossip;
  Instant next_reconnect;
  /// The wake-up asked for last; Instant::max() before the first.
  Instant promised = Instant::max();
  bool double_reported = false;
};

}  // namespace coterie::gossip
