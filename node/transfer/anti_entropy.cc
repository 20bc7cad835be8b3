#include "node/transfer/anti_entropy.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "node/transfer/yielding.h"

namespace coterie::transfer {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t steps_a_turn = 16;
constexpr Duration started_within = 2s;
constexpr Duration returned_within = 1s;
constexpr Duration failed_retry = 30s;
constexpr Duration window_pause = 1min;
constexpr Duration refill_pause = 1s;
constexpr std::uint64_t cpu_burst_ns = 5'000'000;
constexpr std::uint64_t ns_a_percent = 10'000'000;  // of a second
/// A pass under one salt may miss what another shows.
constexpr unsigned passes_of_a_refill = 2;

}  // namespace

AntiEntropy::AntiEntropy(const Environment& environment, const Options& options, Random random)
    : env_(environment),
      options_(options),
      random_(random),
      bytes_(std::max<std::uint64_t>(1, options.schedule.bytes_a_second),
             std::max<std::uint64_t>(1, options.schedule.bytes_a_second / burst_part)),
      cpu_(std::max<std::uint64_t>(1, options.schedule.cpu_percent * ns_a_percent), cpu_burst_ns),
      damaged_({.copies = env_.copies,
                .others = env_.others,
                .owners = [this](PartitionId partition) { return other_owners(partition); },
                .quorum = [this](PartitionId partition) { return quorum(partition); }}),
      verified_(env_.store) {
  // Without it, verification begins anew.
  (void)verified_.load();
}

AntiEntropy::~AntiEntropy() {
  env_.timers.cancel(timer_);
}

void AntiEntropy::on_view(std::shared_ptr<const Epoch> epoch, const std::vector<NodeId>& alive) {
  const Instant now = env_.clock.now();
  if (epoch_ != epoch) {
    epoch_ = std::move(epoch);
    for (auto& [node, peer] : peers_) peer.shared.clear();
    for (const auto partition : epoch_->partitions_held_by(options_.self)) {
      if (env_.copies.copy(partition) == nullptr) continue;
      for (const auto other : other_owners(partition)) {
        auto& peer = peers_[other];
        if (options_.self < other) peer.shared.push_back(partition);
      }
    }
    find_unsure(now);
    forget_verified();
  }
  for (auto& [node, peer] : peers_) {
    const bool was_alive =
        std::exchange(peer.is_alive, std::ranges::find(alive, node) != alive.end());
    if (was_alive || !peer.is_alive) continue;
    const bool is_start = peer.reason == RepairReason::started;
    if (!is_start) peer.reason = RepairReason::returned;
    const Duration within = is_start ? started_within : returned_within;
    peer.due = now + Duration{static_cast<std::int64_t>(
                         random_.below(static_cast<std::uint64_t>(within.count())))};
  }
  pump();
}

/// What stands of partitions that are other nodes' to compare, or that this node holds no more.
void AntiEntropy::forget_verified() {
  std::vector<PartitionId> stale;
  for (const auto& [partition, through] : verified_.all()) {
    const auto others = other_owners(partition);
    const bool is_lowest =
        std::ranges::all_of(others, [this](NodeId other) { return options_.self < other; });
    if (others.empty() || !is_lowest) stale.push_back(partition);
  }
  for (const auto partition : stale) verified_.forget(partition);
}

void AntiEntropy::find_unsure(Instant now) {
  for (const auto partition : epoch_->partitions_held_by(options_.self)) {
    const auto* copy = env_.copies.copy(partition);
    if (copy == nullptr || other_owners(partition).empty()) continue;
    if (copy->state() != replica::CopyState::unsure && !copy->is_in_doubt()) continue;
    if (refills_.try_emplace(partition).second) refill_due_ = now;
  }
}

/// Those whose copies this node's is compared with: of the owners whom reads count, whose copies
/// are whole. None, if this node is none of them.
std::vector<NodeId> AntiEntropy::other_owners(PartitionId partition) const {
  const auto owners = epoch_->readers(partition);
  if (std::ranges::count(owners, options_.self) == 0) return {};
  std::vector<NodeId> out(owners.begin(), owners.end());
  std::erase(out, options_.self);
  return out;
}

