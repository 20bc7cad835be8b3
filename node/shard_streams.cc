#include "node/shard_streams.h"

#include <algorithm>
#include <utility>

namespace coterie {

bool StreamPerformer::is_reachable(NodeId node) const {
  const auto* peer = view_ == nullptr ? nullptr : view_->peer(node);
  const bool is_alive = peer != nullptr && peer->liveness == wire::Liveness::alive;
  return is_alive && parts_.links.is_reachable(node);
}

bool StreamPerformer::ask(NodeId to, const wire::StreamOpen& message, Duration patience,
                          Done<wire::StreamOpenReply> done) {
  return parts_.calls.ask<wire::StreamOpenReply>(to, message, patience, std::move(done));
}

bool StreamPerformer::ask(NodeId to, const wire::StreamBatch& message, Duration patience,
                          Done<wire::StreamBatchReply> done) {
  return parts_.calls.ask<wire::StreamBatchReply>(to, message, patience, std::move(done));
}

std::optional<StreamPerformer::Filling> StreamPerformer::filling(PartitionId partition) const {
  const auto known = parts_.copies.filling(partition);
  if (!known || parts_.copies.is_emptying(partition)) return std::nullopt;
  return Filling{.began_empty = known->began_empty};
}

Result<void> StreamPerformer::adopt_purges(PartitionId partition, Generation generation,
                                           Generation purged) {
  return parts_.copies.adopt_purges(partition, generation, purged);
}

Result<void> StreamPerformer::keep(PartitionId partition, Generation generation, BytesView key,
                                   BytesView record) {
  return parts_.copies.keep(partition, generation, key, record, false);
}

/// A copy that was sound becomes full with the cut-over; one that came into doubt is made sound.
Result<void> StreamPerformer::filled(PartitionId partition) {
  const auto* copy = parts_.copies.copy(partition);
  if (copy == nullptr) return fail(ErrorCode::not_owner, "no copy of the partition is held here");
  if (copy->state() != replica::CopyState::unsure) return {};
  return parts_.repaired.refilled(partition);
}

void StreamPerformer::when_durable(LogPosition position, std::move_only_function<void()> then) {
  parts_.gate.call(position, std::move(then));
}

ShardStreams::ShardStreams(const Environment& environment,
                           const transfer::Streams::Options& options, Random random)
    : options_(options),
      timers_(environment.timers),
      hints_(environment.hints),
      local_(environment.copies),
      on_evidence_(environment.on_evidence),
      copies_(environment.copies, environment.store),
      performer_({.copies = environment.copies,
                  .repaired = copies_,
                  .gate = environment.gate,
                  .links = environment.links,
                  .calls = environment.calls}),
      source_(options.self, environment.store, copies_,
              [this](PartitionId partition) { return local_.fenced(partition); }),
      streams_({.clock = environment.clock,
                .timers = environment.timers,
                .store = environment.store,
                .port = performer_,
                .log = environment.log,
                .should_yield = environment.should_yield,
                .on_covered = [this](PartitionId partition) { tell(partition); }},
               options, random) {
  local_.set_fence_handler(
      [this](PartitionId partition, ConfigurationNumber /*fenced*/) { tell(partition); });
}

ShardStreams::~ShardStreams() {
  local_.set_fence_handler({});
  timers_.cancel(hints_timer_);
}

void ShardStreams::set_view(const std::shared_ptr<const RingView>& view) {
  copies_.set_partitions(view->epoch->partitions());
  performer_.set_view(view);
  source_.on_epoch(view->epoch);
  streams_.on_view(view->epoch);
  // Again: what was told before may have been lost on the way.
  std::vector<wire::PartitionEvidence> known;
  for (const Change& change : view->epoch->changes()) {
    for (const Handover& handover : change.handovers) {
      const auto partition = handover.partition;
      const bool is_here = partition.value % options_.shards == options_.shard.value;
      if (is_here && local_.fenced(partition).value > 0) known.push_back(evidence(partition));
    }
  }
  if (on_evidence_ && !known.empty()) {
    on_evidence_({.shard = options_.shard, .partitions = std::move(known), .keeps = {}});
  }
  const bool leaves = view->epoch->is_leaving(options_.self);
  leaves_since_ = leaves ? std::optional(view->epoch->number()) : std::nullopt;
  if (leaves) watch_hints();
}

/// They go one by one, and their last owner may be away for long.
void ShardStreams::watch_hints() {
  timers_.cancel(hints_timer_);
  if (!leaves_since_) return;
  if (hints_.is_counted()) {
    const ShardEvidence::Keeps now{.epoch = *leaves_since_, .hints = hints_.hints()};
    if (on_evidence_ && told_ != now) {
      on_evidence_({.shard = options_.shard, .partitions = {}, .keeps = now});
    }
    told_ = now;
  }
  hints_timer_ = timers_.start(limits::change_poll, [this] { watch_hints(); });
}

wire::PartitionEvidence ShardStreams::evidence(PartitionId partition) const {
  return {.partition = partition,
          .fenced = local_.fenced(partition),
          .covered = streams_.covered(partition),
          .covered_at = streams_.opened(partition)};
}

void ShardStreams::tell(PartitionId partition) const {
  if (!on_evidence_) return;
  on_evidence_({.shard = options_.shard, .partitions = {evidence(partition)}, .keeps = {}});
}

transfer::StreamsStatus ShardStreams::status() const {
  auto out = streams_.status();
  out.serving = source_.sessions();
  return out;
}

}  // namespace coterie
