#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "bench/run.h"
#include "bench/systems.h"

namespace coterie::bench {

/// A system with its records loaded, ready to be measured again and again: one that this started,
/// or a Coterie cluster that runs. What was started ends with this.
class Subject {
 public:
  struct Options {
    /// What is loaded: so many records, or what can be within load_most.
    Settings settings;
    /// Below which directories for data are made; empty: the system's for temporary files.
    std::string directory;
    std::string node;
    std::size_t shards = 1;
  };

  /// Starts it and loads it.
  [[nodiscard]] static Result<Subject> start(const System& system, const Options& options,
                                             const std::atomic<bool>& interrupted);
  /// The cluster at the settings' seeds; loads it.
  [[nodiscard]] static Result<Subject> at_seeds(const Settings& settings,
                                                const std::atomic<bool>& interrupted);

  /// Runs once, as these settings say; records and processes are the subject's own.
  [[nodiscard]] Result<PhaseReport> measure(Settings settings,
                                            const std::atomic<bool>& interrupted) const;

  /// So many were loaded.
  [[nodiscard]] std::uint64_t records() const { return space_->loaded(); }

 private:
  explicit Subject(const Settings& settings);
  Result<void> load(Settings settings, const std::atomic<bool>& interrupted);
  void adapt(Settings& settings) const;

  std::optional<TemporaryDirectory> directory_;
  std::optional<RunningSystem> running_;  // ends before its directory goes
  bool has_pipeline_ = true;
  std::vector<int> pids_;
  std::shared_ptr<KeySpace> space_;
};

}  // namespace coterie::bench
