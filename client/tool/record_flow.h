#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/instant.h"
#include "client/results.h"
#include "client/tool/file_record.h"

namespace coterie::tool {

/// What has become of the records so far.
struct Tally {
  std::uint64_t read = 0;  // from the source
  std::uint64_t good = 0;  // acknowledged, or equal
  std::uint64_t failed = 0;
  std::uint64_t unknown = 0;  // a write's outcome
  std::uint64_t different = 0;
  std::uint64_t missing = 0;
  /// Lines of the source that are no record; not counted in `read`.
  std::uint64_t bad_lines = 0;
  /// Writes of unknown outcome that a read settled.
  std::uint64_t settled = 0;
  /// The first few, for people, and how many more there were.
  std::vector<std::string> complaints;
  std::uint64_t complaints_left_out = 0;

  [[nodiscard]] std::uint64_t ended() const {
    return good + failed + unknown + different + missing;
  }
};

/// Takes records from a source and works on many at once: the part that import and compare share.
/// The owner calls step() and polls the client until is_done().
class RecordFlow {
 public:
  struct Job {
    std::uint64_t id = 0;
    FileRecord record;
    /// What perform() does next; its own business.
    int step = 0;
    client::Context context;
    /// A write of it had an unknown outcome.
    bool is_in_doubt = false;
    std::uint32_t failures = 0;
    Instant first_failure;
  };
  struct Options {
    std::size_t in_flight = 128;
    /// Records that fail for reasons that pass are tried again for so long.
    Duration retry_for = std::chrono::seconds(60);
  };
  struct Parts {
    /// The next record; nothing at the end. Errors: invalid_argument (a line is no record; the
    /// next call gives what follows it); after any other it is not asked again.
    std::function<Result<std::optional<FileRecord>>()> source;
    /// Starts what the job needs next; its callbacks call one of good() to settle() below.
    std::function<void(Job&)> perform;
    std::function<Instant()> now;
  };

  RecordFlow(const Options& options, Parts parts) : options_(options), parts_(std::move(parts)) {}

  /// Starts what can start. Error: the source's (jobs under way go on).
  [[nodiscard]] Result<void> step();
  [[nodiscard]] bool is_done() const { return is_at_end_ && jobs_.empty(); }
  [[nodiscard]] const Tally& tally() const { return tally_; }

  /// The job in progress; null once it has ended.
  [[nodiscard]] Job* job(std::uint64_t id);
  /// Performs the job's next step at once.
  void go_on(Job& job) { parts_.perform(job); }
  void good(Job& job);
  void different(Job& job, std::uint64_t Tally::*kind, const std::string& why);
  /// Tries again later what may pass, within retry_for; else the job has failed.
  void failed(Job& job, const Error& error);

 private:
  void end(Job& job);
  void complain(std::string why);

  Options options_;
  Parts parts_;
  Tally tally_;
  bool is_at_end_ = false;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, Job> jobs_;
  std::multimap<Instant, std::uint64_t> later_;
};

}  // namespace coterie::tool
