#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/hlc.h"
#include "base/random.h"
#include "node/coordinator/local_replica.h"
#include "node/durable_gate.h"
#include "node/local_copies.h"
#include "node/replica/partition_copy.h"
#include "node/transfer/record_hints.h"
#include "ring/epoch.h"
#include "storage/store.h"

namespace coterie {

/// This node as a fallback: of partitions that it does not own it keeps what sloppy writes bring in
/// the place of owners that cannot be reached, as hints, and answers from those. The counterpart of
/// LocalCopies. One thread.
///
/// With no owner reachable it mints, too, as LocalCopies does, under an actor a partition. What the
/// actor minted for a key must be in the local record before it mints for that key again, and the
/// local record is what the hints hold: so whenever a hint of the partition goes, another actor is
/// drawn.
///
/// A purge round asks every member: one that holds no hints of the partition raises its generation
/// durably, and takes none that was read below it from then on. So no hint outlives a purge of what
/// it holds.
class FallbackCopies final : public coordinator::LocalReplica {
 public:
  struct Counters {
    std::uint64_t minted = 0;
    std::uint64_t kept = 0;
    std::uint64_t reads = 0;
  };

  FallbackCopies(Store& store, DurableGate& gate, transfer::RecordHints& hints, Random random);

  void set_epoch(std::shared_ptr<const Epoch> epoch, NodeId self);
  void stop_serving(std::string why) { stopped_ = std::move(why); }
  [[nodiscard]] const Counters& counters() const { return counters_; }

  // For this node's coordinator. Besides the errors of LocalReplica: hints_full.
  [[nodiscard]] Result<coordinator::LocalMinted> mint(const wire::ReplicaScope& scope,
                                                      const coordinator::LocalPut& put,
                                                      coordinator::Tag tag) override;
  /// Fallbacks are not repaired. Always refused.
  [[nodiscard]] Result<coordinator::LocalMerged> merge(const wire::ReplicaScope& scope,
                                                       BytesView key, BytesView record,
                                                       Resolver resolver,
                                                       coordinator::Tag tag) override;
  [[nodiscard]] Result<coordinator::LocalRead> read(const wire::ReplicaScope& scope, BytesView key,
                                                    std::optional<Durability> durability,
                                                    coordinator::Tag tag) override;
  [[nodiscard]] Result<coordinator::LocalScan> scan(const wire::ReplicaScan& message,
                                                    coordinator::Tag tag) override;
  void heard_of_purge(PartitionId partition, Generation purged) override;

  // For the coordinators of other nodes: what they ask of a fallback. Errors besides those of
  // replica::check_scope(): refused (the bucket is strict), hints_full, those of the store; unsure
  // until the hints of an earlier run have been counted.
  [[nodiscard]] Result<LocalCopies::Rests> write(const wire::ReplicaWrite& message, WallTime now);
  [[nodiscard]] Result<LocalCopies::Read> read(const wire::ReplicaRead& message);
  [[nodiscard]] Result<LocalCopies::Page> scan(const wire::ReplicaScan& message);
  /// Error besides: unavailable (there are hints of the partition).
  [[nodiscard]] Result<LocalCopies::Rests> purge_raise(const wire::PurgeRaise& message);

 private:
  [[nodiscard]] Result<replica::PartitionCopy*> find(const wire::ReplicaScope& scope,
                                                     replica::Use use);
  /// A node that leaves would take along what it kept. Errors: unavailable, it does.
  [[nodiscard]] Result<void> check_staying() const;
  [[nodiscard]] const Bucket* bucket_of(BytesView key) const;
  [[nodiscard]] Durability durability_of(BytesView key) const;
  void redraw(PartitionId partition);
  [[nodiscard]] bool vote(LogPosition position, Durability durability, coordinator::Tag tag);

  Store& store_;
  DurableGate& gate_;
  transfer::RecordHints& hints_;
  Random random_;
  HybridClock hybrid_clock_;
  std::shared_ptr<const Epoch> epoch_;
  NodeId self_;
  /// Of partitions for which this node was asked to stand in.
  std::map<PartitionId, replica::PartitionCopy> copies_;
  std::optional<std::string> stopped_;
  Bytes minted_;  // the record of the last mint()
  Counters counters_;
};

}  // namespace coterie
