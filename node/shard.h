#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/env/transport.h"
#include "base/env/turns.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/random.h"
#include "node/clamped_clock.h"
#include "node/coordinator/admission.h"
#include "node/coordinator/coordinator.h"
#include "node/coordinator/slab.h"
#include "node/copy_tender.h"
#include "node/durable_gate.h"
#include "node/fallback_copies.h"
#include "node/forwards.h"
#include "node/handoff_performer.h"
#include "node/inspections.h"
#include "node/local_copies.h"
#include "node/local_replicas.h"
#include "node/mesh.h"
#include "node/peer_calls.h"
#include "node/peer_links.h"
#include "node/purge_performer.h"
#include "node/ring_view.h"
#include "node/shard_repair.h"
#include "node/shard_streams.h"
#include "node/transfer/handoff.h"
#include "node/transfer/purge.h"
#include "node/waiting_requests.h"
#include "storage/store.h"

namespace coterie {

/// A shard's figures at one moment, for status and metrics.
struct ShardStatus {
  ShardIndex shard;
  StoreStatus store;
  std::size_t copies = 0;
  std::size_t unsure_copies = 0;
  std::size_t copies_in_doubt = 0;  // for reads of interval buckets only
  std::size_t connections = 0;
  std::size_t operations = 0;
  std::size_t waiting_for_log = 0;
  std::uint64_t gets = 0;
  std::uint64_t puts = 0;
  std::uint64_t scans = 0;
  std::uint64_t failed = 0;
  std::uint64_t refused = 0;  // by admission
  std::uint64_t forwarded = 0;
  std::uint64_t passed_between_shards = 0;
  std::uint64_t hints_left = 0;
  std::uint64_t expired = 0;  // dropped before they were begun
  std::uint64_t frames_undecodable = 0;
  std::uint64_t clock_readings_clamped = 0;
  WallTime wall;  // by which timestamps are made
  LocalCopies::Counters local;
  FallbackCopies::Counters fallback;
  transfer::HandoffStatus handoff;
  transfer::PurgeStatus purge;
  transfer::AntiEntropyStatus anti_entropy;
  transfer::ScrubStatus scrub;
  transfer::StreamsStatus streams;
  coordinator::Counters coordinator;
  Histogram get_latency;
  Histogram put_latency;
};

/// One shard of a node: what comes in on its connections goes to the coordinator, the copies or
/// another node, and what they decide is performed here over the seams. One thread.
class Shard final : public TransportHandler, private coordinator::Outbox {
 public:
  struct Environment {
    const Clock& clock;
    Timers& timers;
    const Turns& turns;
    Store& store;
    Mesh& mesh;
    Log& log;
    /// Called on the shard's thread, also while it is made; may be none.
    ShardStreams::OnEvidence on_evidence = {};
  };
  struct PurgeOptions {
    bool is_enabled = true;
    Duration interval = limits::purge_interval_default;
  };
  struct Options {
    NodeId node;
    RunId run;
    ShardIndex shard;
    std::uint16_t shards = 1;
    /// LocalCopies'.
    std::uint64_t doubt = 0;
    std::string build;
    std::uint64_t value_bytes = limits::value_bytes_default;
    coordinator::Admission::Limits admission;
    coordinator::Options coordinator;
    transfer::Handoff::Options handoff;  // but for the node's id
    PurgeOptions purge;
    transfer::AntiEntropyOptions anti_entropy;
    transfer::ScrubOptions scrub;
    std::uint64_t stream_bytes_a_second = limits::stream_rate_bytes;
  };

  Shard(const Environment& environment, Options options, Random random,
        std::shared_ptr<const RingView> view);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard() override;

  /// Once, before anything else.
  void attach(Transport& transport);
  void set_view(std::shared_ptr<const RingView> view);
  [[nodiscard]] ShardStatus status() const;
  /// How many records it has of each partition that it has any of; by partition.
  [[nodiscard]] std::vector<std::pair<PartitionId, std::uint64_t>> partition_records() const;
  /// For commands: start, cancel, pause, resume.
  [[nodiscard]] transfer::AntiEntropy& anti_entropy() { return repair_.anti_entropy(); }
  [[nodiscard]] transfer::Scrub& scrub() { return repair_.scrub(); }
  /// The hello this shard says, to whom dialled it and, with the shard it wants, to peers.
  [[nodiscard]] wire::Hello hello(ShardIndex theirs) const;

