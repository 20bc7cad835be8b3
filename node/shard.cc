#include "node/shard.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/wire/codec.h"
#include "ring/epoch_codec.h"

namespace coterie {
namespace {

transfer::Handoff::Options handoff_options(const Shard::Options& options) {
  auto out = options.handoff;
  out.self = options.node;
  return out;
}

}  // namespace

Shard::Shard(const Environment& environment, Options options, Random random,
             std::shared_ptr<const RingView> view)
    : clock_(environment.clock),
      env_{.clock = clock_,
           .timers = environment.timers,
           .turns = environment.turns,
           .store = environment.store,
           .mesh = environment.mesh,
           .log = environment.log,
           .on_evidence = environment.on_evidence},
      options_(std::move(options)),
      links_(env_.clock, random.fork(), [this](ShardIndex theirs) { return hello(theirs); }),
      gate_(
          env_.store, [this](ConnectionId to, Bytes frame) { send_here(to, std::move(frame)); },
          [this](coordinator::Tag tag) { coordinator_.on_local_durable(tag, now()); }),
      copies_(env_.store, gate_, random.fork(), options_.doubt),
      record_hints_(env_.store, options_.handoff.book,
                    [this](BytesView key) { return copies_.resolver_of(key); }),
      fallback_copies_(env_.store, gate_, record_hints_, random.fork()),
      replicas_(copies_, fallback_copies_),
      coordinator_(options_.node, replicas_, *this, options_.coordinator),
      admission_(options_.admission),
      forwards_(
          env_.clock, env_.timers, links_,
          [this](ClientHandle client, Bytes frame) { answer(client, std::move(frame)); },
          [this](ClientHandle client, const Error& error) { fail(client, error); }),
      calls_(env_.timers, links_),
      handoff_performer_(
          {.copies = copies_, .links = links_, .calls = calls_, .admission = admission_}),
      handoff_({.clock = env_.clock,
                .timers = env_.timers,
                .store = env_.store,
                .records = record_hints_,
                .port = handoff_performer_,
                .log = env_.log},
               handoff_options(options_), random.fork()),
      purge_performer_({.self = options_.node,
                        .clock = env_.clock,
                        .copies = copies_,
                        .gate = gate_,
                        .calls = calls_}),
      purge_(env_.timers, purge_performer_,
             {.self = options_.node,
              .shard = options_.shard,
              .shards = options_.shards,
              .is_enabled = options_.purge.is_enabled,
              .interval = options_.purge.interval}),
      repair_({.clock = env_.clock,
               .timers = env_.timers,
               .store = env_.store,
               .copies = copies_,
               .calls = calls_,
               .log = env_.log,
               .should_yield = [this] { return should_yield(); },
               .repaired = [this](const transfer::NeedsRepair& mark) { handoff_.repaired(mark); }},
              {.self = options_.node,
               .shard = options_.shard,
               .anti_entropy = options_.anti_entropy,
               .scrub = options_.scrub},
              random.fork()),
      streams_({.clock = env_.clock,
                .timers = env_.timers,
                .store = env_.store,
                .copies = copies_,
                .gate = gate_,
                .links = links_,
                .calls = calls_,
                .log = env_.log,
                .hints = record_hints_,
                .should_yield = [this] { return should_yield(); },
                .on_evidence = env_.on_evidence},
               {.self = options_.node,
                .shard = options_.shard,
                .shards = options_.shards,
                .bytes_a_second = options_.stream_bytes_a_second},
               random.fork()),
      tender_(env_.timers, copies_, [this] { return should_yield(); }) {
  counts_.shard = options_.shard;
  set_view(std::move(view));
  if (const auto in_doubt = copies_.copies_in_doubt(); in_doubt > 0) {
    env_.log.warn("repair",
                  "shard " + std::to_string(options_.shard.value) +
                      ": the machine was started anew while this node ran, and may have lost what "
                      "interval buckets had not synced: " +
                      std::to_string(in_doubt) +
                      " partition copies answer no reads of these until they have been compared "
                      "with their other owners");
  }
  env_.store.set_progress_handler([this] { on_store_progress(); });
}

Shard::~Shard() {
  clients_.for_each([this](std::uint64_t id) { env_.timers.cancel(clients_.find(id)->patience); });
  env_.store.set_progress_handler({});
  env_.timers.cancel(wakeup_);
  if (drain_) env_.timers.cancel(drain_->timer);
}

bool Shard::should_yield() const {
  return admission_.is_under_pressure() || env_.store.backlog() != Backlog::none;
}

void Shard::attach(Transport& transport) {
  transport_ = &transport;
  links_.attach(transport);
  repair_.set_view(view_, handoff_.needs_repair());
  streams_.set_view(view_);
}

void Shard::set_view(std::shared_ptr<const RingView> view) {
  const bool has_new_epoch = view_ == nullptr || view_->epoch != view->epoch;
  view_ = std::move(view);
  clock_.set_bounds(view_->clock);
  links_.set_view(view_);
  if (has_new_epoch) {
    epoch_bytes_ = encode_epoch(*view_->epoch);
    copies_.set_epoch(view_->epoch, options_.node, options_.shard, options_.shards);
    fallback_copies_.set_epoch(view_->epoch, options_.node);
    fallback_lists_.clear();
  }
  handoff_performer_.set_view(view_);
  handoff_.on_view(view_->epoch);
  purge_performer_.set_view(view_);
  if (has_new_epoch) purge_.set_epoch(view_->epoch);
  if (transport_ != nullptr) {
    repair_.set_view(view_, handoff_.needs_repair());
    if (has_new_epoch) on_epoch();
    streams_.set_view(view_);
  }
  settle();
}

wire::Hello Shard::hello(ShardIndex theirs) const {
  return {.role = wire::Role::peer,
          .cluster = view_->epoch->cluster(),
          .node = options_.node,
          .run = options_.run,
          .shard = theirs,
          .shards = options_.shards,
          .build = options_.build};
}

void Shard::on_open(ConnectionId connection, const wire::Hello& theirs) {
  if (!links_.target_of(connection)) {
    auto& known = connections_[connection];
    known.role = theirs.role;
    known.node = theirs.node;
    if (drain_) say_goodbye(connection);
    return;
  }
  links_.on_open(connection, theirs);
  // Whoever answered may be another node: then the link is lost already.
  settle();
}

void Shard::on_closed(ConnectionId connection, const Error& /*why*/) {
  connections_.erase(connection);
  waiting_.on_closed(connection);
  links_.on_closed(connection);
  settle();
}

void Shard::on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body) {
  switch (header.kind) {
    case wire::Kind::get:
    case wire::Kind::put:
    case wire::Kind::scan:
    case wire::Kind::ring:
      on_request({.from = {.shard = options_.shard, .connection = connection},
                  .header = header,
                  .body = body,
                  .arrived = {.earliest = env_.turns.waits_since(), .latest = env_.turns.began()}});
      break;
    case wire::Kind::replica_write:
    case wire::Kind::replica_read: {
      const ClampedClock::Hold hold(clock_);
      serve_replica(connection, header, body);
      break;
    }
    case wire::Kind::replica_scan:
    case wire::Kind::replica_inspect:
    case wire::Kind::purge_list:
    case wire::Kind::purge_raise:
    case wire::Kind::purge_apply:
    case wire::Kind::tree_roots:
    case wire::Kind::tree_cells:
    case wire::Kind::range_digests:
    case wire::Kind::range_pieces:
    case wire::Kind::replica_records:
    case wire::Kind::stream_open:
    case wire::Kind::stream_batch:
      serve_replica(connection, header, body);
      break;
    case wire::Kind::go_away:
      links_.on_go_away(connection);
      break;
    default:
      if (const auto peer = links_.on_heard(connection)) {
        on_peer_reply(*peer, header, body);
      } else {
        ++counts_.frames_undecodable;
      }
  }
  settle();
}