RefillQuorum AntiEntropy::quorum(PartitionId partition) const {
  std::uint32_t w = epoch_->replicas();
  for (const auto& bucket : epoch_->buckets()) w = std::min(w, bucket.lowest_w());
  return {.others = other_owners(partition).size(), .needed = epoch_->replicas() - w + 1};
}

void AntiEntropy::on_damaged(PartitionId partition, BytesView key) {
  const Instant now = env_.clock.now();
  if (key.empty()) {
    if (epoch_ != nullptr) find_unsure(now);
  } else {
    damaged_.add(partition, key);
  }
  wake_at(now + yield_pause, now);
}

void AntiEntropy::compare_soon(PartitionId partition, NodeId other) {
  if (!options_.schedule.enabled) return;
  for (auto& job : jobs_) {
    if (job.reason != RepairReason::marked || job.other != other) continue;
    if (std::ranges::find(job.partitions, partition) == job.partitions.end()) {
      job.partitions.push_back(partition);
    }
    return;
  }
  jobs_.push_back(
      {.reason = RepairReason::marked, .other = other, .partitions = {partition}, .bucket = {}});
  wake_at(env_.clock.now() + yield_pause, env_.clock.now());
}

void AntiEntropy::resume() {
  is_paused_ = false;
  pump();
}

void AntiEntropy::on_answer(Instant began) {
  const Instant now = env_.clock.now();
  cpu_.take(now, static_cast<std::uint64_t>((now - began).count()));
  pump();
}

void AntiEntropy::pump() {
  if (is_pumping_ || epoch_ == nullptr) return;
  is_pumping_ = true;
  const Instant now = env_.clock.now();
  count_bytes(now);
  auto held = held_until(now);
  bool goes_on = !held;
  for (std::size_t steps = 0; goes_on && steps < steps_a_turn; ++steps) {
    goes_on = step(now);
    count_bytes(now);
    if (const Instant ready = bytes_.ready(now); goes_on && ready > now) {
      held = ready;
      break;
    }
  }
  const Instant end = env_.clock.now();
  cpu_.take(end, static_cast<std::uint64_t>((end - now).count()));
  is_pumping_ = false;
  if (held) {
    wake_at(*held, end);
  } else if (goes_on) {
    wake_at(end, end);
  } else if (const Instant due = next_due(); due > now) {
    wake_at(due, end);
  }
}

void AntiEntropy::count_bytes(Instant now) {
  const auto bytes = env_.others.bytes();
  const auto fresh = bytes - std::exchange(bytes_seen_, bytes);
  if (fresh == 0) return;
  bytes_.take(now, fresh);
  counts_.bytes += fresh;
  if (running_ && is_command(running_->job)) command_->bytes += fresh;
}

std::optional<Instant> AntiEntropy::held_until(Instant now) {
  if (env_.should_yield && env_.should_yield()) {
    if (!yielding_since_) yielding_since_ = now;
    if (now - *yielding_since_ < yields_most) return now + yield_pause;
  }
  yielding_since_.reset();
  const Instant ready = std::max(bytes_.ready(now), cpu_.ready(now));
  return ready > now ? std::optional(ready) : std::nullopt;
}

bool AntiEntropy::step(Instant now) {
  if (damaged_.step(now)) return true;
  if (!running_) return begin_job(now);
  if (running_->round->step(now)) return true;
  if (!running_->round->is_done()) return false;
  finish_job(now);
  return true;
}

/// When something is to be done though no answer comes.
Instant AntiEntropy::next_due() const {
  Instant due = Instant::max();
  if (damaged_.size() > 0) due = std::min(due, damaged_.due());
  if (running_) return std::min(due, running_->round->due());
  if (!refills_.empty()) due = std::min(due, refill_due_);
  if (!options_.schedule.enabled || is_paused_) return due;
  for (const auto& [node, peer] : peers_) {
    if (peer.is_alive && !peer.shared.empty()) due = std::min(due, peer.due);
  }
  return due;
}

