#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/env/timers.h"
#include "base/limits.h"
#include "node/transfer/purge_round.h"
#include "ring/epoch.h"

namespace coterie::transfer {

/// How Purge reaches the owners; this node's own copy is one of them. Each `done` is called once,
/// in this call or later, unless the shard ends before.
class PurgePort {
 public:
  virtual ~PurgePort() = default;

  template <class T>
  using Done = std::move_only_function<void(Result<T>)>;
  virtual void list(NodeId owner, PartitionId partition, BytesView from,
                    Done<PurgeListing> done) = 0;
  /// PurgeRound::generation(), purged() and actor(). Asked of a bystander, too.
  struct Raise {
    Generation generation;
    Generation purged;
    ActorId actor;
  };
  virtual void raise(NodeId owner, PartitionId partition, const Raise& to,
                     Done<Generation> done) = 0;
  virtual void apply(NodeId owner, PartitionId partition, Generation generation,
                     std::span<const PurgeEntry> entries, Done<void> done) = 0;
  [[nodiscard]] virtual bool is_alive(NodeId node) const = 0;
  /// For people.
  [[nodiscard]] virtual WallTime wall_now() const = 0;
};

/// Of one shard, over its passes so far; `waiting` and `differing` of the last pass.
struct PurgeStatus {
  bool is_enabled = true;
  bool is_paused = false;
  bool is_running = false;
  std::uint64_t passes = 0;
  std::size_t partitions_left = 0;  // of the running pass
  std::uint64_t rounds = 0;         // that went to their end
  std::uint64_t abandoned = 0;
  /// Tombstones and expired values that wait for an owner that is away, by the first such owner.
  struct Waiting {
    std::uint64_t records = 0;
    WallTime since;  ///< some have waited for it in each pass from then on
  };
  std::map<NodeId, Waiting> waiting;
  /// Those that the owners do not hold alike yet.
  std::uint64_t differing = 0;
  std::string last_trouble;  // why the last abandoned round was; empty: none was
};

/// Purges the partitions of a shard whose lowest live owner this node is, one after another, a pass
/// every interval. Where an owner is away, or the partition changes owners, nothing is purged; what
/// waits is counted. One thread.
class Purge {
 public:
  struct Options {
    NodeId self;
    ShardIndex shard;
    std::uint16_t shards = 1;
    bool is_enabled = true;
    Duration interval = limits::purge_interval_default;
  };

  Purge(Timers& timers, PurgePort& port, const Options& options);
  Purge(const Purge&) = delete;
  Purge& operator=(const Purge&) = delete;
  ~Purge();

  /// A round whose partition it reconfigures is given up.
  void set_epoch(std::shared_ptr<const Epoch> epoch);
  /// A pass begins now, if none is running; also where passes are not enabled.
  void start_now();
  /// The running round goes to its end, and nothing after it.
  void pause() { status_.is_paused = true; }
  void resume();
  [[nodiscard]] PurgeStatus status() const;

 private:
  void arm(Duration after);
  void begin_pass();
  void next_partition();
  [[nodiscard]] bool begin_partition(PartitionId partition);
  void count_waiting(PartitionId partition, NodeId away, Bytes from);
  void ask();
  void ask(const PurgeRound::Question& question);
  void later(std::move_only_function<void()> call);
  void end_round();
  void end_count();

  Timers& timers_;
  PurgePort& port_;
  Options options_;
  std::shared_ptr<const Epoch> epoch_;
  std::vector<PartitionId> left_;  // of the pass, the next one last
  PartitionId partition_;
  std::vector<NodeId> owners_;      // and, once the round runs, the bystanders
  std::vector<NodeId> bystanders_;  // members that may keep hints of the partition
  std::optional<PurgeRound> round_;
  std::uint64_t serial_ = 0;  // of the round or count in progress
  TimerId timer_;
  PurgeStatus status_;
  std::map<NodeId, std::uint64_t> waiting_;  // of the running pass
  std::uint64_t differing_ = 0;
};

}  // namespace coterie::transfer
