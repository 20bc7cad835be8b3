#include "storage/checkpointer.h"

#include <limits>
#include <utility>

#include "base/check.h"

namespace coterie {

Checkpointer::Checkpointer(Table& table, Worker& worker, Timers& timers, const Options& options,
                           Handler on_progress)
    : table_(table),
      worker_(worker),
      timers_(timers),
      options_(options),
      on_progress_(std::move(on_progress)),
      alive_(std::make_shared<bool>(true)) {}

Checkpointer::~Checkpointer() {
  *alive_ = false;
  if (retry_timer_) timers_.cancel(*retry_timer_);
}

void Checkpointer::freeze(Frozen frozen) {
  check(!frozen_ || can_join(), "one checkpoint at a time");
  if (!frozen_) {
    frozen_ = std::make_shared<Frozen>(std::move(frozen));
    return;
  }
  frozen_->overlay.merge(frozen.overlay);
  frozen_->leaves.insert(frozen_->leaves.end(), frozen.leaves.begin(), frozen.leaves.end());
  frozen_->position = frozen.position;
}

void Checkpointer::log_synced(LogPosition synced) {
  synced_ = synced;
  if (frozen_ && !in_flight_ && !retry_timer_ && !failure_ && frozen_->position <= synced_) {
    begin();
  }
}

void Checkpointer::begin() {
  in_flight_ = true;
  auto options = options_.parts;
  // where there was no room for a part, erasures in another may make it
  if (full_) options.part_entries = std::numeric_limits<std::size_t>::max();
  submit(std::make_shared<CheckpointParts>(frozen_, options));
}

void Checkpointer::submit(std::shared_ptr<CheckpointParts> parts) {
  struct Job {
    std::shared_ptr<CheckpointParts> parts;
    Result<void> result;
    bool is_done = false;
  };
  auto job = std::make_shared<Job>(Job{.parts = std::move(parts), .result = {}});
  worker_.submit(
      [&table = table_, job]() {
        job->result = job->parts->commit_next(table);
        job->is_done = !job->result || job->parts->is_done();
        if (job->is_done) job->parts.reset();  // its sorted leaves end on this thread
      },
      [this, alive = alive_, job]() {
        if (!*alive) return;
        if (!job->is_done) return submit(std::move(job->parts));
        finish(job->result);
      });
}

void Checkpointer::finish(const Result<void>& result) {
  in_flight_ = false;
  if (result) {
    committed_ = frozen_->position;
    checkpoints_ += 1;
    full_.reset();
    // freeing a hundred thousand entries would hold up the loop
    worker_.submit([done = std::move(frozen_)]() mutable { done.reset(); }, []() {});
  } else if (result.error().code == ErrorCode::read_only) {
    full_ = result.error();
    retry_timer_ = timers_.start(options_.full_retry, [this]() {
      retry_timer_.reset();
      log_synced(synced_);
    });
  } else {
    failure_ = result.error();
  }
  on_progress_();
}

}  // namespace coterie