void AntiEntropy::wake_at(Instant when, Instant now) {
  if (when == Instant::max() || (wake_at_ && *wake_at_ <= when)) return;
  env_.timers.cancel(timer_);
  wake_at_ = when;
  timer_ = env_.timers.start(std::max(Duration::zero(), when - now), [this] {
    wake_at_.reset();
    pump();
  });
}

// Which round comes next.

bool AntiEntropy::begin_job(Instant now) {
  add_refills(now);
  if (!jobs_.empty()) {
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    start_round(std::move(job), now);
    return true;
  }
  auto job = scheduled_job(now);
  if (!job) return false;
  start_round(*std::move(job), now);
  return true;
}

/// A round with each living owner of what lacks data, ahead of all else.
void AntiEntropy::add_refills(Instant now) {
  if (refills_.empty() || refill_due_ > now) return;
  refill_due_ = now + refill_pause;
  for (const auto& [node, peer] : peers_) {
    if (!peer.is_alive) continue;
    Job job{.reason = RepairReason::refilling, .other = node, .bucket = {}};
    for (const auto& [partition, refill] : refills_) {
      const auto owners = other_owners(partition);
      const auto passes = refill.passes.find(node);
      const bool is_done = passes != refill.passes.end() && passes->second >= passes_of_a_refill;
      if (!is_done && std::ranges::find(owners, node) != owners.end()) {
        job.partitions.push_back(partition);
      }
    }
    if (!job.partitions.empty()) jobs_.push_front(std::move(job));
  }
}

std::optional<AntiEntropy::Job> AntiEntropy::scheduled_job(Instant now) {
  if (!options_.schedule.enabled || is_paused_) return std::nullopt;
  for (auto& [node, peer] : peers_) {
    if (!peer.is_alive || peer.shared.empty() || peer.due > now) continue;
    if (peer.reason == RepairReason::scheduled && !is_in_window()) {
      peer.due = now + jittered(window_pause);
      continue;
    }
    peer.due = Instant::max();
    return Job{.reason = std::exchange(peer.reason, RepairReason::scheduled),
               .other = node,
               .partitions = peer.shared,
               .bucket = {}};
  }
  return std::nullopt;
}

bool AntiEntropy::is_in_window() const {
  const auto& schedule = options_.schedule;
  if (schedule.from_hour == schedule.to_hour) return true;
  const auto since = std::chrono::floor<std::chrono::hours>(env_.clock.wall_now());
  const auto hour = static_cast<std::uint32_t>(since.time_since_epoch().count() % 24);
  if (schedule.from_hour < schedule.to_hour) {
    return hour >= schedule.from_hour && hour < schedule.to_hour;
  }
  return hour >= schedule.from_hour || hour < schedule.to_hour;
}

/// So that nodes that started together do not compare together for ever.
Duration AntiEntropy::jittered(Duration interval) {
  const double factor = 0.9 + 0.2 * random_.unit();
  return Duration{static_cast<std::int64_t>(static_cast<double>(interval.count()) * factor)};
}

void AntiEntropy::start_round(Job job, Instant now) {
  const bool is_refill = job.reason == RepairReason::refilling;
  const RepairRound::Options options{
      .repair = {.changes = job.action == RepairAction::repair,
                 .pushes = !is_refill,
                 // What is only pulled harms nobody for being looked at once.
                 .pause = is_refill ? Duration::zero() : options_.schedule.pause},
      .bucket = job.bucket,
      .salt = random_.next()};
  running_.emplace(
      Running{.job = std::move(job), .began = now, .began_wall = env_.clock.wall_now()});
  running_->round = std::make_unique<RepairRound>(
      Comparison::Environment{.store = env_.store, .copies = env_.copies, .others = env_.others},
      running_->job.other, running_->job.partitions, options,
      RepairRound::Events{.partition = [this](const RoundResult& result) { on_partition(result); },
                          .key = [this](const RepairedKey& key) { on_key(key); }});
}

