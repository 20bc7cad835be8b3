#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/hlc.h"
#include "base/limits.h"
#include "base/random.h"
#include "node/coordinator/local_replica.h"
#include "node/durable_gate.h"
#include "node/replica/fence_state.h"
#include "node/replica/minted_keys.h"
#include "node/replica/partition_copy.h"
#include "node/transfer/purge_round.h"
#include "ring/epoch.h"
#include "storage/store.h"

namespace coterie {

/// One shard's partition copies over its store: joins node/replica's decisions with reads and
/// appends, for this node's coordinator and for those of others. One thread.
class LocalCopies final : public coordinator::LocalReplica {
 public:
  struct Counters {
    std::uint64_t minted = 0;
    std::uint64_t merged = 0;
    std::uint64_t merges_unchanged = 0;
    std::uint64_t reads = 0;
    std::uint64_t damaged_records = 0;  // reads that met a bad checksum
    std::uint64_t refused_records = 0;  // sent by others, and not what a record must be
    std::uint64_t actors_redrawn = 0;
    std::uint64_t destroyed_copies = 0;  // found behind a finished purge
    std::uint64_t purged_records = 0;
    std::uint64_t trimmed_records = 0;
    std::uint64_t gained_copies = 0;
    std::uint64_t dropped_copies = 0;  // erased, since others own the partition now
  };

  /// `doubt`: what power took last may include data of these copies, under this number
  /// (node/run_note.h); 0: it never took any.
  LocalCopies(Store& store, DurableGate& gate, Random random, std::uint64_t doubt = 0)
      : store_(store), gate_(gate), random_(random), doubt_(doubt) {}

  /// The copies that this shard holds under an epoch: new ones get fresh actors; those whose log
  /// was damaged answer `unsure`, those that power may have taken data from do so for interval
  /// buckets. Requests of older configurations are refused from here on; see fenced() for when that
  /// is durable.
  void set_epoch(std::shared_ptr<const Epoch> epoch, NodeId self, ShardIndex shard,
                 std::uint16_t shards);
  /// The store has stopped: what is durable is unknown, and nothing is answered any more.
  void stop_serving(std::string why) { stopped_ = std::move(why); }
  [[nodiscard]] const replica::PartitionCopy* copy(PartitionId partition) const;
  [[nodiscard]] std::size_t copies() const { return copies_.size(); }
  [[nodiscard]] std::size_t unsure_copies() const;
  [[nodiscard]] std::size_t copies_in_doubt() const;
  [[nodiscard]] const Counters& counters() const { return counters_; }

  // local_copies_fence.cc: copies while their partition changes owners.
  /// The latest configuration that this node has durably fenced for the partition: it serves no
  /// request of an older one any more, not after a crash either. 0: none. A copy of which none is
  /// known refuses older requests all the same, but a crash may forget that.
  [[nodiscard]] ConfigurationNumber fenced(PartitionId partition) const;
  /// `handler` is called whenever fenced() has risen, on this thread, from set_epoch() or later.
  using OnFenced = std::function<void(PartitionId, ConfigurationNumber)>;
  void set_fence_handler(OnFenced handler) { on_fenced_ = std::move(handler); }
  /// A new owner's copy, from `open` until this node hears of the cut-over.
  struct Filling {
    std::uint64_t change = 0;  ///< Change::id
    /// It was empty when this run of the process began to hold it. What an earlier run noted of
    /// streams into it holds no more.
    bool began_empty = false;
  };
  /// Nothing: the copy is not one that is being filled, or there is none. Its generation rises with
  /// that of what it takes (keep(), write()); who fills it from an empty source calls
  /// raise_generation() with the source's.
  [[nodiscard]] std::optional<Filling> filling(PartitionId partition) const;
  /// What it held before must go first: what it takes now would go with it.
  [[nodiscard]] bool is_emptying(PartitionId partition) const {
    return emptying_.contains(partition);
  }
  /// One piece of what is left to do: fences that the store has not taken, and the copies of
  /// partitions that this node does not own any more, a batch at a time.
  enum class Tended {
    all,      ///< nothing is left, or what is left waits for the log or an epoch
    more,     ///< call again
    refused,  ///< the store takes no writes now: call again later
  };
  [[nodiscard]] Tended tend();
  /// `handler` is called when there is something to tend().
  void set_work_handler(std::function<void()> handler) { on_work_ = std::move(handler); }

