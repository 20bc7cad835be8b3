#include "client/tool/record_flow.h"

#include <algorithm>
#include <utility>

namespace coterie::tool {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t complaints_most = 10;
constexpr Duration pause_least = 50ms;
constexpr Duration pause_most = 1s;

}  // namespace

Result<void> RecordFlow::step() {
  while (!later_.empty() && later_.begin()->first <= parts_.now()) {
    const std::uint64_t id = later_.begin()->second;
    later_.erase(later_.begin());
    if (Job* due = job(id)) parts_.perform(*due);
  }
  while (!is_at_end_ && jobs_.size() < options_.in_flight) {
    auto record = parts_.source();
    // What else the source has is not lost with one bad line.
    if (!record && record.error().code == ErrorCode::invalid_argument) {
      ++tally_.bad_lines;
      complain(record.error().message);
      continue;
    }
    if (!record || !*record) is_at_end_ = true;
    if (!record) return std::unexpected(record.error());
    if (!*record) break;
    ++tally_.read;
    const std::uint64_t id = ++last_id_;
    Job& made = jobs_[id];
    made.id = id;
    made.record = std::move(**record);
    parts_.perform(made);
  }
  return {};
}

RecordFlow::Job* RecordFlow::job(std::uint64_t id) {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

void RecordFlow::good(Job& job) {
  ++tally_.good;
  if (job.is_in_doubt) ++tally_.settled;
  end(job);
}

void RecordFlow::different(Job& job, std::uint64_t Tally::*kind, const std::string& why) {
  ++(tally_.*kind);
  complain(job.record.key + ": " + why);
  end(job);
}

void RecordFlow::failed(Job& job, const Error& error) {
  const Instant now = parts_.now();
  if (job.failures == 0) job.first_failure = now;
  ++job.failures;
  // Within the time given it is enough that nothing final was said.
  const bool may_pass = retryable(error.code) || error.code == ErrorCode::expired;
  if (may_pass && now - job.first_failure < options_.retry_for) {
    const Duration doubled = pause_least * (1U << std::min(job.failures - 1, 10U));
    const Duration pause = std::max<Duration>(std::min(doubled, pause_most),
                                              std::chrono::milliseconds(error.retry_after_ms));
    later_.emplace(now + pause, job.id);
    return;
  }
  ++(job.is_in_doubt ? tally_.unknown : tally_.failed);
  complain(job.record.key + ": " + error.message);
  end(job);
}

void RecordFlow::end(Job& job) {
  jobs_.erase(job.id);
}

void RecordFlow::complain(std::string why) {
  if (tally_.complaints.size() < complaints_most) {
    tally_.complaints.push_back(std::move(why));
  } else {
    ++tally_.complaints_left_out;
  }
}

}  // namespace coterie::tool