void Shard::on_store_progress() {
  const auto status = env_.store.status();
  if (status.state != reported_state_) {
    reported_state_ = status.state;
    const std::string which = "shard " + std::to_string(options_.shard.value);
    if (status.state == StoreState::healthy) {
      env_.log.info("storage", which + " takes writes again");
    } else {
      env_.log.error("storage", which + ": " + status.reason);
    }
  }
  gate_.release();
  if (status.state == StoreState::stopped) {
    copies_.stop_serving("this node's disk has failed: " + status.reason);
    fallback_copies_.stop_serving("this node's disk has failed: " + status.reason);
    gate_.drop_all();
  }
  settle();
}

void Shard::arm_wakeup() {
  const auto next = coordinator_.next_wakeup();
  if (!next || (wakeup_at_ && *wakeup_at_ <= *next)) return;
  env_.timers.cancel(wakeup_);
  wakeup_at_ = next;
  wakeup_ = env_.timers.start(std::max(Duration{0}, *next - env_.clock.now()), [this] {
    wakeup_at_.reset();
    coordinator_.on_time(now());
    settle();
  });
}

void Shard::settle() {
  // What is done for a lost link may give up another.
  for (auto lost = links_.take_lost(); !lost.empty(); lost = links_.take_lost()) {
    for (const auto& target : lost) {
      coordinator_.on_peer_lost(target.node, now());
      forwards_.on_peer_lost(target);
      calls_.on_peer_lost(target);
    }
  }
  arm_wakeup();
}