  /// What each owner of a stored key holds of it, in their order; bounded in time. `done` is called
  /// once, on this thread, unless the shard ends before.
  void inspect(BytesView key, InspectionsDone done);

  /// The replay of hints: to pause it, resume it, give it up.
  [[nodiscard]] transfer::Handoff& handoff() { return handoff_; }

  /// The node stops: tells whoever is connected to ask others, and goes on serving. `done` is
  /// called once, when nothing is in progress any more and all clients have hung up, or after
  /// limits::drain_most. Once.
  void drain(std::move_only_function<void()> done);

  /// The purge of what was deleted: to start a pass, pause and resume.
  [[nodiscard]] transfer::Purge& purge() { return purge_; }
  [[nodiscard]] const LocalCopies& copies() const { return copies_; }
  /// To fill those that a change gives this node.
  [[nodiscard]] LocalCopies& copies() { return copies_; }
  /// The streams by which this node gets partitions: to set their rate.
  [[nodiscard]] transfer::Streams& streams() { return streams_.streams(); }

  /// From other shards of this node (Mesh).
  void on_passed(const PassedFrame& frame);
  void on_passed_answer(coordinator::ClientHandle client, Bytes frame);

  void on_open(ConnectionId connection, const wire::Hello& theirs) override;
  void on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body) override;
  void on_closed(ConnectionId connection, const Error& why) override;

 private:
  using ClientHandle = coordinator::ClientHandle;

  /// One that was accepted; those that were dialled are PeerLinks'.
  struct Connection {
    wire::Role role = wire::Role::client;
    NodeId node;  // of peers
    coordinator::Admission::Connection load;
  };
  /// Where a client's request came in: on a connection of this shard, or on another shard of this
  /// node, which has it as `client`.
  struct Origin {
    ShardIndex shard;
    ConnectionId connection;
    ClientHandle client;
  };
  /// A client's request in progress: where its answer goes.
  struct Client {
    Origin from;
    std::uint64_t request_id = 0;
    wire::Kind kind = wire::Kind::get;
    std::size_t bytes = 0;
    Instant arrived;
    TimerId patience;  // with the shard that it was passed to
    void reset() { *this = {}; }
  };
  struct Incoming {
    Origin from;
    const wire::FrameHeader& header;
    BytesView body;
    coordinator::Arrival arrived;
  };

  // shard_clients.cc: requests of clients.
  void on_request(const Incoming& in);
  void on_get(const Incoming& in);
  void on_put(const Incoming& in);
  void on_scan(const Incoming& in);
  void on_ring(const Incoming& in);
  void pass_to(ShardIndex shard, const Incoming& in);
  std::optional<ClientHandle> admit(const Incoming& in);
  void answer(ClientHandle client, Bytes frame);
  void refuse(const Incoming& in, const Error& error);
  [[nodiscard]] static Error unknown_bucket();
  /// Whether fallbacks may stand in. Error: asked of a strict bucket.
  [[nodiscard]] static Result<bool> is_sloppy(const Bucket& bucket, wire::Sloppy asked);
  void send_to(const Origin& origin, Bytes frame);
  /// An answer on an accepted connection. One that takes no more is closed: who waits there for an
  /// answer hears of the end instead.
  void send_here(ConnectionId connection, Bytes frame);
  [[nodiscard]] static Instant deadline_of(const Incoming& in);
  [[nodiscard]] coordinator::Now now() const;

  // shard_placement.cc: who serves a partition now.
  struct Asked {
    PartitionId partition;
    bool is_sloppy = false;
    bool is_put = false;
    bool was_forwarded = false;
  };
  /// True if the request goes on here: this shard and this node own the partition, or stand in for
  /// its owners; otherwise it has been passed on or refused.
  bool is_ours(const Incoming& in, const Asked& asked, const Forwards::Message& message);
  void forward(const Incoming& in, const Asked& asked, const Forwards::Message& message);
  [[nodiscard]] bool stands_in(PartitionId partition);
  [[nodiscard]] coordinator::Placement placement_of(const Asked& asked);
  [[nodiscard]] coordinator::Reach reach_of(NodeId node) const;
  [[nodiscard]] const std::vector<NodeId>& fallbacks_of(PartitionId partition);
  void find_fallbacks(PartitionId partition, bool with_full);

