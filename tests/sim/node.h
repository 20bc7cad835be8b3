#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "node/config.h"
#include "node/control/control.h"
#include "node/mesh.h"
#include "node/shard.h"
#include "storage/log_store.h"
#include "tests/sim/env/clocks.h"
#include "tests/sim/env/datagrams.h"
#include "tests/sim/env/file.h"
#include "tests/sim/env/transport.h"
#include "tests/sim/env/worker.h"
#include "tests/sim/story.h"
#include "tests/sim/table.h"

namespace coterie::sim {

/// One node of the simulated cluster: the production Control and Shards over simulated seams,
/// joined as node/node.cc joins them. Its disk and tables outlive its runs; a table stands for an
/// LMDB environment, whose commits are atomic and synced.
class SimNode final : private Mesh {
 public:
  struct Settings {
    Config config;
    std::uint16_t shards = 1;
    transfer::HintBook::Limits hints;
    /// Control::Options'.
    std::size_t witnesses = limits::witnesses;
    /// What differs from production's to reach edges sooner; partitions and shards are filled in.
    LogStoreOptions store;
  };

  SimNode(SimNetwork& network, const Story& story, NodeIndex index, Settings settings);
  SimNode(const SimNode&) = delete;
  SimNode& operator=(const SimNode&) = delete;
  ~SimNode() override;

  /// Starts the process. Errors: as Node::open; the node stays down.
  [[nodiscard]] Result<void> start();
  void crash(Crash how);
  /// SIGTERM: leaves the gossip, checkpoints, and is down a little later.
  void stop();

  /// Its table and its disk, as they would be after a loss of power.
  struct Copy {
    std::shared_ptr<const SimFileSystem::Snapshot> disk;
    std::vector<SimTable::Snapshot> tables;
  };
  [[nodiscard]] Copy copy() const;
  /// While down: the data directory is as it was then.
  void restore(const Copy& copy);
  /// While down: the data directory is gone. What starts next is another node under this address.
  void wipe();
  /// While down: its data directory is emptied, and what starts next is `as`, which lost all.
  [[nodiscard]] Result<void> begin_anew(NodeId as);
  /// How often it has; also by start(), since that is what people do then, once is_restored().
  [[nodiscard]] std::uint64_t begun_anew() const { return begun_anew_; }
  /// Its last run has ended since others remember more of it than its data directory holds.
  [[nodiscard]] bool is_restored() const { return is_restored_; }
  /// It has been wiped.
  [[nodiscard]] bool is_gone() const { return is_gone_; }
  /// From now on it is of an older build, or of this one again.
  void set_older(bool older);
  [[nodiscard]] bool is_older() const { return is_older_; }

  [[nodiscard]] NodeIndex index() const { return index_; }
  [[nodiscard]] const Config& config() const { return settings_.config; }
  [[nodiscard]] std::uint16_t shards() const { return settings_.shards; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Zero before the first start.
  [[nodiscard]] NodeId id() const { return id_; }
  [[nodiscard]] bool is_up() const { return running_ != nullptr; }
  /// All shards serve.
  [[nodiscard]] bool is_ready() const;
  /// A shard could not be opened, or its store has stopped: somebody must start the node anew.
  [[nodiscard]] bool is_broken() const;
  /// Null before the first epoch, and while down.
  [[nodiscard]] std::shared_ptr<const RingView> view() const;
  /// While is_up(): Control::propose.
  void propose(std::shared_ptr<const Epoch> next, Control::Decided done);
  /// While is_ready().
  [[nodiscard]] const Store& store(PartitionId partition) const;
  /// While is_ready().
  void pause_purges(bool is_paused);
  /// All its shards walk over their records now; it is ready.
  void start_scrubs();
  /// They have, and no bad record waits to be refilled.
  [[nodiscard]] bool is_scrubbed() const;
  [[nodiscard]] ShardStatus status(ShardIndex shard) const;
  /// While is_ready(): the copy counts to quorums.
  [[nodiscard]] bool is_sure(PartitionId partition) const;
  /// While is_ready(), here and below: it has a copy of the partition; the configuration that this
  /// has heard of, and the one that it has durably fenced; 0: none.
  [[nodiscard]] bool has_copy(PartitionId partition) const;
  [[nodiscard]] ConfigurationNumber heard(PartitionId partition) const;
  [[nodiscard]] ConfigurationNumber fenced(PartitionId partition) const;
  /// Whose copies it durably holds of a partition that it shall own, under which configuration.
  [[nodiscard]] std::vector<NodeId> covered(PartitionId partition) const;
  [[nodiscard]] ConfigurationNumber covered_at(PartitionId partition) const;
  /// Something was written to a log and waits for its sync.
  [[nodiscard]] bool has_unsynced() const;
  /// While is_ready(): it answers no reads of interval buckets yet, after a loss of power.
  [[nodiscard]] bool is_in_doubt(PartitionId partition) const;
  /// While is_ready(): its copies in doubt answer as they are from now on. False: there was none.
  bool accept_doubts();
  /// While is_ready(): its log was damaged, and it has noticed.
  [[nodiscard]] bool has_damaged_log() const;
  /// Found behind a finished purge, and emptied; in all its runs.
  [[nodiscard]] std::uint64_t destroyed_copies() const;
  [[nodiscard]] SimFileSystem& disk() { return disk_; }
  [[nodiscard]] SimTable& table(ShardIndex shard) { return *tables_[shard.value]; }

 private:
  [[nodiscard]] Shard& shard_of(PartitionId partition) const;

  struct ShardLoop;
  struct Running;

  [[nodiscard]] bool has_data();
  [[nodiscard]] Result<void> open_doors();
  void on_view(const std::shared_ptr<const RingView>& view);
  void open_shard(ShardIndex shard, std::uint32_t partitions);
  void note_log(ShardIndex shard);
  void look_at_logs();
  void begin_shards();
  void begin_shard(ShardIndex shard);
  void on_restored();
  void end_soon();
  void start_later();
  void on_data_hello(SimSocket socket, wire::Role role);
  void end_run();
  void part_ended();
  void shard_closed();
  [[nodiscard]] Result<std::uint64_t> note_begin(ShardIndex shard);
  void note_end(std::size_t shard);
  [[nodiscard]] static std::string run_note_path(std::size_t shard);

  bool pass_on(ShardIndex to, PassedFrame frame) override;
  void answer(ShardIndex to, coordinator::ClientHandle client, Bytes frame) override;
  void seek_epoch(NodeId from) override;

  SimNetwork& network_;
  SimWorld& world_;
  NodeIndex index_;
  std::string name_;
  Settings settings_;
  SimLog log_;
  SimFileSystem disk_;
  std::vector<std::unique_ptr<SimTable>> tables_;
  Random random_;
  NodeId id_;
  std::uint64_t boot_ = 1;              // of its machine
  std::uint64_t destroyed_before_ = 0;  // in earlier runs
  bool is_gone_ = false;
  bool is_restored_ = false;
  std::uint64_t begun_anew_ = 0;
  bool is_older_ = false;
  std::unique_ptr<Running> running_;
};

}  // namespace coterie::sim