coordinator::Now Shard::now() const {
  return {.time = env_.clock.now(), .wall = env_.clock.wall_now()};
}

// What the coordinator decides.

template <class Message>
std::uint32_t Shard::send_all(std::span<const coordinator::Target> targets, const Message& message,
                              Instant deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - env_.clock.now());
  const auto deadline_ms =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(left.count(), 1, std::int64_t{1} << 31));
  Bytes frame = wire::encode(message, {.deadline_ms = deadline_ms});
  // The other side would end the connection, and with it all else that travels there.
  if (frame.size() > limits::frame_bytes) return (1U << targets.size()) - 1;
  std::uint32_t not_sent = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    wire::set_request_id(targets[i].tag.value, frame.data());
    const auto to = links_.shard_of(targets[i].node, message.scope.partition);
    const bool is_last = i + 1 == targets.size();
    if (!to || !links_.send(*to, is_last ? std::exchange(frame, {}) : frame)) not_sent |= 1U << i;
  }
  return not_sent;
}

std::uint32_t Shard::send(std::span<const coordinator::Target> targets,
                          const wire::ReplicaWrite& message, Instant deadline) {
  return send_all(targets, message, deadline);
}

std::uint32_t Shard::send(std::span<const coordinator::Target> targets,
                          const wire::ReplicaRead& message, Instant deadline) {
  return send_all(targets, message, deadline);
}

std::uint32_t Shard::send(std::span<const coordinator::Target> targets,
                          const wire::ReplicaScan& message, Instant deadline) {
  return send_all(targets, message, deadline);
}

void Shard::leave_hint(PartitionId partition, BytesView key, NodeId target) {
  ++counts_.hints_left;
  handoff_.leave(partition, key, target);
}

std::vector<std::pair<PartitionId, std::uint64_t>> Shard::partition_records() const {
  std::vector<std::pair<PartitionId, std::uint64_t>> out;
  const auto partitions = view_->epoch->partitions();
  for (std::uint32_t p = options_.shard.value; p < partitions; p += options_.shards) {
    const auto* tree = env_.store.tree(PartitionId{p});
    if (tree != nullptr && tree->root().records > 0) {
      out.emplace_back(PartitionId{p}, tree->root().records);
    }
  }
  return out;
}

ShardStatus Shard::status() const {
  ShardStatus out = counts_;
  out.store = env_.store.status();
  out.copies = copies_.copies();
  out.unsure_copies = copies_.unsure_copies();
  out.copies_in_doubt = copies_.copies_in_doubt();
  out.connections = connections_.size();
  out.operations = coordinator_.operations();
  out.waiting_for_log = gate_.waiting();
  out.refused = admission_.refused();
  out.forwarded = forwards_.passed_on();
  out.local = copies_.counters();
  out.fallback = fallback_copies_.counters();
  out.handoff = handoff_.status();
  out.purge = purge_.status();
  out.anti_entropy = repair_.anti_entropy().status();
  out.scrub = repair_.scrub().status();
  out.streams = streams_.status();
  out.coordinator = coordinator_.counters();
  out.clock_readings_clamped = clock_.readings_clamped();
  out.wall = clock_.wall_now();
  return out;
}

}  // namespace coterie
