#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env/posix_file.h"
#include "base/env/uv_datagrams.h"
#include "base/env/uv_listener.h"
#include "base/env/uv_loop.h"
#include "base/env/uv_transport.h"
#include "base/env/uv_worker.h"
#include "base/log.h"
#include "gossip/counters.h"
#include "node/config.h"
#include "node/control/control.h"
#include "node/identity.h"
#include "node/mesh.h"
#include "node/shard_thread.h"

namespace coterie {

/// What a node knows of itself and of the others at one moment.
struct NodeStatus {
  NodeId node;
  RunId run;
  std::string build;
  Duration uptime{0};
  Config config;
  /// Null before the first epoch.
  std::shared_ptr<const RingView> view;
  /// What keeps this node from belonging to a cluster, and what to do.
  std::vector<std::string> blockers;
  std::vector<ShardStatus> shards;  // of those that answered
  std::size_t shards_total = 0;
  /// Of owners, as far as this node knows.
  std::vector<ChangeProgress> changes;
  gossip::Counters gossip;
  ClockStatus clock;
  std::uint32_t local_health = 1;
  std::uint64_t resident_bytes = 0;
  std::uint64_t disk_free_bytes = 0;
};

/// To begin anew under the id of a node whose data directory is lost, or an old copy.
struct BeginAnew {
  std::optional<NodeId> as;
  /// What the data directory holds is deleted first.
  bool discards_data = false;
};

/// One node: the control loop on the thread that calls run(), and its shards' threads.
class Node final : public Mesh {
 public:
  /// Locks and opens the data directory and the doors. Errors: what is wrong and what to do.
  [[nodiscard]] static Result<std::unique_ptr<Node>> open(Config config, Log& log,
                                                          const BeginAnew& anew = {});
  ~Node() override;

  /// Serves until stop(). Errors: a shard cannot be opened.
  [[nodiscard]] Result<void> run();
  /// Says goodbye, finishes what is in progress (at most limits::drain_most), leaves the gossip,
  /// checkpoints and makes run() return. From any thread, also a second time.
  void stop();

  /// Calls back on the control loop, within two seconds; shards that did not answer by then are
  /// left out. From any thread; false if the node is too busy or stopping.
  bool ask_status(std::function<void(NodeStatus)> done);
  /// As Control::order. Calls back on the control loop. From any thread; false as above.
  bool order(topology::Order order, Control::Answered done);
  /// Runs on the thread of the shard that holds a partition. From any thread; false as above, or
  /// while there are no shards.
  bool post_to(PartitionId partition, std::move_only_function<void(Shard&)> task);

  [[nodiscard]] const Config& config() const { return config_; }

 private:
  Node(Config config, Log& log, std::unique_ptr<PosixFileSystem> files, DirectoryLock lock,
       Identity identity, bool has_data);
  [[nodiscard]] Result<void> open_doors();
  void on_view(const std::shared_ptr<const RingView>& view);
  void start_shards(const std::shared_ptr<const RingView>& view);
  void on_shard_opened(std::size_t shard, const Result<OwnLog>& result);
  void begin_shards();
  void on_restored(const Error& why);
  void look_at_logs();
  void on_data_hello(GreetedSocket socket, wire::Role role);
  void shut_down();
  void on_part_ended();
  void retire(const std::shared_ptr<const RingView>& view);
  void on_retired_part();
  void collect_sizes(bool with_partitions, std::function<void(NodeSizes)> done);
  void note_stream_rate(const std::vector<transfer::StreamsStatus>& streams);
  void end_shards();
  /// All shards have recovered, and timestamps may be made.
  [[nodiscard]] bool is_serving() const;
  void collect_status(std::function<void(NodeStatus)> done);

  bool pass_on(ShardIndex to, PassedFrame frame) override;
  void answer(ShardIndex to, coordinator::ClientHandle client, Bytes frame) override;
  void seek_epoch(NodeId from) override;

  Config config_;
  Log& log_;
  std::unique_ptr<PosixFileSystem> files_;
  DirectoryLock lock_;
  Identity identity_;
  RunId run_;
  UvLoop loop_;
  Instant started_;
  std::unique_ptr<UvWorker> worker_;
  std::unique_ptr<Control> control_;
  std::unique_ptr<UvTransport> gossip_transport_;
  std::unique_ptr<UvDatagrams> datagrams_;
  std::unique_ptr<UvListener> gossip_door_;
  std::unique_ptr<UvListener> peer_door_;
  std::unique_ptr<UvListener> client_door_;
  std::vector<std::unique_ptr<ShardThread>> shards_;
  std::size_t shards_opened_ = 0;  // their logs have recovered
  std::size_t shards_ready_ = 0;   // all or none: they serve
  bool is_stopping_ = false;
  std::size_t parts_to_end_ = 0;             // of a stop: the shards' draining, the leaving
  bool is_retired_ = false;                  // no member any more
  std::size_t parts_to_retire_ = 0;          // shards that drain
  std::uint64_t stream_bytes_a_second_ = 0;  // as last measured
  TimerId stop_timer_;
  Result<void> outcome_;
};

}  // namespace coterie
