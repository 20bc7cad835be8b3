#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/log.h"
#include "node/transfer/anti_entropy_port.h"
#include "node/transfer/scrub_state.h"
#include "node/transfer/scrub_status.h"
#include "node/transfer/throttle.h"
#include "storage/store.h"

namespace coterie::transfer {

/// Walks all records of one shard, slowly, and looks for what has gone bad on the disk (DESIGN:
/// disk): a record whose checksum is wrong is handed to whoever refills such records, as if a read
/// had met it; what the records of each leaf of a partition's tree come to is compared with the
/// leaf, and put in its place if it differs.
///
/// Writes go on meanwhile. A leaf is compared in the turn in which the last of its records is read;
/// one that takes several turns is read again if it changed since the first, or seems wrong, and
/// one that goes on changing is left for the next walk. Turns are short (limits::scrub_turn), and
/// with them the table's read transactions. How far the walk has come is kept, so that a restart
/// goes on where it was. One thread; on the shard's loop.
class Scrub {
 public:
  struct Environment {
    const Clock& clock;
    Timers& timers;
    Store& store;
    RepairedCopies& copies;
    Log& log;
    /// Clients wait: no work now.
    std::function<bool()> should_yield;
    /// Bad records that wait to be refilled.
    std::function<std::size_t()> waiting;
  };
  struct Options {
    ShardIndex shard;
    ScrubOptions schedule;
    /// Spreads the walks of many shards in time: any number.
    std::uint64_t salt = 0;
  };

  Scrub(const Environment& environment, const Options& options);
  Scrub(const Scrub&) = delete;
  Scrub& operator=(const Scrub&) = delete;
  ~Scrub();

  /// The copies are known. Only the first call does something: it begins.
  void on_view();
  /// A walk begins now. False: one is going on.
  bool start();
  /// Ends the walk in progress. False: there is none.
  bool cancel();
  [[nodiscard]] ScrubStatus status() const;

 private:
  /// A leaf that is being read.
  struct Leaf {
    unsigned depth = 0;
    std::size_t index = 0;
    KeyRange range;
    bool is_last = false;  // of its partition
    Bytes next;            // keys below it have been read
    TreeCell before;       // what the tree said when it was begun
    TreeCell counted;      // what its records come to
    ScrubFindings found;
    bool is_of_one_turn = true;
  };
  struct Turn {
    Instant until;
    std::size_t bytes_most = 0;  // one record may be more
    std::size_t bytes = 0;
    std::size_t leaves = 0;
    bool is_over = false;
  };

  void begin();
  void go_on_after_stop();
  void save();
  void run();
  void wake_at(Instant when);
  void begin_walk();
  void end_walk();
  /// What one turn does.
  void walk(Turn& turn);
  /// The next partition that is held here. False: there is none.
  bool find_partition();
  void begin_leaf(PartitionId partition);
  /// True: all of it has been read.
  [[nodiscard]] Result<bool> read_leaf(PartitionId partition, Turn& turn);
  /// False: it is to be read again.
  bool compare_leaf(PartitionId partition);
  void end_leaf(PartitionId partition);
  void end_partition(PartitionId partition);
  [[nodiscard]] TreeCell cell_of(PartitionId partition, const Leaf& leaf) const;
  [[nodiscard]] unsigned depth_of(PartitionId partition) const;
  [[nodiscard]] Duration spread(Duration most) const;

  Environment env_;
  Options options_;
  Throttle throttle_;
  ScrubState state_;
  std::optional<Leaf> leaf_;
  std::vector<TreeCell> tries_;  // what earlier readings of this leaf came to
  ScrubFindings in_partition_;
  std::size_t done_here_ = 0;  // partitions of the walk, since this process went on with it
  Instant went_on_at_;
  Instant saved_at_;
  Instant due_ = Instant::max();
  std::optional<Instant> yielding_since_;
  bool has_begun_ = false;
  /// A stop interrupted this walk: it may have been its own doing, and each step is noted durably
  /// before the next, so that the next start knows where.
  bool is_careful_ = false;
  LogPosition saved_position_;
  ScrubFindings total_;
  std::uint64_t passes_ = 0;
  std::string last_trouble_;
  TimerId timer_;
  std::optional<Instant> wake_at_;
};

}  // namespace coterie::transfer
