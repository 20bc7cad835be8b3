#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "node/transfer/comparison.h"
#include "node/transfer/record_repair.h"

namespace coterie::transfer {

/// How one partition's two copies came out of a round.
struct RoundResult {
  PartitionId partition;
  Result<void> outcome;    ///< of comparing; and of the first key that failed
  bool is_equal = false;   ///< the roots were
  bool is_unsure = false;  ///< the other copy may lack data
  std::uint64_t repaired = 0;
};

/// Compares this node's copies of some partitions with those of one other owner, and repairs what
/// differs: Comparison finds keys, a frame's worth of partitions at a time, and RecordRepair looks
/// again and repairs, both at once. Goes on as its owner says. One thread.
class RepairRound {
 public:
  struct Options {
    RecordRepair::Options repair;
    /// Keys of other buckets are left alone.
    std::optional<BucketId> bucket;
    std::uint64_t salt = 0;
  };
  struct Events {
    std::function<void(const RoundResult&)> partition;
    std::function<void(const RepairedKey&)> key;
  };

  RepairRound(const Comparison::Environment& environment, NodeId other,
              std::vector<PartitionId> partitions, const Options& options, Events events);
  RepairRound(const RepairRound&) = delete;
  RepairRound& operator=(const RepairRound&) = delete;

  /// Does one thing. False if there is nothing to do before an answer comes or due() is reached.
  bool step(Instant now);
  [[nodiscard]] bool is_done() const;
  [[nodiscard]] Instant due() const { return repair_.due(); }

 private:
  struct Partition {
    bool is_compared = false;
    std::size_t open_keys = 0;
    RoundResult result;
  };

  void cut_into_frames(std::vector<PartitionId> partitions);
  void begin_frame();
  void on_difference(PartitionId partition, BytesView key);
  void on_compared(PartitionId partition, const Compared& compared);
  void on_key(const RepairedKey& key);
  void finish_if_done(PartitionId partition);

  Comparison::Environment env_;
  NodeId other_;
  Options options_;
  Events events_;
  Instant now_;
  std::vector<std::vector<PartitionId>> frames_;
  std::size_t next_frame_ = 0;
  bool is_unreachable_ = false;
  std::map<PartitionId, Partition> open_;
  std::unique_ptr<Comparison> comparison_;
  RecordRepair repair_;
};

}  // namespace coterie::transfer
