#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/wire/messages.h"
#include "node/coordinator/gets.h"
#include "node/coordinator/local_replica.h"
#include "node/coordinator/outbox.h"
#include "node/coordinator/parts.h"
#include "node/coordinator/placement.h"
#include "node/coordinator/puts.h"
#include "node/coordinator/scans.h"
#include "ring/bucket.h"
#include "storage/key.h"

namespace coterie::coordinator {

/// Serves the clients' requests of one shard for the partitions that this node owns (DESIGN: writes
/// and reads). It decides only: events come in with the time they happened, what shall be done goes
/// to the Outbox and to the LocalReplica, within the call. On the shard's loop; nothing is kept of
/// what an event borrows.
///
/// A put is minted here, sent to all other owners at once, and answered when W distinct owners hold
/// it durably. Before the dot is minted every failure says "not executed"; after it an operation
/// that cannot be finished is `unknown_outcome`. Owners that did not take it get a hint.
///
/// A get asks one owner for the record and R-1 for its digest; where they differ it fetches and
/// merges, repairs those it asked before it answers, and the others after.
class Coordinator {
 public:
  /// All that is handed in outlives the coordinator.
  Coordinator(NodeId self, LocalReplica& local, Outbox& outbox, const Options& options = {});

  /// What a client asked, already checked: the key is well formed and lies in the partition.
  struct Request {
    ClientHandle client;
    Instant deadline;
    const Bucket& bucket;
    const Placement& placement;
  };

  /// `key` is as on disk. Each of the three is answered by exactly one reply() or fail(), in this
  /// call or a later one. Errors besides those of the replicas: not_owner (self is not among the
  /// owners), invalid_argument (a quorum above N), expired, unavailable, overloaded (too many
  /// operations), unknown_outcome (puts only).
  void put(const Request& request, BytesView key, const wire::Put& put, const Now& now);
  void get(const Request& request, BytesView key, const wire::Get& get, const Now& now);
  /// `range`: the stored keys that the scan covers (scan_range.h).
  void scan(const Request& request, const KeyRange& range, const wire::Scan& scan, const Now& now);

  /// A put of this request id was minted here, and an owner that does not know it must not be asked
  /// to do it again.
  [[nodiscard]] bool remembers(RequestId id, const Now& now);

  /// A local answer that was not durable has become so.
  void on_local_durable(Tag tag, const Now& now);
  /// Peers' answers, by the request id of their frame. One that nobody waits for any more, or that
  /// comes twice, is ignored; so is one from another node than was asked.
  void on_reply(Tag tag, NodeId from, const wire::ReplicaWriteReply& reply, const Now& now);
  void on_reply(Tag tag, NodeId from, const wire::ReplicaReadReply& reply, const Now& now);
  void on_reply(Tag tag, NodeId from, const wire::ReplicaScanReply& reply, const Now& now);
  void on_error(Tag tag, NodeId from, const Error& error, const Now& now);
  /// The connection ended: nothing that `peer` was asked over it will be answered.
  void on_peer_lost(NodeId peer, const Now& now);

  /// The ring has changed: requests that an owner has refused for their configuration go on under
  /// the partition's new one. A put sends the record that has its dot, and never mints again; what
  /// was counted under the earlier configuration does not count to it.
  void on_ring(const Now& now);

  /// When on_time() should next be called; none: no need. Coarse: up to a millisecond late.
  [[nodiscard]] std::optional<Instant> next_wakeup() const;
  void on_time(const Now& now);

  /// While true no hedges are sent.
  void set_under_pressure(bool is) { parts_.under_pressure = is; }
  [[nodiscard]] const Counters& counters() const { return parts_.counters; }
  /// Operations held, those included that are answered and wait for late replicas.
  [[nodiscard]] std::size_t operations() const;

 private:
  Parts parts_;
  Puts puts_;
  Gets gets_;
  Scans scans_;
};

}  // namespace coterie::coordinator
