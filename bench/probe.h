#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/histogram.h"

namespace coterie::bench {

/// What a machine can do at most, to hold a cluster's figures against.
struct ProbeResult {
  std::uint64_t operations = 0;
  double seconds = 0;
  Histogram latency;

  [[nodiscard]] double rate() const {
    return seconds > 0 ? static_cast<double>(operations) / seconds : 0;
  }
};

/// What the system call `what` has just failed with.
[[nodiscard]] std::unexpected<Error> io(const std::string& what);

struct EchoOptions {
  std::size_t connections = 50;
  std::size_t pipeline = 1;
  std::size_t message_bytes = 128;
  std::chrono::milliseconds duration{2000};
};
/// Messages that one thread sends another over TCP on loopback and gets back: one read and one
/// write a turn and connection on either side, and nothing else.
[[nodiscard]] Result<ProbeResult> probe_echo(const EchoOptions& options);

struct SyncOptions {
  /// In which a file is made and removed.
  std::string directory = ".";
  std::size_t write_bytes = 4096;
  std::chrono::milliseconds duration{2000};
};
/// One write behind the other into a preallocated file, each followed by fdatasync.
[[nodiscard]] Result<ProbeResult> probe_sync(const SyncOptions& options);

}  // namespace coterie::bench
