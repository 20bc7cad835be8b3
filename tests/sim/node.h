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
#include "storage/memory_table.h"
#include "tests/sim/env/clocks.h"
#include "tests/sim/env/datagrams.h"
#include "tests/sim/env/file.h"
#include "tests/sim/env/transport.h"
#include "tests/sim/env/worker.h"
#include "tests/sim/story.h"

namespace coterie::sim {

/// One node of the simulated cluster: the production Control and Shards over simulated seams,
/// joined as node/node.cc joins them. Its disk and tables outlive its runs; a table stands for an
/// LMDB environment, whose commits are atomic and synced.
class SimNode final : private Mesh {
 public:
  struct Settings {
    Config config;
    std::uint16_t shards = 1;
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
  /// While is_ready().
  [[nodiscard]] const Store& store(PartitionId partition) const;
  [[nodiscard]] ShardStatus status(ShardIndex shard) const;
  [[nodiscard]] SimFileSystem& disk() { return disk_; }

 private:
  struct ShardLoop;
  struct Running;

  [[nodiscard]] bool has_data();
  [[nodiscard]] Result<void> open_doors();
  void on_view(const std::shared_ptr<const RingView>& view);
  void open_shard(ShardIndex shard, const std::shared_ptr<const RingView>& view);
  void on_data_hello(SimSocket socket, wire::Role role);
  void shard_closed();

  bool pass_on(ShardIndex to, PassedFrame frame) override;
  void answer(ShardIndex to, ConnectionId connection, Bytes frame) override;

  SimNetwork& network_;
  SimWorld& world_;
  NodeIndex index_;
  std::string name_;
  Settings settings_;
  SimLog log_;
  SimFileSystem disk_;
  std::vector<std::unique_ptr<MemoryTable>> tables_;
  Random random_;
  NodeId id_;
  std::unique_ptr<Running> running_;
};

}  // namespace coterie::sim
