#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "node/local_copies.h"
#include "node/peer_calls.h"
#include "node/ring_view.h"
#include "node/transfer/anti_entropy.h"
#include "node/transfer/comparison_answers.h"
#include "node/transfer/repair_marks.h"
#include "node/transfer/scrub.h"

namespace coterie {

/// A shard's LocalCopies as those who compare and repair them use them.
class ShardCopies final : public transfer::RepairedCopies {
 public:
  ShardCopies(LocalCopies& copies, Store& store) : copies_(copies), store_(store) {}
  void set_partitions(std::uint32_t partitions) { partitions_ = partitions; }

  [[nodiscard]] const replica::PartitionCopy* copy(PartitionId partition) const override;
  [[nodiscard]] std::uint32_t partitions() const override { return partitions_; }
  [[nodiscard]] Resolver resolver_of(BytesView key) const override;
  [[nodiscard]] Result<void> keep(PartitionId partition, Generation generation, BytesView key,
                                  BytesView record, bool replaces_damaged) override;
  [[nodiscard]] Result<void> drop_damaged(PartitionId partition, BytesView key) override;
  [[nodiscard]] Result<void> refilled(PartitionId partition) override;
  void note_damaged(PartitionId partition, BytesView key) override;
  void heard_of_purge(PartitionId partition, Generation purged) override;

 private:
  LocalCopies& copies_;
  Store& store_;
  std::uint32_t partitions_ = 0;
};

/// The other owners, asked over PeerCalls.
class PeerOwners final : public transfer::OtherOwners {
 public:
  /// `answered` is called after each answer, with when it was begun to be worked on.
  PeerOwners(const Clock& clock, PeerCalls& calls, std::function<void(Instant)> answered)
      : clock_(clock), calls_(calls), answered_(std::move(answered)) {}
  void set_view(std::shared_ptr<const RingView> view) { view_ = std::move(view); }

  bool ask(NodeId to, const wire::TreeRoots& message, Done<wire::TreeRootsReply> done) override;
  bool ask(NodeId to, const wire::TreeCells& message, Done<wire::TreeCellsReply> done) override;
  bool ask(NodeId to, const wire::RangeDigests& message,
           Done<wire::RangeDigestsReply> done) override;
  bool ask(NodeId to, const wire::RangePieces& message, Done<wire::RangePiecesReply> done) override;
  bool ask(NodeId to, const wire::ReplicaRecords& message,
           Done<wire::ReplicaRecordsReply> done) override;
  bool ask(NodeId to, const wire::ReplicaWrite& message,
           Done<wire::ReplicaWriteReply> done) override;
  [[nodiscard]] std::optional<std::uint16_t> shards_of(NodeId node) const override;
  [[nodiscard]] std::uint64_t bytes() const override { return bytes_; }

 private:
  template <class Reply, class Message>
  bool send(NodeId to, const Message& message, Done<Reply> done);

  const Clock& clock_;
  PeerCalls& calls_;
  std::function<void(Instant)> answered_;
  std::shared_ptr<const RingView> view_;
  std::uint64_t bytes_ = 0;
};

/// Anti-entropy and scrub of one shard, joined with its copies and its links. One thread.
class ShardRepair {
 public:
  struct Environment {
    const Clock& clock;
    Timers& timers;
    Store& store;
    LocalCopies& copies;
    PeerCalls& calls;
    Log& log;
    std::function<bool()> should_yield;
    /// What a mark stands for has been made good.
    std::function<void(const transfer::NeedsRepair&)> repaired;
  };

  struct Options {
    NodeId self;
    ShardIndex shard;
    transfer::AntiEntropyOptions anti_entropy;
    transfer::ScrubOptions scrub;
  };

  ShardRepair(const Environment& environment, const Options& options, Random random);
  ShardRepair(const ShardRepair&) = delete;
  ShardRepair& operator=(const ShardRepair&) = delete;
  ~ShardRepair();

  /// Of each view, once frames can be sent. Marked copies whose owner lives are compared soon.
  void set_view(const std::shared_ptr<const RingView>& view,
                const std::vector<transfer::NeedsRepair>& marks);
  [[nodiscard]] transfer::AntiEntropy& anti_entropy() { return anti_entropy_; }
  [[nodiscard]] const transfer::AntiEntropy& anti_entropy() const { return anti_entropy_; }
  [[nodiscard]] transfer::ComparisonAnswers& answers() { return answers_; }
  [[nodiscard]] transfer::Scrub& scrub() { return scrub_; }
  [[nodiscard]] const transfer::Scrub& scrub() const { return scrub_; }

 private:
  struct Marked {
    transfer::NeedsRepair mark;
    Instant read_at;
  };

  void on_made_equal(PartitionId partition, NodeId other, Instant began);

  const Clock& clock_;
  std::function<void(const transfer::NeedsRepair&)> repaired_;
  std::map<std::pair<PartitionId, NodeId>, Marked> marked_;
  LocalCopies& local_;
  ShardCopies copies_;
  PeerOwners others_;
  transfer::ComparisonAnswers answers_;
  transfer::AntiEntropy anti_entropy_;
  transfer::Scrub scrub_;
};

}  // namespace coterie