  // For this node's coordinator.
  [[nodiscard]] Result<coordinator::LocalMinted> mint(const wire::ReplicaScope& scope,
                                                      const coordinator::LocalPut& put,
                                                      coordinator::Tag tag) override;
  [[nodiscard]] Result<coordinator::LocalMerged> merge(const wire::ReplicaScope& scope,
                                                       BytesView key, BytesView record,
                                                       Resolver resolver,
                                                       coordinator::Tag tag) override;
  [[nodiscard]] Result<coordinator::LocalRead> read(const wire::ReplicaScope& scope, BytesView key,
                                                    std::optional<Durability> durability,
                                                    coordinator::Tag tag) override;
  [[nodiscard]] Result<coordinator::LocalScan> scan(const wire::ReplicaScan& message,
                                                    coordinator::Tag tag) override;
  [[nodiscard]] Result<coordinator::LocalRead> read_left(PartitionId partition,
                                                         BytesView key) override;

  void heard_of_purge(PartitionId partition, Generation purged) override;

  // For the coordinators of other nodes: the answer, and what it rests on.
  struct Rests {
    LogPosition position;
    Durability durability = Durability::commit;
    Generation generation;
    Generation purged;
  };
  [[nodiscard]] Result<Rests> write(const wire::ReplicaWrite& message);
  struct Read {
    std::uint64_t digest = 0;
    Bytes record;
    Rests rests;
  };
  [[nodiscard]] Result<Read> read(const wire::ReplicaRead& message);
  struct Page {
    std::vector<coordinator::LocalScan::Entry> entries;
    bool is_truncated = false;
    Rests rests;
  };
  [[nodiscard]] Result<Page> scan(const wire::ReplicaScan& message);
  /// What this copy holds of a record and of its tree leaf; counts to nothing.
  struct Inspected {
    Bytes record;
    std::uint64_t digest = 0;
    TreeCell leaf;
    TreeCell root;
    Generation generation;
  };
  [[nodiscard]] Result<Inspected> inspect(const wire::ReplicaInspect& message) const;

  // local_copies_purge.cc: for purge rounds and refills.
  /// The copy's generation is at least this; durable once the store is synced to what is returned.
  [[nodiscard]] Result<LogPosition> raise_generation(PartitionId partition, Generation generation);
  [[nodiscard]] Result<Rests> purge_raise(const wire::PurgeRaise& message);
  struct Purgeable {
    transfer::PurgeListing listing;
    Rests rests;
  };
  [[nodiscard]] Result<Purgeable> purge_list(const wire::PurgeList& message, WallTime now);
  struct Purged {
    std::uint32_t purged = 0;
    std::uint32_t trimmed = 0;
    Rests rests;
  };
  [[nodiscard]] Result<Purged> purge_apply(const wire::PurgeApply& message, WallTime now);
  /// A copy that is being filled takes on what its source has promised, before it takes a record of
  /// it. Errors: not_owner, the store's.
  [[nodiscard]] Result<void> adopt_purges(PartitionId partition, Generation generation,
                                          Generation purged);
  /// Copies that were restored from an old state: emptied, `unsure`, to be refilled.
  [[nodiscard]] const std::set<PartitionId>& destroyed() const { return destroyed_; }
  /// A copy that might lack data holds what its other owners hold; it answers once more. Errors:
  /// the store's; unsure: it could not be emptied before, and has been only now.
  [[nodiscard]] Result<LogPosition> refilled(PartitionId partition);

  // For repair (local_copies_repair.cc).
  /// A record that another owner held under `generation`, merged into the local one. An unsure copy
  /// keeps it, too. `replaces_damaged` as in replica::MergeOptions. Errors: not_owner,
  /// stale_configuration (the record was read before a purge, or replaces a damaged one and was
  /// read below this copy's generation), unsure (the local record is damaged), the store's.
  [[nodiscard]] Result<void> keep(PartitionId partition, Generation generation, BytesView key,
                                  BytesView record, bool replaces_damaged);
  /// Nobody holds what the damaged local record was: it goes. Errors: the store's.
  [[nodiscard]] Result<void> drop_damaged(PartitionId partition, BytesView key);
  /// Whoever meets a record with a bad checksum tells of it here.
  void note_damaged(PartitionId partition, BytesView key);
  /// An empty key: the whole copy is unsure now.
  using OnDamage = std::function<void(PartitionId, BytesView key)>;
  void set_damage_handler(OnDamage handler) { on_damage_ = std::move(handler); }
  [[nodiscard]] Resolver resolver_of(BytesView key) const;
  [[nodiscard]] bool is_of_known_bucket(BytesView key) const;

