#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "node/transfer/handoff_port.h"
#include "node/transfer/handoff_stream.h"
#include "node/transfer/hint_book.h"
#include "node/transfer/record_hints.h"
#include "node/transfer/throttle.h"
#include "ring/epoch.h"
#include "storage/store.h"

namespace coterie::transfer {

/// What a shard's handoff does and what hinders it, at one moment; for people.
struct HandoffStatus {
  enum class State {
    counting,  ///< after a start: what an earlier run left is being counted
    replaying,
    away,         ///< the target is not alive
    unreachable,  ///< it is, but cannot be reached
    refused,      ///< it, or this node's own copy, said no
    paused,       ///< by an operator
  };
  struct Target {
    NodeId target;
    HintKind kind = HintKind::strict;
    std::uint64_t hints = 0;
    std::uint64_t bytes = 0;
    WallTime oldest;  ///< when the oldest was left
    State state = State::replaying;
    std::string why;  ///< what blocks, in words; empty if nothing does
    std::uint64_t hints_a_second = 0;
    std::uint64_t bytes_a_second = 0;
  };
  /// By node id, strict hints before those that hold records; only those for whom there are hints.
  std::vector<Target> targets;
  bool is_paused = false;
  HintBook::Counters book;
  RecordHints::Counters records;
  std::uint64_t replayed = 0;
  std::uint64_t replayed_bytes = 0;
  std::uint64_t failures = 0;   ///< sends that were refused or not answered
  std::uint64_t forgotten = 0;  ///< hints whose record, or whose target's ownership, was gone
  std::size_t needs_repair = 0;

  /// Of all targets.
  [[nodiscard]] std::uint64_t hints() const;
  [[nodiscard]] std::uint64_t hints(HintKind kind) const;
};

/// Hinted handoff of one shard (DESIGN: repair): keeps hints of the writes that an owner missed,
/// and when it is alive again sends it the records as they are by then, owners recomputed. A hint
/// is dropped once its target has answered that it holds the record durably, never for having been
/// sent. One stream a target, a bounded window, a rate for all together; slower while clients wait.
/// One thread; on the shard's loop.
///
/// The same stream brings home what this node keeps as a fallback (RecordHints): each record first
/// to the owner that it is meant for, then to further owners until as many hold it as its hint
/// says; only then the hint goes. While the target is away other owners do, if enough can be
/// reached.
class Handoff {
 public:
  struct Environment {
    const Clock& clock;
    Timers& timers;
    Store& store;
    RecordHints& records;
    HandoffPort& port;
    Log& log;
  };
  struct Options {
    NodeId self;
    std::uint64_t bytes_a_second = limits::handoff_rate_bytes;
    std::size_t window = limits::handoff_window;
    HintBook::Limits book = {};
  };

  Handoff(const Environment& environment, const Options& options, Random random);
  Handoff(const Handoff&) = delete;
  Handoff& operator=(const Handoff&) = delete;
  ~Handoff();

  /// The ring may have changed, or who lives.
  void on_view(std::shared_ptr<const Epoch> epoch);
  /// `target` may lack this key's current record.
  void leave(PartitionId partition, BytesView key, NodeId target);

  /// Until resume(), over restarts too, nothing is replayed. Hints are left all the same.
  void pause();
  void resume();
  /// Gives up the strict hints for a target: its partitions are marked as needing anti-entropy. How
  /// many there were. Hints that hold records stay: they were counted to W.
  std::uint64_t cancel(NodeId target);
  /// How many hold records for a target.
  [[nodiscard]] std::uint64_t counted_hints(NodeId target) const {
    return env_.records.tally(target).hints;
  }

  /// Owners that lack writes of which no hint tells any more; anti-entropy compares them and says
  /// so. See RepairMarks::clear().
  [[nodiscard]] std::vector<NeedsRepair> needs_repair() const { return book_.marks().list(); }
  void repaired(const NeedsRepair& mark) { book_.marks().clear(mark); }

  [[nodiscard]] HandoffStatus status() const;

 private:
  using Stream = HandoffStream;

  /// None: it is not paused.
  void keep_pause(std::optional<Bytes> since);
  void run();
  [[nodiscard]] bool has_hints(NodeId target) const;
  [[nodiscard]] HandoffStatus::Target status_of(NodeId target, HintKind kind, Instant now) const;
  void wake_at(Instant when);
  /// Takes what is sent from the rate.
  void charge(Instant now, std::size_t bytes);
  void forget_moved();
  void tell_of_marks();

  // handoff_replay.cc
  void replay(NodeId target, Stream& stream, Instant now);
  [[nodiscard]] bool is_blocked(NodeId target, Stream& stream, Instant now);
  static void begin_pass(Stream& stream);
  [[nodiscard]] bool fill(NodeId target, Stream& stream);
  void end_pass(NodeId target, Stream& stream, Instant now);
  void send_next(NodeId target, Stream& stream, Instant now);
  void on_answer(NodeId target, const Bytes& hint, const Result<void>& answer);
  void back_off(Stream& stream, Instant now);
  void erase(const Bytes& hint);
  // handoff_records.cc
  void send_record(NodeId target, Stream& stream, const Bytes& hint);
  [[nodiscard]] bool send_to(NodeId owner, NodeId target, const Bytes& hint,
                             HandoffStream::InFlight& sent);
  [[nodiscard]] std::vector<NodeId> owners_ready(NodeId target, PartitionId partition) const;
  [[nodiscard]] std::size_t lacking(PartitionId partition, std::uint32_t w,
                                    const std::vector<NodeId>& held_by) const;
  [[nodiscard]] bool send_on(NodeId target, const Bytes& hint, HandoffStream::InFlight& sent);
  void on_record_answer(NodeId target, const Bytes& hint, NodeId owner, const Result<void>& answer);
  void settle_record(Stream& stream, const Bytes& hint, bool is_held);
  void drop_damaged(const Bytes& hint);

  Environment env_;
  Options options_;
  Random random_;
  Throttle throttle_;
  HintBook book_;
  std::shared_ptr<const Epoch> epoch_;
  std::map<NodeId, Stream> streams_;
  bool is_paused_ = false;
  HandoffStatus counts_;
  TimerId timer_;
  std::optional<Instant> wake_at_;
  Instant age_checked_at_;
  std::size_t marks_told_ = 0;
};

}  // namespace coterie::transfer