void AntiEntropy::finish_job(Instant now) {
  ++counts_.rounds;
  if (running_->has_failed) ++counts_.rounds_failed;
  const auto peer = peers_.find(running_->job.other);
  const bool was_scheduled = peer != peers_.end() && peer->second.due == Instant::max();
  if (was_scheduled) {
    const auto interval = options_.schedule.interval;
    peer->second.due =
        now + jittered(running_->has_failed ? std::min(failed_retry, interval) : interval);
  }
  const bool was_command = is_command(running_->job);
  running_.reset();
  if (was_command) end_command_if_done();
}

void AntiEntropy::on_partition(const RoundResult& result) {
  auto& running = *running_;
  ++running.done;
  ++counts_.partitions_compared;
  if (result.is_equal) ++counts_.partitions_equal;
  if (!result.outcome) running.has_failed = true;
  const auto& job = running.job;
  if (is_command(job)) count_for_command(result);
  if (job.reason == RepairReason::refilling) return on_refilled_from(result);
  const auto* copy = env_.copies.copy(result.partition);
  const bool is_made_equal = result.outcome && job.action == RepairAction::repair && !job.bucket &&
                             !result.is_unsure && copy != nullptr && !copy->may_lack_data();
  if (!is_made_equal) return;
  if (env_.made_equal) env_.made_equal(result.partition, job.other, running.began);
  const auto* tree = env_.store.tree(result.partition);
  verified_.note({.partition = result.partition,
                  .other = job.other,
                  .began = running.began_wall,
                  .is_equal = result.is_equal,
                  .root = tree == nullptr ? 0 : tree->root().hash},
                 other_owners(result.partition), env_.clock.wall_now());
}

void AntiEntropy::on_refilled_from(const RoundResult& result) {
  const auto refill = refills_.find(result.partition);
  if (refill == refills_.end() || !result.outcome) return;
  auto& [partition, state] = *refill;
  const auto other = running_->job.other;
  state.passes[other] += result.is_equal ? passes_of_a_refill : 1;
  if (result.is_unsure) {
    state.unsure.insert(other);
  } else {
    state.unsure.erase(other);
  }
  std::size_t full = 0;
  std::size_t definite = 0;
  for (const auto& [node, passes] : state.passes) {
    if (passes < passes_of_a_refill) continue;
    ++definite;
    if (!state.unsure.contains(node)) ++full;
  }
  if (!quorum(partition).is_reached(full, definite)) return;
  // The store may refuse for now; the next round brings us back.
  if (!env_.copies.refilled(partition)) {
    state.passes.clear();
    return;
  }
  ++counts_.copies_refilled;
  refills_.erase(refill);
}

void AntiEntropy::on_key(const RepairedKey& key) {
  ++counts_.keys_looked_at;
  if (key.outcome == RepairedKey::Outcome::repaired) ++counts_.keys_differing;
  if (key.outcome == RepairedKey::Outcome::failed) ++counts_.keys_failed;
  if (key.is_pulled) ++counts_.records_pulled;
  if (key.is_pushed) ++counts_.records_pushed;
  if (is_command(running_->job)) count_for_command(key);
}

AntiEntropyStatus AntiEntropy::status() const {
  AntiEntropyStatus out = counts_;
  out.is_enabled = options_.schedule.enabled;
  out.is_paused = is_paused_;
  if (running_) {
    out.running = {.reason = running_->job.reason,
                   .other = running_->job.other,
                   .partitions = running_->job.partitions.size(),
                   .partitions_done = running_->done};
  }
  out.command = command_;
  if (out.command && !out.command->ended && out.command->partitions_done > 0) {
    const auto passed = env_.clock.now() - command_began_;
    const auto undone = out.command->partitions - out.command->partitions_done;
    out.command->left = std::chrono::duration_cast<std::chrono::seconds>(
        passed * static_cast<std::int64_t>(undone) /
        static_cast<std::int64_t>(out.command->partitions_done));
  }
  out.waiting_rounds = jobs_.size();
  out.verified = verified_.all();
  for (const auto& [partition, refill] : refills_) out.refilling.push_back(partition);
  out.damaged_waiting = damaged_.size();
  out.damaged_refilled = damaged_.refilled();
  return out;
}

}  // namespace coterie::transfer
