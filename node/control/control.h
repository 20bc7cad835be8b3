#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/env/clock.h"
#include "base/env/datagrams.h"
#include "base/env/file.h"
#include "base/env/timers.h"
#include "base/env/transport.h"
#include "base/env/worker.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "base/wire/codec.h"
#include "gossip/gossip.h"
#include "node/config.h"
#include "node/control/birth.h"
#include "node/control/calls.h"
#include "node/control/change_driver.h"
#include "node/control/cluster_clock.h"
#include "node/control/epoch_log.h"
#include "node/control/life_marks.h"
#include "node/control/node_facts.h"
#include "node/control/proposal.h"
#include "node/control/recovery.h"
#include "node/control/staging.h"
#include "node/control/topology.h"
#include "node/control/voting.h"
#include "node/identity.h"
#include "node/ring_view.h"
#include "node/shard_evidence.h"

namespace coterie {

/// The control loop's work: gossip, the birth of the cluster, epochs. It drives the pure rooms over
/// the seams and publishes what it knows as RingViews. One thread.
class Control final : public TransportHandler, public DatagramHandler {
 public:
  struct Environment {
    const Clock& clock;
    Timers& timers;
    FileSystem& files;
    Log& log;
    /// What this node holds, of each partition if asked; calls back on this loop, within a time.
    /// None: nobody knows.
    std::function<void(bool with_partitions, std::function<void(NodeSizes)>)> sizes = {};
    /// Has note_log() called for each shard, here and soon.
    std::function<void()> look_at_logs = {};
    /// is_compared() from now on. Once.
    std::function<void()> on_compared = {};
    /// This node was restored from an old copy of its data directory: nothing of it may be served
    /// from now on. Once; within a call of this, or later.
    std::function<void(const Error&)> on_restored = {};
    /// Writes what may be written late; null: this loop does.
    Worker* worker = nullptr;
  };
  struct Options {
    Config config;
    Identity identity;
    RunId run;
    std::string build;
    gossip::Settings gossip;
    /// The data directory holds a shard's files: without an epoch it is damaged, not empty.
    bool has_data = false;
    /// Of how many others each remembers how far this node has come; 0: nobody does.
    std::size_t witnesses = limits::witnesses;
  };
  /// Called on this loop whenever the ring or a member has changed, from the first epoch on.
  using OnView = std::function<void(std::shared_ptr<const RingView>)>;

  Control(Environment environment, Options options, Random random, OnView on_view);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;
  ~Control() override;

  /// Reads the epochs of earlier runs. Errors: corrupt, io.
  [[nodiscard]] Result<void> open();
  /// Begins to speak. Once.
  void start(Transport& transport, Datagrams& datagrams);
  /// Tells the others goodbye; `done` when they have heard, or a second later.
  void leave(std::function<void()> done);

  /// Has `next` decided as the epoch after the newest one known here; `done` is called once, with
  /// what became of it (Proposal::Outcome::result; also refused: this node is at it with another,
  /// unavailable: it belongs to no cluster yet, invalid_argument: `next` cannot follow). What is
  /// decided is adopted here before.
  using Decided = std::move_only_function<void(Result<void>)>;
  void propose(std::shared_ptr<const Epoch> next, Decided done);

  /// What an operator asks of the ring. `done` is called once, here or later on this loop. Errors:
  /// unavailable: there is no cluster yet, or too few answer; not_found, invalid_argument, refused:
  /// what is wrong and what to do; overloaded: too many orders at once.
  using Answered = std::move_only_function<void(Result<topology::Answer>)>;
  void order(topology::Order order, Answered done);

  /// `from` is known to be ahead: its epoch is fetched, if that is not under way already.
  void seek_epoch(NodeId from);

  /// A shard of this node keeps this durably, of partitions whose owners change.
  void note_evidence(const ShardEvidence& evidence);
  /// The changes of owners under way, and what they wait for as far as this node knows.
  [[nodiscard]] std::vector<ChangeProgress> changes() const;

  /// How far a shard's log has come. Until is_compared() nothing of the shard may be served, nor
  /// sent to others.
  void note_log(ShardIndex shard, const OwnLog& log);
  /// The others were asked what they remember of this node, and it is no less than that; or nobody
  /// answered for limits::marks_patience. What is heard later is held against it all the same.
  [[nodiscard]] bool is_compared() const { return is_compared_; }
  /// Why this node must not serve, and what to do; nothing: it was not restored.
  [[nodiscard]] const std::optional<std::string>& restored() const { return restored_; }
  [[nodiscard]] const std::optional<Recovery>& recovery() const { return recovery_; }

