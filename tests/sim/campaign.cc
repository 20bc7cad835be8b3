#include "tests/sim/campaign.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace coterie::sim {
namespace {

/// Runs that are over and have not been reported yet.
class Results {
 public:
  explicit Results(std::size_t ahead_most) : ahead_most_(ahead_most) {}

  /// Waits while too many are ahead of what was reported; false: no more are wanted.
  bool may_begin(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_over_ || number < next_ + ahead_most_; });
    return !is_over_;
  }

  void put(std::uint64_t number, RunReport report) {
    const std::scoped_lock lock(mutex_);
    reports_.emplace(number, std::move(report));
    changed_.notify_all();
  }

  RunReport take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reports_.contains(next_); });
    auto report = std::move(reports_.extract(next_).mapped());
    ++next_;
    changed_.notify_all();
    return report;
  }

  void end() {
    const std::scoped_lock lock(mutex_);
    is_over_ = true;
    changed_.notify_all();
  }

 private:
  const std::size_t ahead_most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, RunReport> reports_;
  std::uint64_t next_ = 0;
  bool is_over_ = false;
};

}  // namespace

void run_campaign(const Campaign& campaign) {
  Results results(4 * campaign.jobs);
  std::atomic<std::uint64_t> next = 0;
  const auto work = [&] {
    for (;;) {
      const std::uint64_t number = next++;
      if (number >= campaign.runs_most || !results.may_begin(number)) return;
      results.put(number, campaign.run(campaign.seed_of(number)));
    }
  };
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < campaign.jobs; ++i) workers.emplace_back(work);
  while (campaign.on_report(results.take())) {
  }
  results.end();
}

}  // namespace coterie::sim
