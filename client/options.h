#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/wire/messages.h"
#include "client/results.h"

namespace coterie::client {

/// How many owners must answer: 0 what the bucket says, 1..N, Quorum::quorum or Quorum::all.
using Quorum = wire::Quorum;
using Durability = wire::Durability;
/// Whether fallbacks may stand in for owners that cannot be reached; `yes` only where the bucket
/// allows it.
using Sloppy = wire::Sloppy;

/// How a client tries again. Only what is safe is tried again (client/retry_rules.h).
struct RetryOptions {
  /// Tries of one call, the first included.
  std::uint32_t attempts = 6;
  /// The pause before the second try lies in [half of it, it], doubles from try to try up to the
  /// most, and is never shorter than the server asked for.
  std::chrono::milliseconds backoff_least{10};
  std::chrono::milliseconds backoff_most{1000};
  /// A token bucket: each call brings `budget_ratio` tokens, up to `budget_burst`; each further try
  /// takes one, so that retries add at most so much load to a cluster in trouble.
  double budget_ratio = 0.1;
  double budget_burst = 100;
  /// A read that has no answer after this long is asked of another owner.
  std::chrono::milliseconds read_attempt{500};
};

/// What a client is made with.
struct Options {
  /// Client doors, "host:port", of any nodes of the cluster; one that answers is enough.
  std::vector<std::string> seeds = {"127.0.0.1:7400"};
  /// Of a call that states none, over all its tries.
  std::chrono::milliseconds deadline = limits::request_deadline_default;
  /// Calls that may be at the nodes at once; further ones wait their turn in the client, at most
  /// limits::client_calls of them and limits::client_bytes of values, beyond which a call fails
  /// with `overloaded`.
  std::size_t in_flight = 1024;
  RetryOptions retry;
  /// How often the ring and the members' state are asked for.
  std::chrono::milliseconds ring_refresh{1000};
  /// True: a thread of the client's own serves it; calls from any thread, callbacks on that thread.
  /// False: no thread; the one that uses the client drives it (Client::poll, or blocking calls).
  bool background_thread = false;
};

/// Makes one value of several; nothing stands for a delete. Must give the same for the same
/// siblings in any order.
using Resolver = std::function<std::optional<Bytes>(std::span<const Sibling>)>;

struct GetOptions {
  std::optional<std::chrono::milliseconds> deadline{};
  Quorum r{};
  Sloppy sloppy = Sloppy::bucket_default;
  /// Called where the answer has several siblings; what it makes of them is put back with the
  /// context read, and the result is as if it had been read.
  Resolver resolver{};
};

struct PutOptions {
  std::optional<std::chrono::milliseconds> deadline{};
  Quorum w{};
  Durability durability = Durability::bucket_default;
  Sloppy sloppy = Sloppy::bucket_default;
  /// Zero: the bucket's default.
  std::chrono::milliseconds time_to_live{0};
};

struct ScanOptions {
  std::optional<std::chrono::milliseconds> deadline{};
  Quorum r{};
  /// Records of a page; 0: as many as fit one. At most limits::scan_page_records.
  std::uint32_t page_records = 0;
};

}  // namespace coterie::client