  /// The hello this node says on the gossip door.
  [[nodiscard]] wire::Hello hello() const;
  /// Whether who says this may be spoken to. At the peer door (role peer) only members of the
  /// epoch, under its cluster id. Errors: refused, unavailable (no epoch yet).
  [[nodiscard]] Result<void> admits(const wire::Hello& theirs) const;

  /// Null before the first epoch.
  [[nodiscard]] const std::shared_ptr<const RingView>& view() const { return view_; }
  /// view() as of this moment, with what changes without notice (members' epochs).
  [[nodiscard]] std::shared_ptr<const RingView> look() const;
  /// What keeps this node from belonging to a cluster, and what to do; empty for a member.
  [[nodiscard]] std::vector<std::string> blockers() const;
  [[nodiscard]] const gossip::Gossip& gossip() const { return gossip_; }
  [[nodiscard]] ClockStatus clock_status() const;
  /// This node's clock has been compared with others', or nobody was there to be compared with for
  /// limits::clock_patience. Until then it should make no timestamps.
  [[nodiscard]] bool is_clock_settled() const;

  void on_open(ConnectionId connection, const wire::Hello& theirs) override;
  void on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body) override;
  void on_closed(ConnectionId connection, const Error& why) override;
  void on_datagram(const Address& from, BytesView packet) override;

 private:
  void perform();
  void exchange(const gossip::OutExchange& exchange);
  void on_event(const gossip::Event& event);
  void publish();
  /// Whether the bounds of this node's clock have moved.
  bool judge_clock();
  void wake_at(Instant when);

  void further_birth();
  void ask(const Birth::Question& question);
  void adopt(const std::shared_ptr<const Epoch>& epoch);
  void fetch_epoch(const Address& from);
  void learn(const std::shared_ptr<const Epoch>& epoch);
  [[nodiscard]] std::optional<Address> gossip_address_of(NodeId node) const;
  void decide(std::shared_ptr<const Epoch> next, Decided done);
  void finish_later();

  /// It may become one of a new cluster's first nodes.
  [[nodiscard]] bool is_empty() const {
    return epochs_.newest() == nullptr && !options_.has_data && !recovery_;
  }
  [[nodiscard]] Bytes serve(const wire::FrameHeader& header, BytesView body);
  [[nodiscard]] Result<Bytes> serve_birth_accept(BytesView body, const wire::Envelope& envelope);
  [[nodiscard]] Result<Bytes> serve_epoch_fetch(BytesView body, const wire::Envelope& envelope);

  // control_changes.cc
  void on_epoch_of_changes();
  void drive_in(Duration pause);
  void drive_changes();
  void note_partition(const wire::PartitionEvidence& evidence);
  void note_hints();
  /// This node leaves by the change, and keeps nothing for others any more.
  [[nodiscard]] bool holds_nothing_for_others(std::uint64_t change) const;
  void ask_for_evidence(const std::vector<NodeId>& alive);
  void take_changes_further(std::size_t rank);
  [[nodiscard]] Result<Bytes> serve_change_evidence(BytesView body, const wire::Envelope& envelope);

  // control_joining.cc
  using FactsByAddress = std::map<std::string, Result<NodeFacts>>;
  [[nodiscard]] wire::NodeStanding standing() const;
  [[nodiscard]] bool is_member() const;
  void report_blockers();
  void greet_members();
  void own_facts(bool with_partitions, std::function<void(NodeFacts)> done) const;
  void serve_node_facts(ConnectionId connection, const wire::FrameHeader& header, BytesView body);
  /// This node's own are added.
  void ask_facts(const std::vector<Address>& whom, bool with_partitions,
                 std::function<void(FactsByAddress)> done);

