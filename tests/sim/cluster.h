#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ring/epoch.h"
#include "tests/sim/client.h"
#include "tests/sim/history.h"
#include "tests/sim/node.h"
#include "tests/sim/story.h"

namespace coterie::sim {

inline constexpr BucketId commit_bucket{1};
inline constexpr BucketId interval_bucket{2};
inline constexpr BucketId lww_bucket{3};

/// A world with a cluster in it, and hosts of clients.
class Cluster {
 public:
  struct Settings {
    std::size_t nodes = 3;
    std::size_t client_hosts = 2;
    std::uint32_t replicas = 3;
    std::uint32_t partitions = 16;
    bool sloppy = false;  // all buckets
    /// W of all buckets, with the least R that meets it; 0: a majority each.
    std::uint32_t w = 0;
    std::uint32_t purge_interval_seconds = 2;
    /// Of each node, in turn.
    std::vector<std::uint16_t> shards = {1};
    Config::AntiEntropy anti_entropy;
    Config::Scrub scrub;
    /// Of hints; none: nothing is handed off.
    transfer::HintBook::Limits hints;
    LogStoreOptions store;
  };

  Cluster(std::uint64_t seed, const Settings& settings);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] SimWorld& world() { return world_; }
  [[nodiscard]] SimNetwork& network() { return network_; }
  [[nodiscard]] Story& story() { return story_; }
  [[nodiscard]] std::vector<std::unique_ptr<SimNode>>& nodes() { return nodes_; }
  [[nodiscard]] std::vector<std::unique_ptr<SimClient>>& clients() { return clients_; }
  [[nodiscard]] std::uint32_t replicas() const { return replicas_; }
  [[nodiscard]] bool is_sloppy() const { return is_sloppy_; }

  /// One more host, with a node that is none of `initial_members`.
  SimNode& add_node();
  /// The node with this id; null: none (yet).
  [[nodiscard]] SimNode* find(NodeId id);
  /// The first epoch, once some node has it; null before. It never changes.
  [[nodiscard]] std::shared_ptr<const Epoch> epoch();
  /// All nodes that are not gone serve, and each sees all others alive.
  [[nodiscard]] bool is_whole() const;
  /// The owners of a partition that are not gone; all nodes are ready.
  [[nodiscard]] std::vector<SimNode*> owners(PartitionId partition);
  /// Those of them whose copies count to quorums.
  [[nodiscard]] std::vector<SimNode*> sure_owners(PartitionId partition);
  /// Where a key stands, once there is an epoch.
  struct Place {
    PartitionId partition;
    Bytes stored_key;
  };
  [[nodiscard]] Place place_of(const KeyHistory& key);
  [[nodiscard]] std::set<KeyIndex> keys_of(const SimNode& node, const History& history);
  /// Hints that hold records, of all nodes that are ready.
  [[nodiscard]] std::uint64_t counted_hints() const;

  /// Something was done to the node or to its links, or will be until `until`.
  void disturb(NodeIndex node, Instant until);
  /// Nothing has disturbed the node lately that could keep an answer from a client.
  [[nodiscard]] bool is_undisturbed_since(NodeIndex node, Instant since) const;

 private:
  void make_node(NodeIndex index);

  Settings settings_;
  SimWorld world_;
  Story story_;
  SimNetwork network_;
  std::vector<Address> members_;
  std::uint32_t replicas_;
  bool is_sloppy_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::map<NodeIndex, Instant> disturbed_until_;
  std::shared_ptr<const Epoch> epoch_;
};

}  // namespace coterie::sim
