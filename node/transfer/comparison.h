#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "node/transfer/anti_entropy_port.h"
#include "node/transfer/range_contents.h"
#include "storage/key.h"
#include "storage/store.h"

namespace coterie::transfer {

/// How the comparison of one partition's two copies ended.
struct Compared {
  Result<void> outcome;
  /// No difference showed, down to the roots.
  bool is_equal = false;
  /// The other copy may lack data.
  bool is_unsure = false;
};

/// Finds the keys at which this node's copies of some partitions differ from those of one other
/// owner (DESIGN: repair): roots first, then the cells below those that differ, then the records of
/// differing leaves, by their hashes if they are few and by fingerprints of ranges, recursively, if
/// they are many. Reads only. Goes on a question at a time as its owner says, a few unanswered at
/// once. What is written meanwhile may show as a difference, and what is hidden by a folded hash
/// (folded.h) shows the next time. One thread.
class Comparison {
 public:
  struct Events {
    std::function<void(PartitionId, BytesView key)> differs;
    /// Once a partition, after all its differences.
    std::function<void(PartitionId, const Compared&)> compared;
  };
  struct Environment {
    const Store& store;
    RepairedCopies& copies;
    OtherOwners& others;
  };

  /// All partitions lie in one shard of `other`, and this node holds them; at most
  /// limits::tree_roots_a_frame. The environment outlives the comparison.
  Comparison(const Environment& environment, NodeId other, std::vector<PartitionId> partitions,
             std::uint64_t salt, Events events);
  Comparison(const Comparison&) = delete;
  Comparison& operator=(const Comparison&) = delete;

  /// Does one thing, a question mostly. False if there is nothing to do before an answer comes.
  bool step();
  [[nodiscard]] bool is_done() const { return has_asked_roots_ && open_.empty(); }

 private:
  struct Cells {
    unsigned level = 0;
    std::vector<std::uint32_t> parents;
  };
  /// To be compared by its records' hashes, or first by pieces.
  struct Range {
    KeyRange keys;
    bool in_pieces = true;
  };
  struct Item {
    PartitionId partition;
    std::variant<Cells, Range> what;
  };
  struct Open {
    std::size_t items = 0;  // queued, or asked and not answered
    unsigned their_depth = 0;
    bool is_unsure = false;
    Result<void> outcome;
  };

  void ask_roots();
  void take(const wire::TreeRootsReply& reply);
  void open_difference(const wire::TreeDifference& difference, bool is_unsure);
  void descend(PartitionId partition, unsigned level, const std::vector<std::uint32_t>& parents,
               const std::vector<std::uint32_t>& theirs);
  void ask(PartitionId partition, const Cells& cells);
  void ask(PartitionId partition, const Range& range);
  void ask_digests(PartitionId partition, KeyRange keys);
  void ask_pieces(PartitionId partition, const KeyRange& keys);
  void take_digests(PartitionId partition, const KeyRange& keys, const RangeContents& ours,
                    const wire::RangeDigestsReply& reply);
  void take_pieces(PartitionId partition, const KeyRange& keys,
                   const wire::RangePiecesReply& reply);
  void compare_piece(PartitionId partition, KeyRange keys, const wire::RangePiece& theirs,
                     const RangeContents& ours);
  template <class Reply, class Message, class Take>
  void ask(PartitionId partition, const Message& message, Take take);

  [[nodiscard]] wire::ReplicaScope scope_of(PartitionId partition) const;
  [[nodiscard]] unsigned common_depth(PartitionId partition, unsigned theirs) const;
  void add(PartitionId partition, std::variant<Cells, Range> what);
  void add_leaf(PartitionId partition, unsigned level, std::size_t cell);
  /// One of a partition's items has come to its end, well or not.
  void finish(PartitionId partition, Result<void> outcome = {});
  void end(PartitionId partition, const Compared& compared);

  Environment env_;
  NodeId other_;
  std::vector<PartitionId> partitions_;
  std::uint64_t salt_;
  Events events_;
  bool has_asked_roots_ = false;
  bool is_wide_ = false;  // short hashes do not do
  std::size_t in_flight_ = 0;
  std::map<PartitionId, Open> open_;
  std::deque<Item> items_;
  /// Answers that come after this object has gone see that it has.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace coterie::transfer