  // control_orders.cc
  using MakeEntry = std::function<Result<void>(EpochContents&)>;
  void stage(const topology::Stage& order, Answered done);
  void stage_removal(const plan::Remove& remove, Answered done);
  void stage_replacement(const topology::ReplaceBy& order, Answered done);
  [[nodiscard]] Result<Member> newcomer(const FactsByAddress& facts, const Newcomer& wanted) const;
  [[nodiscard]] const Result<plan::Plan>& plan_now();
  [[nodiscard]] std::vector<Address> planned_nodes() const;
  [[nodiscard]] plan::PlanReport report_on(const plan::Plan& plan,
                                           const FactsByAddress& answers) const;
  [[nodiscard]] Result<void> check_plan(const plan::Plan& plan,
                                        const FactsByAddress& answers) const;
  void commit(const topology::Commit& order, Answered done);
  [[nodiscard]] Result<std::shared_ptr<const Epoch>> committed(const topology::Commit& order,
                                                               const FactsByAddress& facts);
  void take_entry(MakeEntry make, Answered done);
  void when_free(std::move_only_function<void()> then);
  void serve_waiting_orders();
  /// control_lineage.cc
  void force(const topology::ForceLineage& order, Answered done);
  void answer(Answered done);
  void answer_after(Result<void> result, Answered done);
  void settle_staged();

  // control_marks.cc
  [[nodiscard]] Result<void> open_marks();
  void begin_comparison(bool was_here_before);
  void on_marks_timer();
  [[nodiscard]] wire::LifeMark own_mark(bool with_unsynced) const;
  [[nodiscard]] std::vector<NodeId> witnesses() const;
  void tell_witnesses();
  void tell(NodeId node);
  void on_mark_reply(NodeId from, const wire::LifeMark& told, const wire::LifeMarkReply& reply);
  void look_at_comparison();
  void judge_own_state();
  void further_recovery();
  void keep_marks(bool at_once);
  [[nodiscard]] Result<Bytes> serve_life_mark(BytesView body, const wire::Envelope& envelope);

  [[nodiscard]] Result<Bytes> serve_vote(wire::Kind kind, BytesView body,
                                         const wire::Envelope& envelope);

  Environment env_;
  Options options_;
  OnView on_view_;
  std::unique_ptr<gossip::PacketSeal> seal_;
  gossip::Gossip gossip_;
  Birth birth_;
  EpochLog epochs_;
  Staging staging_;
  Voting voting_;
  Calls calls_;
  Random random_;
  std::shared_ptr<Proposal> proposal_;  // the last one; null before
  struct Planned {
    std::shared_ptr<const Epoch> base;
    std::vector<plan::StagedChange> staged;
    Result<plan::Plan> plan;
  };
  std::optional<Planned> planned_;  // the last one: to make it takes a while
  struct WaitingOrder {
    Instant until;
    std::move_only_function<void()> then;
  };
  std::deque<WaitingOrder> waiting_orders_;
  std::size_t orders_ = 0;  // in progress
  TimerId orders_timer_;
  std::shared_ptr<const Epoch> foreign_;  // of a cluster that this node is not in, or not yet
  std::set<NodeId> greeted_;              // members that gossip was told of
  Transport* transport_ = nullptr;
  Datagrams* datagrams_ = nullptr;
  gossip::Outbox outbox_;
  Instant started_;
  ClusterClock clock_;
  std::uint64_t clocks_judged_ = 0;  // the revision of gossip's readings
  TimerId gossip_timer_;
  TimerId birth_timer_;
  TimerId leave_timer_;
  TimerId finish_timer_;
  ChangeDriver driver_;
  std::map<PartitionId, wire::PartitionEvidence> held_evidence_;  // of this node's own shards
  std::map<ShardIndex, ShardEvidence::Keeps> kept_hints_;         // likewise, while it leaves
  std::set<ChangeDriver::Question> asking_;
  ChangeDriver::Question last_asked_;
  std::optional<Instant> ready_since_;  // something could be taken further
  unsigned drive_failures_ = 0;
  TimerId drive_timer_;
  std::optional<Instant> drive_at_;
  std::function<void()> on_left_;
  std::vector<std::string> reported_blockers_;
  std::shared_ptr<const RingView> view_;
  bool fetching_ = false;
  LifeMarks marks_;
  std::optional<Recovery> recovery_;
  std::vector<OwnLog> logs_;                            // by shard
  std::map<NodeId, wire::LifeMark> told_;               // what others have taken
  std::set<NodeId> telling_;                            // no answer yet
  std::set<NodeId> unanswered_;                         // of those asked at the start
  std::map<NodeId, wire::LifeMarkReply> mark_replies_;  // the last of each, of this run
  bool is_compared_ = false;
  bool is_comparing_ = false;
  Instant compare_until_;
  std::optional<std::string> restored_;
  unsigned marks_ticks_ = 0;
  bool is_keeping_marks_ = false;
  TimerId marks_timer_;
};

}  // namespace coterie
