#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "base/error.h"
#include "base/histogram.h"
#include "bench/workload.h"

namespace coterie::bench {

/// Of operations of one kind, or of several.
struct KindTally {
  std::uint64_t answered = 0;
  /// Of those answered: reads that found nothing.
  std::uint64_t missing = 0;
  std::uint64_t failed = 0;
  Histogram latency;  // of those answered
  Histogram failing;  // of those failed: how long they took

  void add(const KindTally& other);
};

struct ErrorTally {
  std::uint64_t count = 0;
  std::string message;  // of the first
};

/// What became of operations.
struct Tally {
  std::array<KindTally, kinds> by_kind;
  std::map<ErrorCode, ErrorTally> errors;

  void add_answer(Kind kind, Duration latency, bool is_missing);
  void add_failure(Kind kind, Duration latency, const Error& error);
  void add(const Tally& other);
  [[nodiscard]] const KindTally& of(Kind kind) const {
    return by_kind[static_cast<std::size_t>(kind)];
  }
  /// All that was asked for: everything but `resolve`.
  [[nodiscard]] KindTally operations() const;
};

}  // namespace coterie::bench
