#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/log.h"
#include "node/config.h"
#include "node/control/control.h"
#include "tests/sim/env/clocks.h"
#include "tests/sim/env/datagrams.h"
#include "tests/sim/env/file.h"
#include "tests/sim/env/transport.h"
#include "tests/sim/scale_plans.h"

namespace coterie::sim {

/// What nodes have sent, in sum.
struct Traffic {
  std::uint64_t packets = 0;
  std::uint64_t packet_bytes = 0;  // without IP's and UDP's headers
  std::uint64_t stream_bytes = 0;  // without TCP's

  Traffic& operator+=(const Traffic& other);
  Traffic operator-(const Traffic& before) const;
};

/// A node of which only the control loop runs: the production Control over simulated seams, with no
/// shards behind it, so that a thousand of them fit into one process.
class ScaleNode {
 public:
  ScaleNode(SimNetwork& network, NodeIndex index, Config config, NodeId id);
  ScaleNode(const ScaleNode&) = delete;
  ScaleNode& operator=(const ScaleNode&) = delete;

  /// As a run before would have kept it. Before start().
  void keep(std::shared_ptr<const Epoch> epoch);
  void start();
  /// kill -9; start() may follow.
  void crash();

  [[nodiscard]] Control& control() { return *run_->control; }
  [[nodiscard]] const Control& control() const { return *run_->control; }
  /// Of this run.
  [[nodiscard]] Traffic traffic() const;
  /// Likewise, both ways.
  [[nodiscard]] std::uint64_t stream_bytes() const;
  [[nodiscard]] EpochNumber epoch() const;
  /// As crash(), and says how many bytes its Control held.
  [[nodiscard]] std::size_t crash_counting();

 private:
  struct Run {
    Run(SimWorld& world, NodeIndex index) : clock(world, index), timers(world, index) {}
    ~Run() {
      door.reset();
      datagrams.reset();
      transport.reset();
      control.reset();
    }

    SimClock clock;
    SimTimers timers;
    std::unique_ptr<Control> control;
    std::unique_ptr<SimTransport> transport;
    std::unique_ptr<SimDatagrams> datagrams;
    std::unique_ptr<SimListener> door;
  };

  void open_doors();

  SimNetwork& network_;
  NodeIndex index_;
  Config config_;
  Identity identity_;
  NoLog log_;
  SimFileSystem disk_;
  Random random_;
  std::unique_ptr<Run> run_;
};

/// Nodes that have one epoch, and nothing to do.
class ScaleWorld {
 public:
  explicit ScaleWorld(RingSize size);

  /// Starts them all within a second; how long until each has heard that all live. Nothing: they
  /// have not after a minute.
  [[nodiscard]] std::optional<Duration> start();
  /// Until rumours of the start are over: nothing but probes is sent. False: they were not in time.
  [[nodiscard]] bool settle();
  void run_for(Duration time) { world_.run_for(time); }
  /// Of packets. Streams arrive whole, whatever is lost.
  void set_loss(double chance) { world_.default_link().loss = chance; }

  /// When an epoch had reached them, since it was proposed.
  struct Spread {
    Duration decided{};  // the proposer knows it
    Duration half{};
    Duration all{};
  };
  /// Has a node propose an epoch with one more bucket. Nothing: some have not got it after a
  /// minute.
  [[nodiscard]] std::optional<Spread> spread_epoch();
  /// Kills a node and starts it again; what it sent and was sent by streams until a second after it
  /// has heard that all live.
  [[nodiscard]] std::optional<std::uint64_t> restart_stream_bytes();

  [[nodiscard]] Traffic traffic() const;
  struct Memory {
    std::size_t view = 0;     // of a RingView, without the epoch that it refers to
    std::size_t members = 0;  // of Control beyond its view and epoch: gossip's tables, mostly
  };
  /// Of one node, in bytes. It is stopped for that, and started again.
  [[nodiscard]] Memory memory();
  /// Times that a node gave up another.
  [[nodiscard]] std::uint64_t deaths() const;
  [[nodiscard]] const std::vector<std::unique_ptr<ScaleNode>>& nodes() const { return nodes_; }

 private:
  [[nodiscard]] bool run_until(const std::function<bool()>& done);
  [[nodiscard]] bool sees_all(const ScaleNode& node) const;

  SimWorld world_;
  SimNetwork network_;
  Random random_;
  std::vector<std::unique_ptr<ScaleNode>> nodes_;
  ScaleNode* quiet_ = nullptr;  // neither proposes nor votes, so that it keeps one epoch only
};

}  // namespace coterie::sim