  // shard_replicas.cc: requests and answers of other nodes' shards.
  void serve_replica(ConnectionId connection, const wire::FrameHeader& header, BytesView body);
  [[nodiscard]] Result<LocalCopies::Rests> take(const wire::ReplicaWrite& message);
  // shard_epochs.cc
  [[nodiscard]] bool wait_for_epoch(ConnectionId connection, const wire::FrameHeader& header,
                                    BytesView body, const wire::ReplicaScope& scope);
  void on_epoch();
  // shard_purge.cc
  [[nodiscard]] static bool is_purge(wire::Kind kind);
  /// Errors: what is to be answered instead.
  [[nodiscard]] Result<void> serve_purge(ConnectionId connection, const wire::FrameHeader& header,
                                         BytesView body);
  void answer_inspection(ConnectionId connection, const wire::FrameHeader& header, BytesView body);
  void answer_transfer(ConnectionId connection, const wire::FrameHeader& header, BytesView body);
  void answer_replica(const LocalCopies::Rests& rests, ConnectionId connection, Bytes frame,
                      const wire::Envelope& envelope);
  void on_peer_reply(NodeId from, const wire::FrameHeader& header, BytesView body);

  // coordinator::Outbox
  std::uint32_t send(std::span<const coordinator::Target> targets,
                     const wire::ReplicaWrite& message, Instant deadline) override;
  std::uint32_t send(std::span<const coordinator::Target> targets, const wire::ReplicaRead& message,
                     Instant deadline) override;
  std::uint32_t send(std::span<const coordinator::Target> targets, const wire::ReplicaScan& message,
                     Instant deadline) override;
  template <class Message>
  std::uint32_t send_all(std::span<const coordinator::Target> targets, const Message& message,
                         Instant deadline);
  void reply(ClientHandle client, const wire::PutReply& reply) override;
  void reply(ClientHandle client, const wire::GetReply& reply) override;
  void reply(ClientHandle client, const wire::ScanReply& reply) override;
  void fail(ClientHandle client, const Error& error) override;
  void leave_hint(PartitionId partition, BytesView key, NodeId target) override;
  void seek_epoch(NodeId from, EpochNumber epoch) override;
  coordinator::Placement placement(PartitionId partition, bool is_sloppy, bool is_put) override;
  template <class Reply>
  void answer_with(ClientHandle client, const Reply& reply);

  // shard_drain.cc
  void say_goodbye(ConnectionId connection);
  void look_at_drain();
  [[nodiscard]] bool is_drained() const;

  /// Background work waits for clients.
  [[nodiscard]] bool should_yield() const;
  /// The end of every event: tells of lost links, asks to be woken.
  void settle();
  void arm_wakeup();
  void on_store_progress();

  ClampedClock clock_;
  Environment env_;  // its clock is clock_
  Options options_;
  std::shared_ptr<const RingView> view_;
  Bytes epoch_bytes_;  // of view_'s epoch, as RingReply carries it
  Transport* transport_ = nullptr;
  PeerLinks links_;
  DurableGate gate_;
  LocalCopies copies_;
  transfer::RecordHints record_hints_;
  FallbackCopies fallback_copies_;
  LocalReplicas replicas_;
  coordinator::Coordinator coordinator_;
  coordinator::Admission admission_;
  Forwards forwards_;
  PeerCalls calls_;
  HandoffPerformer handoff_performer_;
  transfer::Handoff handoff_;
  PurgePerformer purge_performer_;
  transfer::Purge purge_;
  ShardRepair repair_;
  ShardStreams streams_;
  CopyTender tender_;
  WaitingRequests waiting_;
  coordinator::Slab<Client> clients_;
  std::unordered_map<ConnectionId, Connection> connections_;
  std::vector<coordinator::Owner> owners_;  // of the placement last asked for
  std::vector<NodeId> fallbacks_;           // of the same: those that can be reached
  bool are_hints_full_ = false;             // of the same: one is left out for that
  /// The preference lists behind the owners, of partitions that were asked for.
  std::map<PartitionId, std::vector<NodeId>> fallback_lists_;
  std::map<NodeId, Instant> hints_full_until_;  // of fallbacks that said so
  struct Drain {
    Instant since;
    TimerId timer;
    std::move_only_function<void()> done;
  };
  std::optional<Drain> drain_;  // while the node stops
  TimerId wakeup_;
  std::optional<Instant> wakeup_at_;
  StoreState reported_state_ = StoreState::healthy;
  ShardStatus counts_;  // what is counted here; the rest of it is filled in by status()
};

}  // namespace coterie
