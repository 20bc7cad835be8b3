#pragma once

#include <initializer_list>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"
#include "gossip/core.h"
#include "gossip/outbox.h"
#include "gossip/packet.h"

namespace coterie::gossip {

/// Puts packets together. Each holds, in this order: what its reader should know first, namely that
/// it is suspect or dead here (Lifeguard's buddy system, section IV-C); the messages it is sent
/// for; rumours, as many as fit.
class Sender {
 public:
  explicit Sender(Core& core) : core_(core) {}

  /// `reader` need not be known.
  void send(const Address& to, const NodeId& reader, std::initializer_list<Message> messages,
            Outbox& out);
  /// The same with what is known of `members`.
  void send_with(const Address& to, const NodeId& reader, const std::vector<NodeId>& members,
                 std::initializer_list<Message> messages, Outbox& out);
  /// Only if there are rumours.
  void send_rumours(const Member& to, Outbox& out);
  /// The whole table, sealed; this node's own entry first.
  [[nodiscard]] Bytes table(Instant now, EnvelopeKind kind);

 private:
  [[nodiscard]] Header header() const;
  void post(const Address& to, EnvelopeWriter& packet, Outbox& out);

  Core& core_;
};

}  // namespace coterie::gossip
