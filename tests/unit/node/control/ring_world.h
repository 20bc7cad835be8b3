#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "node/control/control.h"
#include "tests/sim/env/clocks.h"
#include "tests/sim/env/datagrams.h"
#include "tests/sim/env/file.h"
#include "tests/sim/env/transport.h"
#include "tests/unit/node/samples.h"

namespace coterie {

/// Control loops of several nodes on a simulated network, with no shards behind them.
class RingWorld {
 public:
  struct Node {
    explicit Node(sim::SimNetwork& net, sim::NodeIndex at, Config with, NodeId id)
        : network(net),
          index(at),
          config(std::move(with)),
          identity{.node = id, .shards = 1, .incarnation = 1},
          disk(net.world(), at) {}

    void start() {
      ++identity.incarnation;
      run = std::make_unique<Run>(network.world(), index);
      run->control = std::make_unique<Control>(
          Control::Environment{
              .clock = run->clock, .timers = run->timers, .files = disk, .log = log},
          Control::Options{.config = config,
                           .identity = identity,
                           .run = RunId{++runs},
                           .build = "test",
                           .gossip = {},
                           .has_data = has_data},
          Random(identity.incarnation + identity.node.low), [](const auto&) {});
      run->transport = std::make_unique<sim::SimTransport>(network, index, *run->control);
      REQUIRE(run->control->open());
      run->datagrams = *sim::SimDatagrams::open(network, index, config.doors.gossip, *run->control);
      run->door = *sim::SimListener::listen(
          network, index, config.doors.gossip, [this](sim::SimSocket socket) {
            if (auto fine = run->control->admits(socket.theirs.view()); !fine) {
              return sim::refuse(std::move(socket), fine.error());
            }
            REQUIRE(run->transport->adopt(std::move(socket), run->control->hello()));
          });
      run->control->start(*run->transport, *run->datagrams);
    }
    void crash() {
      network.world().crash(index, sim::Crash::process);
      run.reset();
    }
    [[nodiscard]] Control& control() const { return *run->control; }
    [[nodiscard]] std::string blocker() const {
      const auto all = control().blockers();
      return all.empty() ? "" : all.front();
    }

    struct Run {
      Run(sim::SimWorld& world, sim::NodeIndex at) : clock(world, at), timers(world, at) {}
      ~Run() {
        door.reset();
        datagrams.reset();
        transport.reset();
        control.reset();
      }
      sim::SimClock clock;
      sim::SimTimers timers;
      std::unique_ptr<Control> control;
      std::unique_ptr<sim::SimTransport> transport;
      std::unique_ptr<sim::SimDatagrams> datagrams;
      std::unique_ptr<sim::SimListener> door;
    };
    sim::SimNetwork& network;
    sim::NodeIndex index;
    Config config;
    Identity identity;
    std::uint64_t runs = 0;
    bool has_data = false;
    NoLog log;
    sim::SimFileSystem disk;
    std::unique_ptr<Run> run;
  };

  /// Members 1..n of a cluster with N = 3, all running.
  explicit RingWorld(std::size_t members = 3) {
    BirthInput input{.cluster = {.high = 1, .low = 2}, .hash_seed = 3, .partitions = 16};
    input.replicas = 3;
    for (std::size_t i = 0; i < members; ++i) {
      Node& node = add(i + 1);
      input.members.push_back({.id = node.identity.node, .address = door_of(node).text()});
    }
    Bucket bucket{.id = BucketId{1}, .name = "default"};
    bucket.r = bucket.w = 2;
    input.buckets = {bucket};
    const auto epoch = std::make_shared<const Epoch>(*first_epoch(std::move(input)));
    for (const auto& node : nodes) {
      EpochLog epochs(node->disk);
      REQUIRE(epochs.open());
      REQUIRE(epochs.add(epoch));
      node->has_data = true;
      node->start();
    }
    run_for(std::chrono::seconds(2));
  }

  /// One more, which waits to be joined; not started.
  Node& add(std::uint64_t id) {
    const auto index = world.add_node();
    return add_at(index, id);
  }
  /// On a host that has one already, which is down.
  Node& add_at(sim::NodeIndex index, std::uint64_t id) {
    const std::string host = sim::SimNetwork::host(index);
    Config config;
    config.node.data_directory = "d";
    config.doors = {.client = {.host = host, .port = 7400},
                    .peer = {.host = host, .port = 7401},
                    .gossip = {.host = host, .port = 7402},
                    .admin = {.host = host, .port = 7403},
                    .insecure = true};
    nodes.push_back(std::make_unique<Node>(network, index, std::move(config), node_id(id)));
    return *nodes.back();
  }
  [[nodiscard]] Node& at(std::size_t number) const { return *nodes[number - 1]; }
  static const Address& door_of(const Node& node) { return node.config.doors.gossip; }

  /// What `node` answers, within the time that any order may take.
  Result<topology::Answer> order(const Node& node, topology::Order order) {
    std::optional<Result<topology::Answer>> said;
    node.control().order(std::move(order), [&said](auto answer) { said = std::move(answer); });
    for (int i = 0; i < 600 && !said; ++i) run_for(std::chrono::milliseconds(50));
    REQUIRE(said);
    return *std::move(said);
  }
  Result<topology::Answer> stage(const Node& node, auto what) {
    return order(node, topology::Stage{.what = std::move(what)});
  }
  /// Stages and commits; the epoch that it began.
  std::shared_ptr<const Epoch> commit(const Node& node, auto what) {
    const auto staged = stage(node, std::move(what));
    REQUIRE_MESSAGE(staged, (staged ? "" : staged.error().message));
    REQUIRE_MESSAGE(staged->plan, staged->why_no_plan);
    const auto done = order(node, topology::Commit{.hash = staged->plan->hash, .is_forced = false});
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
    return done->epoch;
  }
  /// As if the shards of all that run fenced and took whatever the epochs ask them for.
  void do_evidence() {
    for (const auto& node : nodes) {
      if (node->run == nullptr || node->control().view() == nullptr) continue;
      const auto& epoch = *node->control().view()->epoch;
      ShardEvidence all{.shard = ShardIndex{0},
                        .partitions = {},
                        .keeps = ShardEvidence::Keeps{.epoch = epoch.number(), .hints = 0}};
      for (const Change& change : epoch.changes()) {
        for (const Handover& handover : change.handovers) {
          const auto number = epoch.configuration(handover.partition);
          if (!epoch.holds(node->identity.node, handover.partition)) continue;
          const auto owners = epoch.owners(handover.partition);
          all.partitions.push_back({.partition = handover.partition,
                                    .fenced = number,
                                    .covered = {owners.begin(), owners.end()},
                                    .covered_at = number});
        }
      }
      node->control().note_evidence(all);
    }
  }
  /// Until no owners change any more.
  void settle(const Node& node) {
    for (int i = 0; i < 100 && !node.control().view()->epoch->changes().empty(); ++i) {
      do_evidence();
      run_for(std::chrono::milliseconds(200));
    }
    REQUIRE(node.control().view()->epoch->changes().empty());
    run_for(std::chrono::seconds(2));
  }
  void run_for(Duration time) { world.run_for(time); }

  sim::SimWorld world{1};
  sim::SimNetwork network{world};
  std::vector<std::unique_ptr<Node>> nodes;
};

}  // namespace coterie
