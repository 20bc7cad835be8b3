#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/policy.h"
#include "node/transfer/hint_book.h"
#include "node/transfer/hint_format.h"
#include "storage/store.h"

namespace coterie::transfer {

/// The hints that hold records: what this node, a fallback, took of sloppy writes in the place of
/// owners that could not be reached. Each was counted to W when it was durable. So none is ever
/// dropped for its age, for want of room or by an operator: it goes once enough owners hold its
/// record, and at the bound no more are taken. Of one shard; one thread.
class RecordHints {
 public:
  using Limits = HintBook::Limits;  // but for the age
  using Tally = HintBook::Tally;
  using Groups = HintBook::Groups;
  struct Counters {
    std::uint64_t kept = 0;
    std::uint64_t coalesced = 0;  // merged into one that was there
    std::uint64_t refused = 0;    // at the bound
    std::uint64_t held = 0;       // gone: enough owners hold the record
    std::uint64_t outdated = 0;   // gone: from before a purge, which asked for it to be gone
    std::uint64_t damaged = 0;    // gone: a bad checksum
  };

  using ResolverOf = std::function<Resolver(BytesView key)>;

  RecordHints(Store& store, const Limits& limits, ResolverOf resolver_of)
      : store_(store), limits_(limits), resolver_of_(std::move(resolver_of)) {}

  /// What an earlier run left is counted page by page. Until then it is not known for whom there
  /// are hints: nothing is answered from them or replayed.
  [[nodiscard]] bool is_counted() const { return is_counted_; }
  [[nodiscard]] bool has_work() const { return !is_counted_ || !moves_.empty(); }
  /// One page of counting, or of moving. Errors: those of the store; to be called again later.
  [[nodiscard]] Result<void> work(WallTime now);

  struct Hint {
    NodeId target;
    PartitionId partition;
    BytesView key;
    BytesView record;
    Generation generation;    ///< under which the record was read
    std::uint8_t owners = 1;  ///< that must hold it before the hint may go
  };
  /// Keeps the record, merged with what is kept for the same target and key: no sibling is lost.
  /// Counts once the store is synced to the position. Errors: hints_full, corrupt or
  /// unsupported_version (the record), those of the store.
  [[nodiscard]] Result<LogPosition> keep(const Hint& hint, WallTime now);
  /// All that is kept of a key, for whomever, merged. Needs is_counted(). Errors: those of the
  /// store.
  struct Found {
    Bytes record;  // empty: nothing
    Generation generation;
    LogPosition rests_on;
    bool is_damaged = false;  // something was kept that cannot be read any more
  };
  [[nodiscard]] Result<Found> find(PartitionId partition, BytesView key) const;
  /// The keys kept of a partition in [from, to), ascending, at most `most`; needs is_counted().
  struct Keys {
    std::vector<Bytes> keys;
    bool is_truncated = false;
  };
  [[nodiscard]] Result<Keys> keys(PartitionId partition, BytesView from, BytesView to,
                                  std::size_t most) const;
  [[nodiscard]] std::uint64_t hints_of_partition(PartitionId partition) const;

  /// One hint as it is now, by its key as page() gives it; empty: it is gone.
  [[nodiscard]] Result<Bytes> get(BytesView hint_key) const;
  enum class Why : std::uint8_t { held, outdated, damaged };
  /// It is not needed any more. Whoever is told by on_erased() hears of it before anything else can
  /// be kept.
  void erase(BytesView hint_key, Why why);
  /// The target owns the partition no more: its hints are another owner's from now on.
  void move(NodeId target, PartitionId partition, NodeId to);
  /// A fallback mints under its hints; what it minted there is forgotten with them.
  void on_erased(std::function<void(PartitionId)> handler) { on_erased_ = std::move(handler); }
  /// For whoever replays them.
  void on_kept(std::function<void()> handler) { on_kept_ = std::move(handler); }

  /// As HintBook::page().
  [[nodiscard]] Result<std::vector<Bytes>> page(NodeId target, BytesView from,
                                                std::size_t most) const;
  [[nodiscard]] const std::map<NodeId, Groups>& targets() const { return targets_; }
  [[nodiscard]] Tally tally(NodeId target) const;
  /// Of all targets; needs is_counted().
  [[nodiscard]] std::uint64_t hints() const { return all_.hints; }
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] bool is_full() const {
    return all_.hints >= limits_.hints || all_.bytes >= limits_.bytes;
  }
#ifdef COTERIE_PLANT_AGED_HINT  // defined only where a test must see it
  void drop_older_than(WallTime when);
#endif

 private:
  struct Move {
    NodeId target;
    PartitionId partition;
    NodeId to;
  };

  [[nodiscard]] Result<void> count_page();
  [[nodiscard]] Result<void> move_page(WallTime now);
  void add(const HintKey& hint, std::size_t bytes, WallTime since);
  void subtract(const HintKey& hint, std::size_t bytes);
  [[nodiscard]] Result<Bytes> joined(BytesView key, BytesView known, const RecordHint& other) const;
  [[nodiscard]] bool will_be_counted(BytesView hint_key) const;

  Store& store_;
  const Limits limits_;
  const ResolverOf resolver_of_;
  std::map<NodeId, Groups> targets_;
  Tally all_;
  std::deque<Move> moves_;
  std::function<void(PartitionId)> on_erased_;
  std::function<void()> on_kept_;
  Counters counters_;
  bool is_counted_ = false;
  Bytes counted_to_;  // exclusive; every hint below is in the tallies
};

}  // namespace coterie::transfer
