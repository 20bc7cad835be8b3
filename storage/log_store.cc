#include "storage/log_store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "storage/key_check.h"

namespace coterie {

LogStore::LogStore(const LogStoreParts& parts, const LogStoreOptions& options)
    : parts_(parts),
      options_(options),
      trees_(options.partitions),
      active_(std::make_unique<Overlay>()),
      turn_end_call_([this]() {
        turn_end_.reset();
        flush();
      }) {}

LogStore::~LogStore() {
  for (const auto& timer : {turn_end_, age_timer_, deepening_timer_, close_timer_, room_timer_}) {
    if (timer) parts_.timers.cancel(*timer);
  }
}

const OverlayEntry* LogStore::find(Space space, BytesView key) const {
  if (const auto* entry = active_->find(space, key)) return entry;
  const auto* frozen = checkpointer_->frozen();
  return frozen != nullptr ? frozen->find(space, key) : nullptr;
}

Result<Store::Stored> LogStore::read(Space space, BytesView key) const {
  if (const auto* entry = find(space, key)) {
    const auto value = entry->value();
    return Stored{.value = value ? std::optional(Bytes(*value)) : std::nullopt,
                  .rests_on = entry->position()};
  }
  auto value = parts_.table.get(space, key);
  arm_turn_end();
  if (!value) return std::unexpected(std::move(value).error());
  return Stored{.value = std::move(*value), .rests_on = {}};
}

Result<void> LogStore::scan(Space space, BytesView from, BytesView to, const Visitor& visit) const {
  arm_turn_end();
  return scan_merged(active_.get(), checkpointer_->frozen(), parts_.table, space, from, to, visit);
}

Result<void> LogStore::check_writes(std::span<const Write> writes) const {
  if (is_closing_) return fail(ErrorCode::closed, "the store is closing");
  if (state_ == StoreState::stopped) return fail(ErrorCode::closed, reason_);
  if (auto checked = check_keys(writes); !checked) return checked;
  const auto keeps = [](const Write& write) { return write.value.has_value(); };
  if (state_ == StoreState::read_only && std::any_of(writes.begin(), writes.end(), keeps)) {
    return fail(ErrorCode::read_only, reason_);
  }
  return {};
}

Result<LogPosition> LogStore::append(std::span<Write> writes) {
  if (auto checked = check_writes(writes); !checked) {
    return std::unexpected(std::move(checked).error());
  }
  if (writes.empty()) return last();
  return take(writes);
}

LogPosition LogStore::take(std::span<Write> writes) {
  const auto position = committer_->add(writes);
  for (const auto& write : writes) {
    const bool is_damaged = write.space == Space::records && write.replaces_damaged;
    if (write.space == Space::records && !is_damaged) {
      trees_.change(write.key, write.old_leaf_hash, write.new_leaf_hash);
    }
    active_->apply(position, write.space, write.key, write.value);
    if (is_damaged) recount(write.key);
  }
  arm_turn_end();
  arm_age_timer();
  arm_deepening();
  if (is_overlay_full()) freeze();
  return position;
}

/// A leaf that cannot be read now stays wrong until it is counted for another reason: it costs
/// comparisons, and hides nothing.
void LogStore::recount(BytesView key) {
  (void)trees_.recount(key, [this](BytesView from, BytesView to, const Visitor& visit) {
    return scan(Space::records, from, to, visit);
  });
}

LogPosition LogStore::last() const {
  return committer_->last();
}
LogPosition LogStore::written() const {
  return committer_->written();
}
LogPosition LogStore::synced() const {
  return committer_->synced();
}

void LogStore::request_sync() {
  committer_->request_sync();
  arm_turn_end();
}

void LogStore::set_progress_handler(std::function<void()> handler) {
  handler_ = std::move(handler);
}

const PartitionTree* LogStore::tree(PartitionId partition) const {
  return trees_.tree(partition);
}

bool LogStore::mend_leaf(PartitionId partition, unsigned depth, std::size_t leaf,
                         const TreeCell& cell) {
  const bool is_mended = trees_.mend_leaf(partition, depth, leaf, cell);
  arm_deepening();
  return is_mended;
}

StoreStatus LogStore::status() const {
  const auto* frozen = checkpointer_->frozen();
  return {.state = state_,
          .reason = reason_,
          .records = trees_.records(),
          .overlay_bytes = active_->bytes() + (frozen != nullptr ? frozen->bytes() : 0),
          .overlay_records = active_->records() + (frozen != nullptr ? frozen->records() : 0),
          .log_bytes = committer_->log_bytes(),
          .map_bytes = parts_.table.used_bytes(),
          .checkpoints = checkpointer_->checkpoints(),
          .syncs = committer_->syncs(),
          .backlog = backlog(),
          .damaged = {damaged_.begin(), damaged_.end()}};
}

Backlog LogStore::backlog() const {
  const auto* frozen = checkpointer_->frozen();
  const std::size_t bytes = active_->bytes() + (frozen != nullptr ? frozen->bytes() : 0);
  const std::size_t records = active_->records() + (frozen != nullptr ? frozen->records() : 0);
  if (bytes >= limits::overlays_held * options_.overlay_bytes ||
      records >= limits::overlays_held * options_.overlay_records) {
    return Backlog::replicas_wait;
  }
  return is_overlay_full() ? Backlog::clients_wait : Backlog::none;
}

void LogStore::flush() {
  if (turn_end_) parts_.timers.cancel(*turn_end_);
  turn_end_.reset();
  parts_.table.end_read();
  committer_->flush();
  const bool has_failed = committer_->failure() && state_ != StoreState::stopped;
  if (written() != told_written_ || has_failed) on_progress();
}

void LogStore::arm_turn_end() const {
  if (turn_end_) return;
  turn_end_ = parts_.timers.start(Duration::zero(), turn_end_call_);
}

void LogStore::arm_age_timer() {
  if (age_timer_ || is_overdue_) return;
  age_timer_ = parts_.timers.start(options_.overlay_age, [this]() {
    age_timer_.reset();
    is_overdue_ = true;
    freeze();
  });
}

/// With all writes refused nothing else would look again.
void LogStore::arm_room_timer() {
  if (room_timer_ || is_closing_) return;
  room_timer_ = parts_.timers.start(options_.full_retry, [this]() {
    room_timer_.reset();
    on_progress();
  });
}

/// Deepening reads records, a page at a time so that the loop's turns stay short.
void LogStore::arm_deepening() {
  if (deepening_timer_ || !trees_.wants_deepening()) return;
  deepening_timer_ = parts_.timers.start(limits::deepening_pause, [this]() {
    deepening_timer_.reset();
    const auto scan_records = [this](BytesView from, BytesView to, const Visitor& visit) {
      return scan(Space::records, from, to, visit);
    };
    // what cannot be read now is read when the next append notices the tree again
    if (trees_.deepen(scan_records)) arm_deepening();
  });
}

bool LogStore::is_overlay_full() const {
  return active_->bytes() >= options_.overlay_bytes ||
         active_->records() >= options_.overlay_records;
}

bool LogStore::is_table_nearly_full() const {
  constexpr std::uint64_t part = 8;
  const auto free = parts_.table.free_bytes();
  const auto whole = free / part + parts_.table.used_bytes() / part;  // either may be huge
  return free < std::min(options_.table_reserve_bytes, whole);
}

/// Hands the overlay and the trees as they are to a checkpoint, if none is under way; else the end
/// of that one brings us back.
void LogStore::freeze() {
  if (checkpointer_->failure()) return;
  if (checkpointer_->frozen() != nullptr && !checkpointer_->can_join()) return;
  if (active_->is_empty()) return;
  if (age_timer_) parts_.timers.cancel(*age_timer_);
  age_timer_.reset();
  is_overdue_ = false;
  Frozen frozen{.leaves = trees_.take_changed(), .position = last()};
  frozen.overlay = std::move(*active_);
  active_ = std::make_unique<Overlay>();
  checkpointer_->freeze(std::move(frozen));
  checkpointer_->log_synced(synced());
  request_sync();
}

void LogStore::on_progress() {
  checkpointer_->log_synced(synced());
  if (checkpointer_->committed() > recycled_) {
    recycled_ = checkpointer_->committed();
    committer_->recycle(recycled_);
  }
  if (is_overdue_ || is_overlay_full()) freeze();
  const auto state_before = state_;
  update_state();
  const bool is_news =
      told_written_ != written() || told_synced_ != synced() || state_before != state_;
  told_written_ = written();
  told_synced_ = synced();
  if (is_news && handler_) handler_();
  if (is_closing_) continue_close();
}

void LogStore::enter(StoreState state, std::string reason) {
  state_ = state;
  reason_ = std::move(reason);
}

void LogStore::update_state() {
  if (state_ == StoreState::stopped) return;
  if (const auto& failure = committer_->failure()) {
    enter(StoreState::stopped, "the log failed and is not tried again: " + failure->message);
  } else if (const auto& failed = checkpointer_->failure()) {
    enter(StoreState::stopped, "a checkpoint failed and is not tried again: " + failed->message);
  } else if (const auto& full = committer_->full()) {
    enter(StoreState::read_only, "the disk is full: " + full->message);
  } else if (const auto& no_room = checkpointer_->full()) {
    enter(StoreState::read_only, "a checkpoint finds no room: " + no_room->message);
  } else if (is_table_nearly_full()) {
    enter(StoreState::read_only,
          "the map is full but for what is kept back for deletes: delete, or raise its size");
    arm_room_timer();
  } else {
    enter(StoreState::healthy, "");
  }
}

void LogStore::close(std::move_only_function<void()> done) {
  check(!is_closing_, "a store is closed once");
  is_closing_ = true;
  close_done_ = std::move(done);
  close_timer_ = parts_.timers.start(Duration::zero(), [this]() {
    close_timer_.reset();
    continue_close();
  });
}

/// Ends when everything is in the table, or cannot come there now: then it is in the log.
void LogStore::continue_close() {
  if (!close_done_ || close_timer_) return;
  if (committer_->is_busy() || checkpointer_->is_busy()) return;
  const auto log_works = [this]() { return !committer_->failure() && !committer_->full(); };
  if (log_works() && synced() != last()) {
    committer_->request_sync();
    committer_->flush();
    if (committer_->is_busy()) return;
  }
  if (log_works() && !checkpointer_->failure() && !checkpointer_->full()) {
    freeze();
    if (checkpointer_->frozen() != nullptr) return;
  }
  enter(StoreState::stopped, "closed");
  // the last that is done here: it may end this store
  std::exchange(close_done_, nullptr)();
}

}  // namespace coterie
