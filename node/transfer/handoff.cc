#include "node/transfer/handoff.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

namespace coterie::transfer {
namespace {

/// A hint that was just left waits a little: more may come, and its target was just missed.
constexpr auto first_wait = std::chrono::milliseconds(100);
/// While clients wait, a record costs so much of the rate.
constexpr std::uint64_t busy_cost = 8;
/// After an error of the store.
constexpr auto store_wait = std::chrono::seconds(1);

}  // namespace

Handoff::Handoff(const Environment& environment, const Options& options, Random random)
    : env_(environment),
      options_(options),
      random_(random),
      throttle_(std::max<std::uint64_t>(options.bytes_a_second, 1),
                options.bytes_a_second / burst_part),
      book_(env_.store, options.book),
      age_checked_at_(env_.clock.now()) {
  const auto paused = env_.store.get(Space::meta, pause_key());
  is_paused_ = paused && *paused;
  env_.records.on_kept([this] { wake_at(env_.clock.now() + first_wait); });
  wake_at(env_.clock.now());
}

Handoff::~Handoff() {
  env_.records.on_kept({});
  env_.timers.cancel(timer_);
}

void Handoff::wake_at(Instant when) {
  if (wake_at_ && *wake_at_ <= when) return;
  env_.timers.cancel(timer_);
  wake_at_ = when;
  timer_ = env_.timers.start(std::max(Duration{0}, when - env_.clock.now()), [this] {
    wake_at_.reset();
    run();
  });
}

void Handoff::charge(Instant now, std::size_t bytes) {
  (void)throttle_.take(now, env_.port.is_busy() ? bytes * busy_cost : bytes);
}

void Handoff::run() {
  const Instant now = env_.clock.now();
  if (book_.has_work()) {
    const bool was_counted = book_.is_counted();
    const auto worked = book_.work();
    wake_at(worked ? now : now + store_wait);
    if (!was_counted && book_.is_counted() && env_.records.is_counted()) forget_moved();
  }
  if (env_.records.has_work()) {
    const bool was_counted = env_.records.is_counted();
    const auto worked = env_.records.work(env_.clock.wall_now());
    wake_at(worked ? now : now + store_wait);
    if (!was_counted && env_.records.is_counted() && book_.is_counted()) forget_moved();
  }
  if (!book_.is_counted() || !env_.records.is_counted()) return;
#ifdef COTERIE_PLANT_AGED_HINT  // defined only where a test must see it
  env_.records.drop_older_than(env_.clock.wall_now() - options_.book.age);
#endif
  if (now - age_checked_at_ >= limits::hint_age_check) {
    age_checked_at_ = now;
    book_.check_age(env_.clock.wall_now());
  }
  tell_of_marks();
  for (const auto& [target, groups] : book_.targets()) streams_.try_emplace(target);
  for (const auto& [target, groups] : env_.records.targets()) streams_.try_emplace(target);
  for (auto at = streams_.begin(); at != streams_.end();) {
    const auto next = std::next(at);
    replay(at->first, at->second, now);
    const bool is_done = at->second.in_flight.empty() && !has_hints(at->first);
    if (is_done && at->second.replayed > 0) {
      env_.log.info("handoff", "node " + short_name(at->first) + " was sent " +
                                   std::to_string(at->second.replayed) +
                                   " records that it had missed");
    }
    if (is_done) streams_.erase(at);
    at = next;
  }
  if (!streams_.empty()) wake_at(now + limits::hint_age_check);
}

bool Handoff::has_hints(NodeId target) const {
  return book_.targets().contains(target) || env_.records.targets().contains(target);
}

void Handoff::on_view(std::shared_ptr<const Epoch> epoch) {
  const bool is_new = epoch_ != epoch;
  epoch_ = std::move(epoch);
  if (is_new && book_.is_counted() && env_.records.is_counted()) forget_moved();
  wake_at(env_.clock.now());
}

/// Who does not own a partition any more needs no hints for it; whoever took its place has been
/// given what its sources held, and is told of what it misses itself. Nor has this node anything to
/// send of a partition that it gave away. What was counted to W is another owner's from then on.
void Handoff::forget_moved() {
  for (const auto& [target, groups] : book_.targets()) {
    for (const auto& [partition, tally] : groups) {
      const bool is_owners = epoch_ == nullptr || (epoch_->holds(target, partition) &&
                                                   epoch_->holds(options_.self, partition));
      if (is_owners) continue;
      counts_.forgotten += tally.hints;
      book_.forget(target, partition);
    }
  }
  for (const auto& [target, groups] : env_.records.targets()) {
    for (const auto& [partition, tally] : groups) {
      if (epoch_ == nullptr || epoch_->holds(target, partition)) continue;
      const auto owners = epoch_->owners(partition);
      const auto other =
          std::ranges::find_if(owners, [this](NodeId owner) { return owner != options_.self; });
      if (other != owners.end()) env_.records.move(target, partition, *other);
    }
  }
}

void Handoff::tell_of_marks() {
  const std::size_t marks = book_.marks().size();
  if (marks > marks_told_) {
    env_.log.warn("handoff", std::to_string(marks) +
                                 " partitions of nodes that missed writes need anti-entropy: "
                                 "their hints were too many, too old or given up");
  }
  marks_told_ = marks;
}

void Handoff::leave(PartitionId partition, BytesView key, NodeId target) {
  if (const auto stream = streams_.find(target); stream != streams_.end()) {
    const auto sent = stream->second.in_flight.find(
        encode_hint_key({.target = target, .partition = partition, .key = key}));
    if (sent != stream->second.in_flight.end()) sent->second.is_needed_again = true;
  }
  book_.leave(target, partition, key, env_.clock.wall_now());
  wake_at(env_.clock.now() + first_wait);
}

void Handoff::pause() {
  is_paused_ = true;
  keep_pause(encode_since(env_.clock.wall_now()));
}

void Handoff::resume() {
  is_paused_ = false;
  keep_pause({});
  wake_at(env_.clock.now());
}

void Handoff::keep_pause(std::optional<Bytes> since) {
  Write write{.space = Space::meta, .key = pause_key(), .value = std::move(since)};
  if (const auto kept = env_.store.append(std::span(&write, 1)); !kept) {
    env_.log.warn("handoff",
                  "a restart will not know whether replay is paused: " + kept.error().message);
  }
  env_.store.request_sync();
}

std::uint64_t Handoff::cancel(NodeId target) {
  const auto groups = book_.targets().find(target);
  if (groups == book_.targets().end()) return 0;
  const std::uint64_t hints = book_.tally(target).hints;
  for (const auto& [partition, tally] : groups->second) {
    book_.give_up(target, partition, env_.clock.wall_now());
  }
  wake_at(env_.clock.now());
  return hints;
}

std::uint64_t HandoffStatus::hints() const {
  std::uint64_t count = 0;
  for (const auto& target : targets) count += target.hints;
  return count;
}

std::uint64_t HandoffStatus::hints(HintKind kind) const {
  std::uint64_t count = 0;
  for (const auto& target : targets) count += target.kind == kind ? target.hints : 0;
  return count;
}

HandoffStatus Handoff::status() const {
  HandoffStatus out = counts_;
  out.is_paused = is_paused_;
  out.book = book_.counters();
  out.records = env_.records.counters();
  out.needs_repair = book_.marks().size();
  const Instant now = env_.clock.now();
  std::set<NodeId> targets;
  for (const auto& [target, groups] : book_.targets()) targets.insert(target);
  for (const auto& [target, groups] : env_.records.targets()) targets.insert(target);
  for (const auto target : targets) {
    for (const auto kind : {HintKind::strict, HintKind::record}) {
      auto entry = status_of(target, kind, now);
      if (entry.hints > 0) out.targets.push_back(std::move(entry));
    }
  }
  return out;
}

HandoffStatus::Target Handoff::status_of(NodeId target, HintKind kind, Instant now) const {
  using State = HandoffStatus::State;
  const bool is_strict = kind == HintKind::strict;
  const auto tally = is_strict ? book_.tally(target) : env_.records.tally(target);
  HandoffStatus::Target entry{.target = target,
                              .kind = kind,
                              .hints = tally.hints,
                              .bytes = tally.bytes,
                              .oldest = tally.oldest};
  const auto stream = streams_.find(target);
  const auto reach = env_.port.reach(target);
  if (stream != streams_.end()) {
    const auto& meter = is_strict ? stream->second.rate : stream->second.record_rate;
    const auto rate = meter.last_second(now);
    entry.hints_a_second = rate.count;
    entry.bytes_a_second = rate.bytes;
  }
  if (!book_.is_counted() || !env_.records.is_counted()) {
    entry.state = State::counting;
    entry.why = "hints of an earlier run are being counted";
  } else if (is_paused_) {
    entry.state = State::paused;
    entry.why = "paused by an operator";
  } else if (reach == HandoffPort::Reach::away) {
    entry.state = State::away;
    entry.why = "the target is not alive";
  } else if (reach == HandoffPort::Reach::unreachable) {
    entry.state = State::unreachable;
    entry.why = "the target's peer door cannot be reached";
  } else if (stream != streams_.end() && stream->second.is_refused()) {
    entry.state = State::refused;
    entry.why = stream->second.why;
  }
  return entry;
}

}  // namespace coterie::transfer
