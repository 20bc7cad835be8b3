#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "ring/bucket.h"
#include "ring/change.h"
#include "ring/stage.h"
#include "ring/token.h"
#include "ring/transition/configuration.h"

namespace coterie {

/// A node of the cluster as the epoch's proposer knew it. Where it can be reached today, and how
/// many shards it has, is gossip's to say.
struct Member {
  NodeId id;
  std::string zone = "default";  ///< 1..limits::zone_name_bytes of graphic ASCII
  std::uint32_t weight = 1;      ///< 1..limits::weight_most; its share is weight / sum of weights
  std::string address;           ///< of its gossip door, host:port

  bool operator==(const Member&) const = default;
};

/// All that an epoch says; plain data for those who make epochs. Readers use Epoch.
struct EpochContents {
  EpochNumber number;           ///< both parts from 1
  ClusterId cluster;            ///< not zero
  std::uint64_t hash_seed = 0;  ///< the seed of token_of
  std::uint32_t partitions = 0;
  std::uint32_t replicas = 0;
  std::vector<Member> members;  ///< sorted by id
  std::vector<NodeId> voters;   ///< sorted; an odd number, at most limits::voters_most
  std::vector<Bucket> buckets;  ///< sorted by id; no name twice
  /// The owners of partition p are the `replicas` entries from p * replicas on, distinct, the
  /// preferred coordinator first.
  std::vector<NodeId> owners;
  /// Of each partition; from 1.
  std::vector<ConfigurationNumber> configurations;
  std::vector<Stage> stages;    ///< of each partition: that of the change it is in, else stable
  std::vector<Change> changes;  ///< sorted by id

  bool operator==(const EpochContents&) const = default;
};

/// One numbered, immutable, verified entry of the ring's log: who belongs to the cluster and who
/// owns what. Shared between threads as std::shared_ptr<const Epoch>.
class Epoch {
 public:
  /// Verifies everything stated at EpochContents, that owners and voters are members, that
  /// 1 <= r, w <= replicas and r + w > replicas for each bucket, and all limits.
  [[nodiscard]] static Result<Epoch> make(EpochContents contents);

  [[nodiscard]] EpochNumber number() const { return contents_.number; }
  [[nodiscard]] ClusterId cluster() const { return contents_.cluster; }
  [[nodiscard]] std::uint64_t hash_seed() const { return contents_.hash_seed; }
  [[nodiscard]] std::uint32_t partitions() const { return contents_.partitions; }
  [[nodiscard]] std::uint32_t replicas() const { return contents_.replicas; }
  [[nodiscard]] std::span<const Member> members() const { return contents_.members; }
  [[nodiscard]] std::span<const NodeId> voters() const { return contents_.voters; }
  [[nodiscard]] std::span<const Bucket> buckets() const { return contents_.buckets; }
  [[nodiscard]] const EpochContents& contents() const { return contents_; }
  /// 64 bits over the whole contents: two epochs of one number and one hash are equal.
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

  [[nodiscard]] Token token(BucketId bucket, BytesView partition_key) const {
    return token_of(bucket, partition_key, contents_.hash_seed);
  }
  [[nodiscard]] PartitionId partition(Token token) const {
    return partition_of(token, contents_.partitions);
  }

  /// The partition's N owners, the preferred coordinator first. `partition` below partitions(),
  /// here and below. Valid as long as the epoch.
  [[nodiscard]] std::span<const NodeId> owners(PartitionId partition) const;
  [[nodiscard]] bool owns(NodeId node, PartitionId partition) const;
  [[nodiscard]] ConfigurationNumber configuration(PartitionId partition) const;
  [[nodiscard]] Stage stage(PartitionId partition) const;
  /// What decides quorums, sources and barriers of the partition; valid as long as the epoch.
  [[nodiscard]] transition::Configuration at(PartitionId partition) const;
  [[nodiscard]] std::span<const Change> changes() const { return contents_.changes; }
  /// The change that the partition is in; null if it is stable.
  [[nodiscard]] const Change* change(PartitionId partition) const;
  /// Whether a change takes the node out of the members when it finishes.
  [[nodiscard]] bool is_leaving(NodeId node) const;
  /// The nodes that have a copy of the partition or are being given one, each once: the owners, and
  /// while it changes behind them the new ones.
  [[nodiscard]] std::vector<NodeId> holders(PartitionId partition) const;
  [[nodiscard]] bool holds(NodeId node, PartitionId partition) const;
  /// The partitions that `node` holds, ascending.
  [[nodiscard]] std::vector<PartitionId> partitions_held_by(NodeId node) const;
  /// The owners whom reads count, and who coordinate requests: the owners, but while the partition
  /// is cut over the new ones. Valid as long as the epoch.
  [[nodiscard]] std::span<const NodeId> readers(PartitionId partition) const;
  /// At most `most` nodes: the owners, then the fallbacks: the owners of the partitions clockwise
  /// in their order, each node once, and last, by id, members that own nothing.
  [[nodiscard]] std::vector<NodeId> preference_list(PartitionId partition, std::size_t most) const;
  /// The partitions that `node` owns, ascending.
  [[nodiscard]] std::vector<PartitionId> partitions_of(NodeId node) const;

  /// Null or nothing where there is none of that name; valid as long as the epoch.
  [[nodiscard]] const Member* member(NodeId id) const;
  [[nodiscard]] const Bucket* bucket(BucketId id) const;
  [[nodiscard]] const Bucket* bucket(std::string_view name) const;
  /// The place of `id` in members().
  [[nodiscard]] std::optional<std::size_t> member_index(NodeId id) const;

  bool operator==(const Epoch& other) const { return contents_ == other.contents_; }

 private:
  explicit Epoch(EpochContents contents);
  [[nodiscard]] const Handover* handover(PartitionId partition) const;

  EpochContents contents_;
  std::vector<std::uint16_t> buckets_by_name_;  // places in contents_.buckets
  std::uint64_t hash_ = 0;
};

}  // namespace coterie
