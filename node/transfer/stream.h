#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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
#include "node/transfer/handoff_stream.h"
#include "node/transfer/stream_port.h"
#include "node/transfer/stream_state.h"
#include "node/transfer/stream_status.h"
#include "node/transfer/throttle.h"
#include "ring/epoch.h"
#include "storage/store.h"

namespace coterie::transfer {

/// The streams by which one shard gets the partitions that this node shall own (DESIGN: topology;
/// the side that is asked, and why nothing is missed: stream_source.h). While a change is open, the
/// new owner takes the copy of the owner whom it displaces; where that one is gone or in doubt,
/// those of so many of the others that every write quorum of theirs is met
/// (ring/transition/sources.h). A batch at a time, keys ascending, whole records merged into what
/// is here; the cursor goes into the log behind them, so that a stream goes on where it was, here
/// or there restarted. Each opening draws a session; what comes in one that has ended is dropped.
///
/// A few at once, within a rate, and waiting while clients wait. One thread; on the shard's loop.
class Streams {
 public:
  struct Environment {
    const Clock& clock;
    Timers& timers;
    Store& store;
    StreamPort& port;
    Log& log;
    /// Clients wait: no work now.
    std::function<bool()> should_yield;
    /// covered() of the partition has grown.
    std::function<void(PartitionId)> on_covered;
  };
  struct Options {
    NodeId self;
    ShardIndex shard;
    std::uint16_t shards = 1;
    std::uint64_t bytes_a_second = limits::stream_rate_bytes;
    std::size_t window = limits::streams_a_shard;
  };

  Streams(const Environment& environment, const Options& options, Random random);
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;
  ~Streams();

  /// The ring, or who lives. The copies of this epoch are there.
  void on_view(std::shared_ptr<const Epoch> epoch);
  void set_rate(std::uint64_t bytes_a_second);

  /// The owners from before of whose copies, as they were when they fenced the opening of the
  /// change that is open, this node durably holds everything. By id.
  [[nodiscard]] std::vector<NodeId> covered(PartitionId partition) const;
  /// The configuration that opened that change; 0: nothing is streamed here.
  [[nodiscard]] ConfigurationNumber opened(PartitionId partition) const;
  [[nodiscard]] StreamsStatus status() const;

 private:
  /// One owner from before.
  struct Source {
    StreamState state;
    bool is_durable = false;  // that it is covered
    bool is_removed = false;  // by an operator, for dead
    unsigned failures = 0;    // since it last answered
    Instant retry_at;
  };
  /// One partition that this node shall own.
  struct Incoming {
    std::uint64_t change = 0;
    ConfigurationNumber opened;
    bool is_paused = false;
    bool is_filled = false;  // the copy is full
    std::map<NodeId, Source> sources;
    NodeId displaced;
    std::uint64_t session = 0;  // 0: none
    NodeId current;             // the session's, or the one asked last
    std::uint64_t asked = 0;    // which question is unanswered; 0: none
    Instant retry_at;           // this side's own trouble
    std::string why;            // of the last trouble
    RateMeter rate;
  };
  using Entry = std::map<PartitionId, Incoming>::value_type;

  void load();
  void add(PartitionId partition, const Change& change);
  void end(PartitionId partition);

  void run();
  [[nodiscard]] std::optional<Instant> held_until(Instant now);
  void wake_at(Instant when);
  /// Whether a question of this partition is under way now.
  bool further(PartitionId partition, Incoming& incoming, Instant now);
  [[nodiscard]] static bool is_useful(const Source& source);
  [[nodiscard]] static bool waits_for_displaced(const Incoming& incoming);
  [[nodiscard]] static Instant due_of(const Incoming& incoming);
  [[nodiscard]] std::optional<NodeId> source_of(PartitionId partition, const Incoming& incoming,
                                                Instant now) const;
  [[nodiscard]] bool is_enough(PartitionId partition, const Incoming& incoming) const;
  bool open(PartitionId partition, Incoming& incoming, NodeId source);
  bool ask_batch(PartitionId partition, Incoming& incoming);
  /// Null: that question, or its session, has ended since.
  [[nodiscard]] Incoming* asker(PartitionId partition, std::uint64_t question);
  void on_opened(PartitionId partition, std::uint64_t question,
                 const Result<wire::StreamOpenReply>& reply);
  void on_batch(PartitionId partition, std::uint64_t question,
                const Result<wire::StreamBatchReply>& reply);
  [[nodiscard]] Result<void> take(PartitionId partition, Incoming& incoming,
                                  const wire::StreamBatchReply& reply);
  void report(PartitionId partition, Incoming& incoming);
  void on_durable(PartitionId partition, NodeId source, ConfigurationNumber opened);
  void fill(PartitionId partition, Incoming& incoming);
  void on_failed(Incoming& incoming, const Error& error);
  void hold_here(Incoming& incoming, const Error& error);
  [[nodiscard]] Result<void> save(PartitionId partition, NodeId source, const StreamState& state);
  // stream_status.cc
  [[nodiscard]] StreamStatus status_of(PartitionId partition, const Incoming& incoming) const;

  Environment env_;
  Options options_;
  Random random_;
  Throttle throttle_;
  std::shared_ptr<const Epoch> epoch_;
  std::map<StreamKey, StreamState> known_;  // of earlier runs; for partitions not begun with yet
  std::map<PartitionId, Incoming> incoming_;
  std::uint64_t questions_ = 0;
  std::optional<Instant> yielding_since_;
  bool is_running_ = false;
  StreamsStatus counts_;
  TimerId timer_;
  std::optional<Instant> wake_at_;
};

}  // namespace coterie::transfer
