#include "node/transfer/scrub.h"

#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "base/hash.h"
#include "base/limits.h"
#include "node/transfer/yielding.h"
#include "storage/key.h"
#include "storage/record.h"

namespace coterie::transfer {

namespace {

using namespace std::chrono_literals;

constexpr Duration sync_pause = 20ms;

void add(ScrubFindings& all, const ScrubFindings& more) {
  all.records += more.records;
  all.bytes += more.bytes;
  all.damaged += more.damaged;
  all.leaves_wrong += more.leaves_wrong;
  all.leaves_busy += more.leaves_busy;
  all.unreadable += more.unreadable;
}

bool is_clean(const ScrubFindings& found) {
  return found.damaged == 0 && found.leaves_wrong == 0 && found.unreadable == 0;
}

std::string text(const ScrubFindings& found) {
  std::string out;
  const auto name = [&out](std::uint64_t count, const char* one, const char* many) {
    if (count == 0) return;
    out += std::to_string(count) + " " + (count == 1 ? one : many) + ", ";
  };
  name(found.damaged, "record with a bad checksum", "records with a bad checksum");
  name(found.leaves_wrong, "leaf of the tree that was not what its records are, mended",
       "leaves of trees that were not what their records are, mended");
  name(found.unreadable, "range of keys that cannot be read", "ranges of keys that cannot be read");
  return out + "of " + std::to_string(found.records) + " records in all";
}

}  // namespace

Scrub::Scrub(const Environment& environment, const Options& options)
    : env_(environment),
      options_(options),
      throttle_(std::max<std::uint64_t>(1, options.schedule.bytes_a_second),
                options.schedule.bytes_a_second / burst_part) {}

Scrub::~Scrub() {
  env_.timers.cancel(timer_);
}

void Scrub::on_view() {
  if (std::exchange(has_begun_, true)) return;
  begin();
}

/// What was kept; what cannot be read is as if there were none.
void Scrub::begin() {
  const Instant now = env_.clock.now();
  const auto interval = options_.schedule.interval;
  const auto stored = env_.store.get(Space::meta, scrub_state_key());
  if (stored && *stored) state_ = decode_scrub_state(**stored).value_or(ScrubState{});
  // Which records waited to be refilled is forgotten, and only a walk finds them again.
  if (state_.walk && state_.has_waiting) state_.walk->next = 0;
  went_on_at_ = saved_at_ = now;
  if (state_.walk) go_on_after_stop();
  if (state_.walk || (state_.has_waiting && interval > Duration::zero())) {
    due_ = now + spread(limits::scrub_resumed);
  } else if (interval > Duration::zero() && !state_.last) {
    due_ = now + spread(std::min<Duration>(interval, limits::scrub_first));
  } else if (interval > Duration::zero()) {
    const Duration passed = env_.clock.wall_now() - state_.last->ended;
    const Duration soon = std::min<Duration>(interval, spread(limits::scrub_resumed));
    due_ = now + std::clamp<Duration>(interval - passed, soon, interval);
  }
  wake_at(due_);
}

/// What a disk does not give of the table's map ends the process.
void Scrub::go_on_after_stop() {
  auto& walk = *state_.walk;
  is_careful_ = true;
  if (++walk.stops > limits::scrub_stops) {
    last_trouble_ = "partition " + std::to_string(walk.next) +
                    ": left out, since the process ended " + std::to_string(limits::scrub_stops) +
                    " times while it was read";
    env_.log.error("scrub", last_trouble_);
    ++walk.found.unreadable;
    ++total_.unreadable;
    walk.stops = 0;
    ++walk.next;
  }
  save();
}

/// The same for one shard of one node, and between different ones anything.
Duration Scrub::spread(Duration most) const {
  const Bytes name = std::to_string(options_.salt) + "/" + std::to_string(options_.shard.value);
  const double share = static_cast<double>(hash64(name) >> 11) * 0x1p-53;
  return Duration{static_cast<std::int64_t>(static_cast<double>(most.count()) * share)};
}

/// A store that takes nothing now is told again later; a restart then goes on from further back.
void Scrub::save() {
  saved_at_ = env_.clock.now();
  state_.has_waiting = env_.waiting() > 0;
  Write write{.space = Space::meta, .key = scrub_state_key(), .value = encode_scrub_state(state_)};
  if (const auto position = env_.store.append({&write, 1})) saved_position_ = *position;
}

bool Scrub::start() {
  if (!has_begun_ || state_.walk) return false;
  begin_walk();
  wake_at(env_.clock.now());
  return true;
}

bool Scrub::cancel() {
  if (!state_.walk) return false;
  state_.walk.reset();
  leaf_.reset();
  due_ = options_.schedule.interval > Duration::zero()
             ? env_.clock.now() + options_.schedule.interval
             : Instant::max();
  save();
  wake_at(due_);
  return true;
}

void Scrub::begin_walk() {
  state_.walk = ScrubState::Walk{.began = env_.clock.wall_now()};
  done_here_ = 0;
  is_careful_ = false;
  went_on_at_ = env_.clock.now();
  in_partition_ = {};
  save();
}

void Scrub::end_walk() {
  const auto& found = state_.walk->found;
  const std::string line = "shard " + std::to_string(options_.shard.value) + " is scrubbed: ";
  if (is_clean(found)) {
    env_.log.info("scrub", line + std::to_string(found.records) + " records, nothing amiss");
  } else {
    env_.log.warn("scrub", line + text(found));
  }
  state_.last = ScrubPass{
      .began = state_.walk->began, .ended = env_.clock.wall_now(), .found = state_.walk->found};
  state_.walk.reset();
  ++passes_;
  due_ = options_.schedule.interval > Duration::zero()
             ? env_.clock.now() + options_.schedule.interval
             : Instant::max();
  save();
}

void Scrub::wake_at(Instant when) {
  if (when == Instant::max() || (wake_at_ && *wake_at_ <= when)) return;
  env_.timers.cancel(timer_);
  wake_at_ = when;
  timer_ = env_.timers.start(std::max(Duration::zero(), when - env_.clock.now()), [this] {
    wake_at_.reset();
    run();
  });
}

void Scrub::run() {
  const Instant now = env_.clock.now();
  if (!state_.walk && now >= due_) begin_walk();
  if (!state_.walk) {
    if (state_.has_waiting && env_.waiting() == 0) save();
    return wake_at(state_.has_waiting ? std::min<Instant>(due_, now + limits::scrub_saved_every)
                                      : due_);
  }
  if (env_.should_yield && env_.should_yield()) {
    if (!yielding_since_) yielding_since_ = now;
    if (now - *yielding_since_ < yields_most) return wake_at(now + yield_pause);
  }
  yielding_since_.reset();
  if (const Instant ready = throttle_.ready(now); ready > now) return wake_at(ready);
  if (is_careful_ && env_.store.synced() < saved_position_) {
    env_.store.request_sync();
    return wake_at(now + sync_pause);
  }
  const auto burst = options_.schedule.bytes_a_second / burst_part;
  Turn turn{.until = now + limits::scrub_turn,
            .bytes_most = std::min<std::size_t>(limits::scrub_turn_bytes, burst)};
  walk(turn);
  throttle_.take(now, turn.bytes);
  wake_at(std::max(env_.clock.now(), throttle_.ready(now)));
}

void Scrub::walk(Turn& turn) {
  while (!turn.is_over) {
    if (!leaf_ && !find_partition()) return end_walk();
    const PartitionId partition{state_.walk->next};
    if (env_.copies.copy(partition) == nullptr) {
      leaf_.reset();
      continue;
    }
    const auto read = read_leaf(partition, turn);
    if (!read) {
      ++leaf_->found.unreadable;
      last_trouble_ = "partition " + std::to_string(partition.value) + ": " + read.error().message;
      end_leaf(partition);
    } else if (*read && compare_leaf(partition)) {
      end_leaf(partition);
    }
    ++turn.leaves;
    turn.is_over = turn.is_over || is_careful_ || turn.leaves >= limits::scrub_turn_leaves ||
                   turn.bytes >= turn.bytes_most || env_.clock.now() >= turn.until;
  }
}

bool Scrub::find_partition() {
  auto& next = state_.walk->next;
  while (next < env_.copies.partitions() && env_.copies.copy(PartitionId{next}) == nullptr) ++next;
  if (next >= env_.copies.partitions()) return false;
  leaf_ = Leaf{};
  begin_leaf(PartitionId{next});
  return true;
}

unsigned Scrub::depth_of(PartitionId partition) const {
  const auto* tree = env_.store.tree(partition);
  return tree == nullptr ? 0 : tree->depth();
}

TreeCell Scrub::cell_of(PartitionId partition, const Leaf& leaf) const {
  const auto* tree = env_.store.tree(partition);
  return tree == nullptr ? TreeCell{} : tree->leaf(leaf.index);
}

/// The leaf that begins where leaf_->range does; an empty one: the partition's first. Trees may
/// have become deeper meanwhile, and then that leaf ends earlier than it did.
void Scrub::begin_leaf(PartitionId partition) {
  Leaf leaf{.depth = depth_of(partition)};
  if (const auto* tree = env_.store.tree(partition)) {
    if (!leaf_->range.from.empty()) {
      leaf.index = tree->leaf_of(Token{ByteReader(leaf_->range.from).u64_sorted()});
    }
    leaf.range = tree->range_of(leaf.depth, leaf.index);
    leaf.is_last = leaf.index + 1 == tree->leaves();
  } else {
    leaf.range = range_of(partition, env_.copies.partitions());
    leaf.is_last = true;
  }
  leaf.next = leaf.range.from;
  leaf.before = cell_of(partition, leaf);
  leaf_ = std::move(leaf);
}

Result<bool> Scrub::read_leaf(PartitionId partition, Turn& turn) {
  auto& leaf = *leaf_;
  std::vector<Bytes> damaged;
  bool is_whole = true;
  const auto visit = [&](BytesView key, BytesView value) {
    const bool is_full = turn.bytes > 0 && (turn.bytes + value.size() > turn.bytes_most ||
                                            env_.clock.now() >= turn.until);
    if (is_full) {
      leaf.next = key;
      is_whole = false;
      return false;
    }
    turn.bytes += key.size() + value.size();
    ++leaf.found.records;
    leaf.found.bytes += key.size() + value.size();
    if (const auto digest = peek_digest(key, value)) {
      leaf.counted += TreeCell{.hash = leaf_hash(key, *digest), .records = 1};
    } else {
      ++leaf.found.damaged;
      damaged.emplace_back(key);
    }
    return true;
  };
  const auto scanned = env_.store.scan(Space::records, leaf.next, leaf.range.to, visit);
  for (const auto& key : damaged) env_.copies.note_damaged(partition, key);
  if (!scanned) return std::unexpected(scanned.error());
  if (is_whole) return true;
  turn.is_over = true;
  leaf.is_of_one_turn = false;
  return false;
}

/// In the turn in which its last record was read. A leaf with a bad record is counted anew by
/// whoever refills that. In several turns records may have come, been read, and gone again without
/// a trace in the tree: only what two readings agree on is believed.
bool Scrub::compare_leaf(PartitionId partition) {
  auto& leaf = *leaf_;
  if (leaf.found.damaged > 0) return true;
  if (depth_of(partition) != leaf.depth) {
    tries_.clear();
    begin_leaf(partition);
    return false;
  }
  const auto kept = cell_of(partition, leaf);
  if (leaf.counted == kept) return true;
  const bool is_sure =
      leaf.is_of_one_turn || (leaf.before == kept && std::ranges::count(tries_, leaf.counted) > 0);
  if (is_sure) {
    ++leaf.found.leaves_wrong;
    last_trouble_ = "partition " + std::to_string(partition.value) + ": its tree counted " +
                    std::to_string(kept.records) + " records in a leaf that has " +
                    std::to_string(leaf.counted.records);
    (void)env_.store.mend_leaf(partition, leaf.depth, leaf.index, leaf.counted);
    return true;
  }
  if (tries_.size() + 1 >= limits::scrub_leaf_tries) {
    ++leaf.found.leaves_busy;
    return true;
  }
  tries_.push_back(leaf.counted);
  begin_leaf(partition);
  return false;
}

void Scrub::end_leaf(PartitionId partition) {
  tries_.clear();
  add(in_partition_, leaf_->found);
  if (leaf_->is_last) return end_partition(partition);
  leaf_->range.from = leaf_->range.to;
  begin_leaf(partition);
}

void Scrub::end_partition(PartitionId partition) {
  leaf_.reset();
  auto& walk = *state_.walk;
  const auto found = std::exchange(in_partition_, {});
  add(walk.found, found);
  add(total_, found);
  walk.next = partition.value + 1;
  ++done_here_;
  if (!is_clean(found)) {
    const std::string why = found.unreadable > 0 ? "; " + last_trouble_ : "";
    env_.log.error("scrub",
                   "partition " + std::to_string(partition.value) + ": " + text(found) + why);
  }
  walk.stops = 0;
  // What was mended reaches the disk with the next checkpoint, which this makes sure of.
  const bool is_due = env_.clock.now() - saved_at_ >= limits::scrub_saved_every;
  if (!is_clean(found) || is_careful_ || is_due) save();
}

ScrubStatus Scrub::status() const {
  ScrubStatus out{.is_enabled = options_.schedule.interval > Duration::zero(),
                  .last = state_.last,
                  .total = total_,
                  .passes = passes_,
                  .last_trouble = last_trouble_};
  if (!state_.walk) return out;
  out.walk = ScrubStatus::Walk{.began = state_.walk->began, .found = state_.walk->found};
  add(out.walk->found, in_partition_);
  if (leaf_) add(out.walk->found, leaf_->found);
  for (std::uint32_t p = 0; p < env_.copies.partitions(); ++p) {
    if (env_.copies.copy(PartitionId{p}) == nullptr) continue;
    ++out.walk->partitions;
    if (p < state_.walk->next) ++out.walk->partitions_done;
  }
  if (done_here_ > 0) {
    const auto undone = out.walk->partitions - out.walk->partitions_done;
    out.walk->left = std::chrono::duration_cast<std::chrono::seconds>(
        (env_.clock.now() - went_on_at_) * static_cast<std::int64_t>(undone) /
        static_cast<std::int64_t>(done_here_));
  }
  return out;
}

}  // namespace coterie::transfer
