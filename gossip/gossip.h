#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"
#include "base/random.h"
#include "gossip/cluster_tag.h"
#include "gossip/counters.h"
#include "gossip/member.h"
#include "gossip/outbox.h"
#include "gossip/peer_clocks.h"
#include "gossip/seal.h"
#include "gossip/settings.h"

namespace coterie::gossip {

/// Who is alive: SWIM (Das, Gupta and Motivala 2002) with the three parts of Lifeguard (Dadgar,
/// Phillips and Currey 2018), after memberlist.
///
/// It decides and performs nothing: every call takes `now`, which must not run backwards, and
/// appends to `out`. No call may be made from within another. Nothing that comes from outside makes
/// it fail: what is malformed or foreign is counted and dropped.
///
/// Its word steers routing and hedging only. Members are known by node id; who owns data is the
/// epoch's business.
class Gossip {
 public:
  struct Options {
    NodeId id;
    /// Our gossip door as others reach it.
    Address address;
    /// Above every incarnation of earlier runs; wall-clock milliseconds will do. Below 2^62.
    std::uint64_t incarnation = 0;
    /// At most limits::gossip_meta_bytes.
    Bytes meta;
    ClusterTag cluster;
    EpochMark epoch;
    Settings settings;
  };

  /// `seal` must outlive this. Nothing is sent before the first join() or on_timer().
  Gossip(Instant now, Options options, const PacketSeal& seal, Random random);
  ~Gossip();
  Gossip(const Gossip&) = delete;
  Gossip& operator=(const Gossip&) = delete;

  /// Exchanges tables with each seed; those that fail are tried again for as long as no living
  /// member has their address. Our own address among them is skipped. At most
  /// limits::gossip_seeds are kept.
  void join(Instant now, const std::vector<Address>& seeds, Outbox& out);
  /// Says goodbye, so that nobody takes us for dead. Go on calling on_timer() and on_packet() until
  /// may_stop(), or for as long as you care.
  void leave(Instant now, Outbox& out);
  /// After leave(): everybody was told as often as rumours are told.
  [[nodiscard]] bool may_stop() const;

  /// To be called at out.wake, or as soon after as can be; that late calls are late is noticed.
  void on_timer(Instant now, Outbox& out);
  /// `from` is where an answer goes; the packet itself says who it is from, under its tag.
  /// `wall` is shown to whoever asks, and to nothing else.
  void on_packet(Instant now, WallTime wall, const Address& from, BytesView bytes, Outbox& out);
  /// A push-pull that another started; the answer, or why there is none.
  [[nodiscard]] Result<Bytes> on_stream_request(Instant now, BytesView bytes, Outbox& out);
  /// The answer to an exchange of ours.
  void on_stream_reply(Instant now, const Address& from, BytesView bytes, Outbox& out);
  /// The exchange with `to` could not be made or timed out.
  void on_stream_failed(Instant now, const Address& to, Outbox& out);

  /// Our meta changed; everybody is told.
  void set_local_meta(Instant now, Bytes meta, Outbox& out);
  /// The newest epoch known here; spreads with every packet from now on.
  void set_epoch(const EpochMark& epoch);
  /// The cluster was born.
  void set_cluster_id(std::uint64_t id_hash);

  [[nodiscard]] const Member& self() const;
  /// Nothing if not known; ours too.
  [[nodiscard]] const Member* find(const NodeId& id) const;
  /// All that are known, this node included, by node id. Valid until the next call that changes.
  [[nodiscard]] std::vector<const Member*> members() const;
  /// Neither dead nor left, this node included.
  [[nodiscard]] std::size_t living() const;
  /// 1 when all is well here; grows as this node fails to keep up.
  [[nodiscard]] std::uint32_t local_health_multiplier() const;
  /// What the wall clocks of others show.
  [[nodiscard]] const PeerClocks& clocks() const;
  [[nodiscard]] const Counters& counters() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace coterie::gossip
