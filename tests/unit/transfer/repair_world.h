#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/wire/codec.h"
#include "node/local_copies.h"
#include "node/shard_repair.h"
#include "node/transfer/anti_entropy.h"
#include "node/transfer/comparison_answers.h"
#include "storage/key.h"
#include "storage/memory_store.h"
#include "storage/record.h"
#include "tests/unit/node/hand_time.h"
#include "tests/unit/node/samples.h"

namespace coterie::transfer {

inline constexpr std::uint32_t world_partitions = 16;

class RepairWorld;

/// The other owners of one node: real frames, answered by the real code, delivered by the world.
class WorldOwners final : public OtherOwners {
 public:
  explicit WorldOwners(RepairWorld& world) : world_(world) {}

  bool ask(NodeId to, const wire::TreeRoots& message, Done<wire::TreeRootsReply> done) override;
  bool ask(NodeId to, const wire::TreeCells& message, Done<wire::TreeCellsReply> done) override;
  bool ask(NodeId to, const wire::RangeDigests& message,
           Done<wire::RangeDigestsReply> done) override;
  bool ask(NodeId to, const wire::RangePieces& message, Done<wire::RangePiecesReply> done) override;
  bool ask(NodeId to, const wire::ReplicaRecords& message,
           Done<wire::ReplicaRecordsReply> done) override;
  bool ask(NodeId to, const wire::ReplicaWrite& message,
           Done<wire::ReplicaWriteReply> done) override;
  [[nodiscard]] std::optional<std::uint16_t> shards_of(NodeId /*node*/) const override { return 1; }
  [[nodiscard]] std::uint64_t bytes() const override { return bytes_; }

 private:
  template <class Reply, class Message>
  bool send(NodeId to, const Message& message, Done<Reply> done);

  RepairWorld& world_;
  std::uint64_t bytes_ = 0;
};

/// One node with one shard over a store in memory.
struct Side {
  Side(RepairWorld& world, std::shared_ptr<const Epoch> epoch, NodeId self,
       const AntiEntropyOptions& options, HandClock& clock, HandTimers& timers,
       std::vector<PartitionId> damaged = {}, std::uint64_t doubt = 0);

  void view(const std::set<NodeId>& alive);
  [[nodiscard]] Bytes record(BytesView key) const;
  [[nodiscard]] std::map<Bytes, Bytes> everything() const;
  /// The bytes on disk go bad.
  void damage(BytesView key);
  void erase(BytesView key);

  NodeId self;
  std::shared_ptr<const Epoch> epoch;
  MemoryStore store;
  DurableGate gate;
  LocalCopies local;
  ShardCopies copies;
  ComparisonAnswers answers;
  WorldOwners others;
  AntiEntropy anti_entropy;
};

/// Three owners of every partition, N = 3, W = 2, on one thread and a hand-moved clock.
class RepairWorld {
 public:
  explicit RepairWorld(AntiEntropyOptions options = off());
  [[nodiscard]] static AntiEntropyOptions off() {
    return {.enabled = false, .bytes_a_second = 1ULL << 40, .cpu_percent = 100};
  }

  [[nodiscard]] Side& side(std::size_t index) { return *sides_[index]; }
  void add_side(std::size_t index, std::vector<PartitionId> damaged = {}, std::uint64_t doubt = 0);
  void tell_views();
  void kill(std::size_t index) { dead_.insert(node_id(index + 1)); }
  void revive(std::size_t index) { dead_.erase(node_id(index + 1)); }
  [[nodiscard]] bool is_dead(NodeId node) const { return dead_.contains(node); }

  /// Key `number`, by its own partition key or as a sort key of one.
  [[nodiscard]] Bytes key(std::uint64_t number, BytesView partition_key = {}) const;
  [[nodiscard]] PartitionId partition_of(BytesView key) const;
  /// A record whose one sibling is the `version`th write of one actor; later ones cover it.
  [[nodiscard]] static Bytes version(BytesView key, std::uint64_t version);
  void put(std::size_t side, BytesView key, std::uint64_t version);
  void put_all(BytesView key, std::uint64_t version);

  /// Delivers all that is under way and moves time until nothing happens for `most`.
  void run(Duration most = std::chrono::seconds(20));
  [[nodiscard]] bool are_equal();

  HandClock clock;
  HandTimers timers{clock};
  std::shared_ptr<const Epoch> epoch = sample_epoch(3, world_partitions);
  /// Called before each question is answered.
  std::function<void(NodeId to, wire::Kind kind)> before_answer;
  /// The nodes that answer are of a build that knows no short hashes.
  bool is_older = false;
  std::deque<std::function<void()>> under_way;
  std::map<wire::Kind, std::size_t> asked;
  std::size_t most_under_way = 0;

  /// The answer of a node to a frame; an error frame's error.
  [[nodiscard]] Result<Bytes> answer(NodeId to, BytesView frame);

 private:
  AntiEntropyOptions options_;
  std::set<NodeId> dead_;
  std::vector<std::unique_ptr<Side>> sides_;
};

}  // namespace coterie::transfer
