#include "storage/committer.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/codec.h"
#include "storage/log_format.h"

namespace coterie {

/// What goes to the commit thread and comes back; touched by one thread at a time.
struct Committer::Job {
  std::optional<LogBatch> batch;
  LogPosition syncs;  // through it; 0: nothing
  bool is_maintenance = false;
  LogPosition recycle;  // 0: nothing
  std::size_t spares_most = LogWriter::spares_most;

  Result<void> written;
  Result<void> synced;
  Result<void> room;
  bool is_low = false;
  std::uint64_t log_bytes = 0;

  void run(LogWriter& writer) {
    if (batch) written = writer.write(*batch);
    if (written && syncs.value != 0) synced = writer.sync();
    if (is_maintenance) room = writer.recycle(recycle, spares_most);
    if (is_maintenance && room) room = writer.replenish();
    is_low = writer.is_low();
    log_bytes = writer.log_bytes();
  }
};

Committer::Committer(std::unique_ptr<LogWriter> writer, Worker& worker, const Clock& clock,
                     Timers& timers, const Options& options, LogPosition last,
                     std::function<void()> on_progress)
    : writer_(std::move(writer)),
      worker_(worker),
      clock_(clock),
      timers_(timers),
      options_(options),
      on_progress_(std::move(on_progress)),
      last_(last),
      written_(last),
      synced_(last),
      sync_wanted_(last),
      log_bytes_(writer_->log_bytes()),
      alive_(std::make_shared<bool>(true)) {
  if (writer_->is_low()) learn_room({}, true);
}

Committer::~Committer() {
  *alive_ = false;
  if (sync_timer_) timers_.cancel(*sync_timer_);
  if (retry_timer_) timers_.cancel(*retry_timer_);
}

void Committer::open_batch() {
  auto& batch = batches_.emplace_back();
  batch.bytes.assign(log_format::header_bytes, '\0');
  batch.first = LogPosition{last_.value + 1};
}

bool Committer::is_batch_full() const {
  return batches_.back().writes >= options_.batch_writes ||
         batches_.back().bytes.size() >= options_.batch_bytes;
}

LogPosition Committer::add(std::span<const Write> writes) {
  if (batches_.empty() || is_batch_full()) open_batch();
  auto& batch = batches_.back();
  log_format::write_append(batch.bytes, writes);
  for (const auto& write : writes) {
    // Of other nodes' copies: without them none of this node's is in doubt.
    if (write.space == Space::hints) continue;
    if (write.space != Space::records || write.key.size() < sizeof(Token)) {
      batch.has_other_spaces = true;
      continue;
    }
    ByteReader reader(write.key);
    const auto bits = std::countr_zero(options_.partitions);
    const auto token = reader.u64_sorted();
    batch.partitions.push_back(bits == 0 ? 0 : static_cast<std::uint32_t>(token >> (64 - bits)));
  }
  batch.appends += 1;
  batch.writes += writes.size();
  last_.value += 1;
  start_sync_timer();
  if (is_batch_full()) flush();
  return last_;
}

void Committer::request_sync() {
  sync_wanted_ = last_;
}

/// While a sync runs and all that was added waits for the next one anyway, one write for all of it
/// is enough.
bool Committer::may_wait_for_sync() const {
  return is_syncing_ && wants_sync() && sync_wanted_ == last_;
}

void Committer::flush() {
  if (failure_ || is_writing_) return;
  if (waits_for_room_) {
    // What was written before is synced all the same: checkpoints, which make room, wait for that.
    if (wants_sync() && written_ > synced_ && !is_syncing_) sync_there();
    return;
  }
  if (may_wait_for_sync()) return;
  while (!batches_.empty() && writer_->fits(batches_.front()) && !is_slow()) {
    write_here();
    if (failure_) return;
  }
  if (!batches_.empty()) {
    write_there();
  } else if (wants_sync() && !is_syncing_) {
    sync_there();
  }
}

/// Into the page cache of a segment that is there: no thread has to be woken for it.
void Committer::write_here() {
  auto batch = std::move(batches_.front());
  batches_.pop_front();
  batch.synced = synced_;
  const Instant began = clock_.now();
  auto done = writer_->write(batch);
  note_write(began);
  if (!done) {
    failure_ = std::move(done).error();
    batches_.clear();
    return;
  }
  written_.value = batch.first.value + batch.appends - 1;
}

bool Committer::is_slow() {
  if (slow_until_ && clock_.now() >= *slow_until_) slow_until_.reset();
  return slow_until_.has_value();
}

/// A disk that is busy makes even writes into the page cache wait, and all requests behind them.
void Committer::note_write(Instant began) {
  const Instant now = clock_.now();
  write_time_ += (now - began - write_time_) / 8;
  if (write_time_ <= options_.slow_write) return;
  slow_until_ = now + options_.slow_pause;
  write_time_ = {};
}

/// Written data is synced within the interval though nobody asks.
void Committer::start_sync_timer() {
  if (sync_timer_ || failure_) return;
  sync_timer_ = timers_.start(options_.interval_sync, [this]() {
    sync_timer_.reset();
    if (synced_ == last_) return;
    request_sync();
    start_sync_timer();
    flush();
  });
}

void Committer::recycle(LogPosition position) {
  maintain(position);
}

void Committer::maintain(LogPosition recycle) {
  auto job = std::make_shared<Job>();
  job->is_maintenance = true;
  is_maintaining_ = true;
  job->recycle = recycle;
  if (recycle == last_) job->spares_most = LogWriter::spares_at_rest;
  worker_.submit([writer = writer_, job]() { job->run(*writer); },
                 [this, alive = alive_, job]() {
                   if (!*alive || failure_) return;
                   is_maintaining_ = false;
                   log_bytes_ = job->log_bytes;
                   learn_room(job->room, job->is_low);
                   flush();
                   on_progress_();
                 });
}

/// Where a new segment begins, which syncs the one before, and while writes are slow.
void Committer::write_there() {
  is_writing_ = true;
  auto job = std::make_shared<Job>();
  job->batch = std::move(batches_.front());
  batches_.pop_front();
  job->batch->synced = synced_;
  if (wants_sync()) job->syncs.value = job->batch->first.value + job->batch->appends - 1;
  submit(job);
}

void Committer::sync_there() {
  is_syncing_ = true;
  auto job = std::make_shared<Job>();
  job->syncs = written_;
  submit(job);
}

void Committer::submit(const std::shared_ptr<Job>& job) {
  worker_.submit([writer = writer_, job]() { job->run(*writer); },
                 [this, alive = alive_, job]() {
                   if (*alive) finish(*job);
                 });
}

void Committer::finish(Job& job) {
  log_bytes_ = job.log_bytes;
  (job.batch ? is_writing_ : is_syncing_) = false;
  if (failure_) {
    // nothing is known any more, whatever this says
  } else if (job.batch && !job.written) {
    finish_unwritten(job);
  } else if (!job.synced) {
    failure_ = job.synced.error();
    batches_.clear();
  } else {
    finish_written(job);
  }
  flush();
  on_progress_();
}

void Committer::finish_unwritten(Job& job) {
  if (job.written.error().code != ErrorCode::read_only) {
    failure_ = job.written.error();
    batches_.clear();
    return;
  }
  // nothing of it was written
  batches_.push_front(std::move(*job.batch));
  waits_for_room_ = true;
  learn_room(job.written, true);
}

void Committer::finish_written(Job& job) {
  if (job.batch) written_.value = job.batch->first.value + job.batch->appends - 1;
  if (job.syncs.value != 0) {
    synced_ = std::max(synced_, job.syncs);
    syncs_ += 1;
  }
  if (!job.is_low) learn_room({}, false);
  // a new spare is made after those who wait for this batch have heard of it
  if (job.is_low && !is_maintaining_ && !retry_timer_) maintain(LogPosition{});
}

void Committer::learn_room(const Result<void>& room, bool is_low) {
  if (is_low) {
    full_ =
        room ? Error{.code = ErrorCode::read_only, .message = "no room for the log"} : room.error();
    retry_later();
    return;
  }
  full_.reset();
  waits_for_room_ = false;
  if (retry_timer_) timers_.cancel(*retry_timer_);
  retry_timer_.reset();
}

void Committer::retry_later() {
  if (retry_timer_) return;
  retry_timer_ = timers_.start(options_.full_retry, [this]() {
    retry_timer_.reset();
    if (waits_for_room_) {
      waits_for_room_ = false;
      flush();
    } else {
      maintain(LogPosition{});
    }
  });
}

}  // namespace coterie
