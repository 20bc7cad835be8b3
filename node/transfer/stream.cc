#include "node/transfer/stream.h"

#include <algorithm>
#include <span>
#include <utility>

#include "node/transfer/yielding.h"
#include "ring/transition/entries.h"
#include "ring/transition/sources.h"
#include "storage/key.h"

namespace coterie::transfer {
namespace {

using namespace std::chrono_literals;

Throttle throttle_of(std::uint64_t bytes_a_second) {
  const auto rate = std::max<std::uint64_t>(1, bytes_a_second);
  return {rate, std::max<std::uint64_t>(1, rate / burst_part)};
}

Duration back_off(unsigned failures) {
  const Duration pause =
      limits::stream_back_off_least * (1U << std::min(failures == 0 ? 0 : failures - 1, 10U));
  return std::min<Duration>(pause, limits::stream_back_off_most);
}

}  // namespace

Streams::Streams(const Environment& environment, const Options& options, Random random)
    : env_(environment),
      options_(options),
      random_(random),
      throttle_(throttle_of(options.bytes_a_second)) {
  load();
}

Streams::~Streams() {
  env_.timers.cancel(timer_);
}

void Streams::set_rate(std::uint64_t bytes_a_second) {
  options_.bytes_a_second = bytes_a_second;
  throttle_ = throttle_of(bytes_a_second);
  run();
}

/// What earlier runs kept. What cannot be read is as if it were not there: it is taken again.
void Streams::load() {
  const auto visit = [this](BytesView key, BytesView value) {
    const auto where = decode_stream_key(key);
    auto state = decode_stream_state(value);
    if (where && state) known_.emplace(*where, *std::move(state));
    return true;
  };
  if (const auto scanned = env_.store.scan(Space::meta, stream_keys, stream_keys_end, visit);
      !scanned) {
    env_.log.warn("streams", "streams begin anew: " + scanned.error().message);
    known_.clear();
  }
}

void Streams::on_view(std::shared_ptr<const Epoch> epoch) {
  epoch_ = std::move(epoch);
  std::map<PartitionId, const Change*> wanted;
  for (const Change& change : epoch_->changes()) {
    if (change.stage != Stage::open) continue;
    for (const Handover& handover : change.handovers) {
      const auto partition = handover.partition;
      if (partition.value % options_.shards != options_.shard.value) continue;
      const auto gained = transition::gained(epoch_->at(partition));
      if (std::ranges::count(gained, options_.self) != 0) wanted.emplace(partition, &change);
    }
  }
  std::vector<PartitionId> ended;
  for (const auto& [partition, incoming] : incoming_) {
    const bool goes_on =
        wanted.contains(partition) && epoch_->configuration(partition) == incoming.opened;
    if (!goes_on) ended.push_back(partition);
  }
  for (const auto partition : ended) end(partition);
  for (const auto& [partition, change] : wanted) {
    if (!incoming_.contains(partition)) add(partition, *change);
    auto& incoming = incoming_.at(partition);
    // What was under way when it was paused is dropped.
    if (change->is_paused && !incoming.is_paused) incoming.asked = incoming.session = 0;
    incoming.is_paused = change->is_paused;
    for (auto& [node, source] : incoming.sources) {
      source.is_removed = std::ranges::count(change->removed, node) != 0;
    }
  }
  for (const auto& [key, state] : std::exchange(known_, {})) {
    Write write{.space = Space::meta, .key = encode_stream_key(key)};
    (void)env_.store.append(std::span(&write, 1));
  }
  run();
}

void Streams::add(PartitionId partition, const Change& change) {
  const auto configuration = epoch_->at(partition);
  auto& incoming = incoming_[partition];
  incoming.change = change.id;
  incoming.opened = configuration.number;
  incoming.displaced = *transition::displaced_by(configuration, options_.self);
  // What was taken may be gone with the damaged log: all of it is taken again.
  const auto damaged = env_.store.status().damaged;
  const auto filling = env_.port.filling(partition);
  const bool is_damaged = std::ranges::count(damaged, partition) != 0;
  const bool may_know = filling && !filling->began_empty && !is_damaged;
  for (const NodeId owner : configuration.old_owners) {
    auto& source = incoming.sources[owner];
    source.state.opened = configuration.number;
    const auto known = known_.find({.partition = partition, .source = owner});
    if (known == known_.end() || known->second.opened != configuration.number || !may_know) {
      continue;
    }
    source.state = std::move(known->second);
    known_.erase(known);
  }
  const bool has_covered = std::ranges::any_of(
      incoming.sources, [](const auto& entry) { return entry.second.state.is_covered; });
  if (has_covered) report(partition, incoming);
}

/// It is at another stage. What comes for it from now on finds nobody who asked.
void Streams::end(PartitionId partition) {
  for (const auto& [source, state] : incoming_.at(partition).sources) {
    Write write{.space = Space::meta,
                .key = encode_stream_key({.partition = partition, .source = source})};
    // One that stays names a configuration that will not come again.
    (void)env_.store.append(std::span(&write, 1));
  }
  incoming_.erase(partition);
}

// What is asked next.

void Streams::run() {
  if (is_running_ || epoch_ == nullptr || incoming_.empty()) return;
  is_running_ = true;
  const Instant now = env_.clock.now();
  auto active = static_cast<std::size_t>(
      std::ranges::count_if(incoming_, [](const Entry& entry) { return entry.second.asked != 0; }));
  const auto held = held_until(now);
  for (auto& [partition, incoming] : incoming_) {
    if (held || active >= options_.window) break;
    if (incoming.asked == 0 && further(partition, incoming, now)) ++active;
  }
  is_running_ = false;
  if (held) return wake_at(*held);
  Instant next = Instant::max();
  for (const auto& [partition, incoming] : incoming_) {
    if (incoming.asked != 0 || incoming.is_paused || incoming.is_filled) continue;
    const Instant due = due_of(incoming);
    if (due > now) next = std::min(next, due);
  }
  wake_at(next);
}

std::optional<Instant> Streams::held_until(Instant now) {
  if (env_.should_yield && env_.should_yield()) {
    if (!yielding_since_) yielding_since_ = now;
    if (now - *yielding_since_ < yields_most) return now + yield_pause;
  }
  yielding_since_.reset();
  const Instant ready = throttle_.ready(now);
  return ready > now ? std::optional(ready) : std::nullopt;
}

void Streams::wake_at(Instant when) {
  if (when == Instant::max() || (wake_at_ && *wake_at_ <= when)) return;
  env_.timers.cancel(timer_);
  wake_at_ = when;
  timer_ = env_.timers.start(std::max(Duration::zero(), when - env_.clock.now()), [this] {
    wake_at_.reset();
    run();
  });
}

bool Streams::further(PartitionId partition, Incoming& incoming, Instant now) {
  if (incoming.is_paused || incoming.is_filled || incoming.retry_at > now) return false;
  if (is_enough(partition, incoming)) {
    report(partition, incoming);
    return false;
  }
  if (!env_.port.filling(partition)) {
    hold_here(incoming, {.code = ErrorCode::unavailable, .message = "no copy to fill yet"});
    return false;
  }
  if (incoming.session != 0) return ask_batch(partition, incoming);
  // Each that fails waits, so that this ends.
  while (const auto source = source_of(partition, incoming, now)) {
    incoming.current = *source;
    if (!env_.port.is_reachable(*source)) {
      on_failed(incoming, {.code = ErrorCode::unavailable, .message = "it cannot be reached"});
    } else if (open(partition, incoming, *source)) {
      return true;
    }
  }
  return false;
}

bool Streams::is_useful(const Source& source) {
  return !source.is_removed && !source.state.is_covered;
}

/// The owner displaced is asked, and awaited, until it has failed too often.
bool Streams::waits_for_displaced(const Incoming& incoming) {
  const auto& first = incoming.sources.at(incoming.displaced);
  return is_useful(first) && first.failures < limits::stream_tries;
}

/// When some source may be asked.
Instant Streams::due_of(const Incoming& incoming) {
  Instant due = Instant::max();
  for (const auto& [node, source] : incoming.sources) {
    if (is_useful(source)) due = std::min(due, source.retry_at);
  }
  if (waits_for_displaced(incoming)) due = incoming.sources.at(incoming.displaced).retry_at;
  return std::max(due, incoming.retry_at);
}

std::optional<NodeId> Streams::source_of(PartitionId partition, const Incoming& incoming,
                                         Instant now) const {
  const auto may_ask = [&](NodeId node) {
    const auto& source = incoming.sources.at(node);
    return is_useful(source) && source.retry_at <= now;
  };
  if (may_ask(incoming.displaced)) return incoming.displaced;
  if (waits_for_displaced(incoming)) return std::nullopt;
  for (const NodeId owner : epoch_->owners(partition)) {
    if (may_ask(owner)) return owner;
  }
  return std::nullopt;
}

bool Streams::is_enough(PartitionId partition, const Incoming& incoming) const {
  std::vector<NodeId> held;
  std::vector<NodeId> removed;
  for (const auto& [node, source] : incoming.sources) {
    if (source.state.is_covered) held.push_back(node);
    if (source.is_removed) removed.push_back(node);
  }
  return transition::is_covered(epoch_->at(partition), options_.self, held, removed,
                                transition::smallest_quorums(*epoch_));
}

bool Streams::open(PartitionId partition, Incoming& incoming, NodeId source) {
  const std::uint64_t session = random_.next() | 1U;
  const wire::StreamOpen message{
      .scope = {.partition = partition, .configuration = incoming.opened, .generation = {}},
      .receiver = options_.self,
      .session = session,
      .from = incoming.sources.at(source).state.cursor};
  incoming.session = session;
  incoming.asked = ++questions_;
  const auto done = [this, partition, question = questions_](auto reply) {
    on_opened(partition, question, reply);
  };
  if (env_.port.ask(source, message, limits::stream_patience, done)) return true;
  incoming.asked = 0;
  on_failed(incoming, {.code = ErrorCode::unavailable, .message = "it cannot be asked now"});
  return false;
}

bool Streams::ask_batch(PartitionId partition, Incoming& incoming) {
  const wire::StreamBatch message{
      .scope = {.partition = partition, .configuration = incoming.opened, .generation = {}},
      .receiver = options_.self,
      .session = incoming.session,
      .from = incoming.sources.at(incoming.current).state.cursor};
  incoming.asked = ++questions_;
  const auto done = [this, partition, question = questions_](auto reply) {
    on_batch(partition, question, reply);
  };
  if (env_.port.ask(incoming.current, message, limits::stream_patience, done)) return true;
  incoming.asked = 0;
  on_failed(incoming, {.code = ErrorCode::unavailable, .message = "it cannot be asked now"});
  return false;
}

// What is answered.

Streams::Incoming* Streams::asker(PartitionId partition, std::uint64_t question) {
  const auto found = incoming_.find(partition);
  if (found == incoming_.end() || found->second.asked != question) return nullptr;
  found->second.asked = 0;
  return &found->second;
}

void Streams::on_opened(PartitionId partition, std::uint64_t question,
                        const Result<wire::StreamOpenReply>& reply) {
  auto* incoming = asker(partition, question);
  if (incoming == nullptr) return;
  if (!reply) {
    on_failed(*incoming, reply.error());
  } else {
    incoming->sources.at(incoming->current).state.records_total = reply->records;
    // Before any record: none that was read below the last purge may come to lie here.
    const auto adopted = env_.port.adopt_purges(partition, reply->generation, reply->purged);
    if (!adopted) hold_here(*incoming, adopted.error());
  }
  run();
}

void Streams::on_batch(PartitionId partition, std::uint64_t question,
                       const Result<wire::StreamBatchReply>& reply) {
  auto* incoming = asker(partition, question);
  if (incoming == nullptr) return;
  if (!reply) {
    on_failed(*incoming, reply.error());
    return run();
  }
  const Instant now = env_.clock.now();
  std::size_t bytes = 0;
  for (const auto& entry : reply->entries) bytes += entry.key.size() + entry.record.size();
  throttle_.take(now, bytes);
  const auto taken = take(partition, *incoming, *reply);
  if (!taken) {
    const bool is_theirs = taken.error().code == ErrorCode::corrupt;
    is_theirs ? on_failed(*incoming, taken.error()) : hold_here(*incoming, taken.error());
    return run();
  }
  ++counts_.batches;
  auto& source = incoming->sources.at(incoming->current);
  source.failures = 0;
  incoming->why.clear();
  if (source.state.is_covered) {
    incoming->session = 0;
    report(partition, *incoming);
  }
  run();
}

/// Merges the batch, and keeps how far that went behind it in the log. Error: it ended early;
/// corrupt: the batch is none.
Result<void> Streams::take(PartitionId partition, Incoming& incoming,
                           const wire::StreamBatchReply& reply) {
  StreamState state = incoming.sources.at(incoming.current).state;
  const auto range = range_of(partition, epoch_->partitions());
  const auto is_within = [&](BytesView key) {
    return key >= range.from && key >= state.cursor && (range.to.empty() || key < range.to);
  };
  const bool is_good = reply.entries.empty() ? reply.reach.empty()
                                             : is_within(reply.entries.front().key) &&
                                                   is_within(reply.entries.back().key);
  if (!is_good) return fail(ErrorCode::corrupt, "it sent what was not asked for");
  Result<void> kept;
  state.cursor = reply.reach;
  const Instant now = env_.clock.now();
  for (const auto& [key, record] : reply.entries) {
    kept = env_.port.keep(partition, reply.generation, key, record);
    if (!kept) {
      state.cursor = key;
      break;
    }
    const auto bytes = key.size() + record.size();
    ++state.records;
    state.bytes += bytes;
    ++counts_.records;
    counts_.bytes += bytes;
    incoming.rate.count(now, bytes);
  }
  state.is_covered = kept && reply.reach.empty();
  if (auto saved = save(partition, incoming.current, state); !saved) return saved;
  incoming.sources.at(incoming.current).state = std::move(state);
  return kept;
}

Result<void> Streams::save(PartitionId partition, NodeId source, const StreamState& state) {
  Write write{.space = Space::meta,
              .key = encode_stream_key({.partition = partition, .source = source}),
              .value = encode_stream_state(state)};
  const auto position = env_.store.append(std::span(&write, 1));
  if (!position) return std::unexpected(position.error());
  return {};
}

/// Others hear of what is covered once that is durable; and if nothing more is needed, once it is
/// that the copy is full: after the cut-over it must be.
void Streams::report(PartitionId partition, Incoming& incoming) {
  if (!incoming.is_filled && is_enough(partition, incoming)) {
    if (const auto filled = env_.port.filled(partition); !filled) {
      return hold_here(incoming, filled.error());
    }
    incoming.is_filled = true;
    incoming.session = 0;
  }
  env_.store.request_sync();
  for (const auto& [node, source] : incoming.sources) {
    if (!source.state.is_covered || source.is_durable) continue;
    env_.port.when_durable(env_.store.last(), [this, partition, node, opened = incoming.opened] {
      on_durable(partition, node, opened);
    });
  }
}

void Streams::on_durable(PartitionId partition, NodeId source, ConfigurationNumber opened) {
  const auto found = incoming_.find(partition);
  if (found == incoming_.end() || found->second.opened != opened) return;
  found->second.sources.at(source).is_durable = true;
  if (env_.on_covered) env_.on_covered(partition);
}

/// The source did not give what it was asked for. It is asked again, or another one is.
void Streams::on_failed(Incoming& incoming, const Error& error) {
  ++counts_.failures;
  incoming.session = 0;
  incoming.why = short_name(incoming.current) + ": " + error.message;
  auto& source = incoming.sources.at(incoming.current);
  source.retry_at = env_.clock.now() + back_off(++source.failures);
}

/// This node cannot take what came, for now.
void Streams::hold_here(Incoming& incoming, const Error& error) {
  incoming.why = "this node: " + error.message;
  incoming.retry_at = env_.clock.now() + limits::stream_back_off_least;
}

// For people, and for who takes the change further.

ConfigurationNumber Streams::opened(PartitionId partition) const {
  const auto found = incoming_.find(partition);
  return found == incoming_.end() ? ConfigurationNumber{} : found->second.opened;
}

std::vector<NodeId> Streams::covered(PartitionId partition) const {
  std::vector<NodeId> out;
  const auto found = incoming_.find(partition);
  if (found == incoming_.end()) return out;
  for (const auto& [node, source] : found->second.sources) {
    if (source.is_durable) out.push_back(node);
  }
  return out;
}

}  // namespace coterie::transfer
