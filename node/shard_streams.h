#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "node/durable_gate.h"
#include "node/local_copies.h"
#include "node/peer_calls.h"
#include "node/peer_links.h"
#include "node/ring_view.h"
#include "node/shard_evidence.h"
#include "node/shard_repair.h"
#include "node/transfer/record_hints.h"
#include "node/transfer/stream.h"
#include "node/transfer/stream_port.h"
#include "node/transfer/stream_source.h"

namespace coterie {

/// The port of streams over a shard's copies and its calls to other nodes.
class StreamPerformer final : public transfer::StreamPort {
 public:
  struct Parts {
    LocalCopies& copies;
    ShardCopies& repaired;
    DurableGate& gate;
    const PeerLinks& links;
    PeerCalls& calls;
  };

  explicit StreamPerformer(const Parts& parts) : parts_(parts) {}
  void set_view(std::shared_ptr<const RingView> view) { view_ = std::move(view); }

  [[nodiscard]] bool is_reachable(NodeId node) const override;
  bool ask(NodeId to, const wire::StreamOpen& message, Duration patience,
           Done<wire::StreamOpenReply> done) override;
  bool ask(NodeId to, const wire::StreamBatch& message, Duration patience,
           Done<wire::StreamBatchReply> done) override;
  [[nodiscard]] std::optional<Filling> filling(PartitionId partition) const override;
  [[nodiscard]] Result<void> adopt_purges(PartitionId partition, Generation generation,
                                          Generation purged) override;
  [[nodiscard]] Result<void> keep(PartitionId partition, Generation generation, BytesView key,
                                  BytesView record) override;
  [[nodiscard]] Result<void> filled(PartitionId partition) override;
  void when_durable(LogPosition position, std::move_only_function<void()> then) override;

 private:
  Parts parts_;
  std::shared_ptr<const RingView> view_;
};

/// Both sides of one shard's streams, joined with its copies and its links, and what they and its
/// fences make known: what the change of a partition waits for. One thread.
class ShardStreams {
 public:
  /// What this shard keeps durably has grown, or the view has changed.
  using OnEvidence = std::function<void(ShardEvidence)>;
  struct Environment {
    const Clock& clock;
    Timers& timers;
    Store& store;
    LocalCopies& copies;
    DurableGate& gate;
    const PeerLinks& links;
    PeerCalls& calls;
    Log& log;
    const transfer::RecordHints& hints;
    std::function<bool()> should_yield;
    OnEvidence on_evidence;
  };

  ShardStreams(const Environment& environment, const transfer::Streams::Options& options,
               Random random);
  ShardStreams(const ShardStreams&) = delete;
  ShardStreams& operator=(const ShardStreams&) = delete;
  ~ShardStreams();

  /// Of each view, once frames can be sent; the copies have it already.
  void set_view(const std::shared_ptr<const RingView>& view);
  [[nodiscard]] transfer::Streams& streams() { return streams_; }
  [[nodiscard]] transfer::StreamSource& source() { return source_; }
  [[nodiscard]] transfer::StreamsStatus status() const;

 private:
  [[nodiscard]] wire::PartitionEvidence evidence(PartitionId partition) const;
  void tell(PartitionId partition) const;
  void watch_hints();

  transfer::Streams::Options options_;
  Timers& timers_;
  const transfer::RecordHints& hints_;
  LocalCopies& local_;
  OnEvidence on_evidence_;
  ShardCopies copies_;
  StreamPerformer performer_;
  transfer::StreamSource source_;
  transfer::Streams streams_;
  std::optional<EpochNumber> leaves_since_;  // the newest epoch, if this node leaves
  std::optional<ShardEvidence::Keeps> told_;
  TimerId hints_timer_;
};

}  // namespace coterie