 private:
  replica::PartitionCopy* find(PartitionId partition);
  void add(PartitionId partition, ActorId actor, bool is_damaged);
  void drop(PartitionId partition);
  void hold(PartitionId partition, const std::vector<PartitionId>& damaged);
  void gain(replica::PartitionCopy& copy, replica::FenceState& fence, const Change& change);
  void let_go(ShardIndex shard, std::uint16_t shards);
  [[nodiscard]] replica::FenceState stored_fence(PartitionId partition);
  void keep_fence(PartitionId partition);
  void on_fence_synced(PartitionId partition, ConfigurationNumber configuration);
  [[nodiscard]] Tended erase_some(PartitionId partition);
  [[nodiscard]] replica::CopyState sound_state(PartitionId partition) const;
  // local_copies_doubt.cc
  void begin_in_doubt();
  Result<void> end_doubt(PartitionId partition);
  [[nodiscard]] bool has_ended_doubt(PartitionId partition) const;
  [[nodiscard]] Durability durability_of(BucketId bucket) const;
  Result<void> empty(replica::PartitionCopy& copy);
  [[nodiscard]] Rests rests_on(const replica::PartitionCopy& copy, LogPosition position) const;
  Result<LogPosition> keep_purge_state(const replica::PartitionCopy& copy, bool is_emptying);
  [[nodiscard]] Result<void> check_scope(const replica::PartitionCopy* copy,
                                         const wire::ReplicaScope& scope, replica::Use use,
                                         Durability of = Durability::commit) const;
  [[nodiscard]] Durability durability_of(BytesView key) const;
  void redraw(replica::PartitionCopy& copy);
  std::unexpected<Error> damaged(replica::PartitionCopy& copy, BytesView key, const Error& error);
  Result<LogPosition> append(BytesView key, Bytes record, std::uint64_t old_hash,
                             std::uint64_t new_hash, bool replaces_damaged = false);
  /// A record that was read under `generation`.
  Result<LogPosition> take(replica::PartitionCopy& copy, Generation generation, BytesView key,
                           BytesView record, Resolver resolver, bool replaces_damaged);
  Result<Page> page(replica::PartitionCopy& copy, BytesView from, BytesView to,
                    std::uint32_t limit_records);
  [[nodiscard]] bool vote(LogPosition position, Durability durability, coordinator::Tag tag);

  Store& store_;
  DurableGate& gate_;
  Random random_;
  std::uint64_t doubt_;
  HybridClock hybrid_clock_;
  std::shared_ptr<const Epoch> epoch_;
  NodeId self_;
  std::map<PartitionId, replica::PartitionCopy> copies_;
  /// Those of copies_, null where there is none.
  std::vector<replica::PartitionCopy*> by_partition_;
  std::set<PartitionId> destroyed_;
  std::set<PartitionId> emptying_;  // of these: what they held may not all have been erased yet
  std::map<PartitionId, replica::FenceState> fences_;  // as they shall be on disk
  std::map<PartitionId, ConfigurationNumber> fenced_;  // as they are there
  std::set<PartitionId> unkept_fences_;                // the store has refused them
  std::set<PartitionId> began_empty_;                  // of those that are being filled
  /// Held no more, and what is stored of them is still here; of these, those that may go.
  std::set<PartitionId> left_over_;
  std::map<PartitionId, Generation>
      left_whole_;  // PartitionCopy::purged() of copies that were full
  std::set<PartitionId> erasing_;
  std::optional<std::string> stopped_;
  OnDamage on_damage_;
  OnFenced on_fenced_;
  std::function<void()> on_work_;
  replica::MintedKeys minted_keys_{limits::minted_keys};
  Bytes minted_;  // the record of the last mint()
  Counters counters_;
};

}  // namespace coterie
