#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "client/results.h"

namespace coterie::bench {

/// The records of a run, numbered from 0: how many there are, and the last context seen of each, so
/// that a put replaces what the one before wrote. Shared by all threads.
class KeySpace {
 public:
  /// The records 0 to `loaded` - 1 are there, or will be before the run. At least one.
  KeySpace(std::string bucket, std::string prefix, std::uint64_t loaded);

  [[nodiscard]] client::Key key(std::uint64_t record) const;

  [[nodiscard]] std::uint64_t loaded() const { return loaded_; }
  /// Only the first so many were loaded, at least one. Before the first insert, by one thread.
  void end_at(std::uint64_t loaded);
  /// A new record's number.
  [[nodiscard]] std::uint64_t insert() { return next_.fetch_add(1); }
  /// An insert has ended; failed or not, the records above it are not held up by it.
  void on_inserted(std::uint64_t record);
  /// All records below it are loaded, or their inserts have ended.
  [[nodiscard]] std::uint64_t readable() const { return readable_.load(); }

  /// Empty where nothing is known of the record, and of inserted ones.
  [[nodiscard]] client::Context context(std::uint64_t record) const;
  void set_context(std::uint64_t record, const client::Context& context);

 private:
  static constexpr std::size_t stripes = 64;

  std::string bucket_;
  std::string prefix_;
  std::uint64_t loaded_;
  std::atomic<std::uint64_t> next_;
  std::atomic<std::uint64_t> readable_;
  std::mutex inserts_;
  std::set<std::uint64_t> inserted_;  // from readable_ on
  mutable std::vector<std::mutex> locks_;
  std::vector<client::Context> contexts_;
};

}  // namespace coterie::bench
