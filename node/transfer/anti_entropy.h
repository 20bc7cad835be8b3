#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/random.h"
#include "node/transfer/anti_entropy_port.h"
#include "node/transfer/anti_entropy_status.h"
#include "node/transfer/damaged_records.h"
#include "node/transfer/repair_round.h"
#include "node/transfer/throttle.h"
#include "node/transfer/verified.h"
#include "ring/epoch.h"
#include "storage/store.h"

namespace coterie::transfer {

/// Anti-entropy of one shard (DESIGN: repair): compares this node's copies with those of their
/// other owners and repairs what differs. Each pair of owners is compared by the one of lower node
/// id, on its own jittered schedule, and at once when the other comes back to life or this node
/// starts. Copies that lack data (a damaged log) and records with a bad checksum are refilled from
/// the other owners whatever the schedule says, also when it is switched off. Work is done one
/// round at a time, a few questions unanswered, within budgets of bytes and CPU, and waits while
/// clients wait. One thread; on the shard's loop.
class AntiEntropy {
 public:
  struct Environment {
    const Clock& clock;
    Timers& timers;
    Store& store;
    RepairedCopies& copies;
    OtherOwners& others;
    /// Clients wait: no work now.
    std::function<bool()> should_yield;
    /// Two copies were compared and made equal, the comparison having begun at this time.
    std::function<void(PartitionId, NodeId other, Instant began)> made_equal;
  };
  struct Options {
    NodeId self;
    AntiEntropyOptions schedule;
  };

  AntiEntropy(const Environment& environment, const Options& options, Random random);
  AntiEntropy(const AntiEntropy&) = delete;
  AntiEntropy& operator=(const AntiEntropy&) = delete;
  ~AntiEntropy();

  /// The ring, and who of it lives. Partitions of other shards have no copy() here.
  void on_view(std::shared_ptr<const Epoch> epoch, const std::vector<NodeId>& alive);
  /// Goes on: an answer to a question has come, and been worked on since `began`.
  void on_answer(Instant began);
  /// A record with a bad checksum was met, by whoever reads; an empty key: the whole copy is
  /// unsure.
  void on_damaged(PartitionId partition, BytesView key);
  /// This owner is known to lack something: the copies are compared soon.
  void compare_soon(PartitionId partition, NodeId other);

  /// Starts a command: repairs, or only verifies, now. The partitions that it is about. Errors:
  /// not_found (none of the scope is held here), overloaded (another command is going on).
  Result<std::size_t> start(const RepairScope& scope, RepairAction action);
  /// Ends the command that is going on, between two steps. False: there is none.
  bool cancel();
  /// Copies here that may lack data, all of them or one partition's, are full as they are, and
  /// records with a bad checksum in any of these are gone: what only they held is lost, and people
  /// have said that it may be. How many copies that changed. Errors: unavailable, the store's.
  Result<std::size_t> accept_loss(std::optional<PartitionId> only);
  /// Until resume(), nothing is compared but by commands; what lacks data is refilled all the same.
  void pause() { is_paused_ = true; }
  void resume();

  /// Records with a bad checksum that have not been refilled yet.
  [[nodiscard]] std::size_t damaged_waiting() const { return damaged_.size(); }
  [[nodiscard]] AntiEntropyStatus status() const;

 private:
  struct Job {
    RepairReason reason = RepairReason::scheduled;
    NodeId other;
    std::vector<PartitionId> partitions;
    RepairAction action = RepairAction::repair;
    std::optional<BucketId> bucket;
  };
  struct Running {
    Job job;
    Instant began;
    WallTime began_wall;
    std::size_t done = 0;
    bool has_failed = false;
    std::unique_ptr<RepairRound> round;
  };
  struct Peer {
    std::vector<PartitionId> shared;  // those that this node compares with it
    bool is_alive = false;
    Instant due;
    RepairReason reason = RepairReason::started;
  };
  struct Refill {
    std::map<NodeId, unsigned> passes;  // complete ones
    std::set<NodeId> unsure;
  };

  void pump();
  void count_bytes(Instant now);
  /// True if something was done.
  bool step(Instant now);
  [[nodiscard]] std::optional<Instant> held_until(Instant now);
  [[nodiscard]] Instant next_due() const;
  void wake_at(Instant when, Instant now);

  bool begin_job(Instant now);
  void add_refills(Instant now);
  std::optional<Job> scheduled_job(Instant now);
  void start_round(Job job, Instant now);
  void finish_job(Instant now);
  void on_partition(const RoundResult& result);
  void on_key(const RepairedKey& key);
  void on_refilled_from(const RoundResult& result);

  // anti_entropy_command.cc
  [[nodiscard]] bool is_in(const RepairScope& scope, PartitionId partition) const;
  [[nodiscard]] static bool is_command(const Job& job) {
    return job.reason == RepairReason::command;
  }
  void count_for_command(const RoundResult& result);
  void count_for_command(const RepairedKey& key);
  void end_command_if_done();

  void find_unsure(Instant now);
  void forget_verified();
  [[nodiscard]] std::vector<NodeId> other_owners(PartitionId partition) const;
  [[nodiscard]] RefillQuorum quorum(PartitionId partition) const;
  [[nodiscard]] bool is_in_window() const;
  [[nodiscard]] Duration jittered(Duration interval);

  Environment env_;
  Options options_;
  Random random_;
  Throttle bytes_;
  Throttle cpu_;  // in nanoseconds of work
  std::uint64_t bytes_seen_ = 0;
  std::optional<Instant> yielding_since_;
  std::shared_ptr<const Epoch> epoch_;
  std::map<NodeId, Peer> peers_;
  std::map<PartitionId, Refill> refills_;
  Instant refill_due_;
  std::deque<Job> jobs_;  // of commands, and of those known to lack something
  std::optional<Running> running_;
  DamagedRecords damaged_;
  VerifiedThrough verified_;
  std::optional<RepairCommand> command_;
  Instant command_began_;
  bool is_paused_ = false;
  bool is_pumping_ = false;
  AntiEntropyStatus counts_;
  TimerId timer_;
  std::optional<Instant> wake_at_;
};

}  // namespace coterie::transfer
