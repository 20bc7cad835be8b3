#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/address.h"
#include "base/ids.h"
#include "base/instant.h"
#include "gossip/claims.h"
#include "gossip/core.h"
#include "gossip/outbox.h"
#include "gossip/packet.h"
#include "gossip/sender.h"

namespace coterie::gossip {

/// Probes one member after another, directly and then through others, and probes on their behalf
/// (SWIM, section 4.1; nacks and scaling by local health from Lifeguard, section IV-A).
class FailureDetector {
 public:
  FailureDetector(Instant now, Core& core, Claims& claims, Sender& sender);

  void on_timer(Instant now, Outbox& out);
  [[nodiscard]] Instant next_due() const;
  /// This process was stalled: probes begun before say nothing.
  void start_over(Instant now);

  void on_ack(Instant now, const Ack& ack, Outbox& out);
  void on_nack(const Nack& nack);
  void on_ping_request(Instant now, const Address& from, const NodeId& asker,
                       const PingRequest& request, Outbox& out);

  /// Asks suspects directly who were accused here or are about to be given up: a last chance.
  void ask_suspects(Instant now, Outbox& out);
  /// Asks one of the dead whether it is back; if so, tables are exchanged.
  void ask_a_dead(Instant now, Outbox& out);
  /// Asks those that have just come for their clocks, which the next round might reach late.
  void ask_newcomers(Instant now, Outbox& out);

 private:
  struct Probe {
    NodeId target;
    std::uint32_t sequence = 0;
    Instant indirect_at;
    bool acked = false;
    bool indirect = false;
    std::uint32_t helpers = 0;
    std::uint32_t nacks = 0;
  };
  /// A probe made for somebody else.
  struct Errand {
    Address asker_address;
    NodeId asker;
    std::uint32_t asker_sequence = 0;
    NodeId target;
    Instant nack_at;
    Instant end;
    bool nacked = false;
  };

  void begin(Instant now, Outbox& out);
  void ask_others(Instant now, Outbox& out);
  void conclude(Instant now, Outbox& out);
  void send_nacks(Instant now, Outbox& out);
  void ping(Instant now, const Member& member, std::uint32_t sequence, Outbox& out);

  Core& core_;
  Claims& claims_;
  Sender& sender_;
  std::uint32_t next_sequence_;
  Instant next_probe_;
  std::optional<Probe> probe_;
  /// By our own sequence number.
  std::map<std::uint32_t, Errand> errands_;
  NodeId dead_asked_;
  std::uint32_t dead_sequence_ = 0;
};

}  // namespace coterie::gossip
