#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/callback.h"
#include "client/options.h"
#include "client/requests.h"
#include "client/results.h"

namespace coterie::client {

/// A client of one cluster: learns the ring, sends each request to a shard that owns the key, keeps
/// a connection to each shard it talks to. Nothing here throws.
///
/// Without Options::background_thread it is used by one thread at a time, and works only within
/// poll() and the blocking calls. With it, all calls may come from any thread.
///
/// Blocking calls must not be made from callbacks: they fail with `refused`.
class Client final {
 public:
  /// Connects and learns the ring. Errors: invalid_argument (options), unavailable (no seed can be
  /// reached, or none knows the ring yet; names each with its reason).
  [[nodiscard]] static Result<Client> connect(const Options& options);
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  /// Fails all calls in progress with `closed` (their callbacks run before this returns; calls they
  /// start fail at once), then closes the connections.
  ~Client();

  // Blocking calls. Errors of all of them: see docs/sdk.md; in_doubt() tells of a write whether it
  // may have been executed.

  /// The values of a key; none is a result, not an error.
  [[nodiscard]] Result<GetResult> get(const Key& key, const GetOptions& options = {});
  /// Replaces what `context`, of the get before, covers.
  [[nodiscard]] Result<PutResult> put(const Key& key, Bytes value, const Context& context,
                                      const PutOptions& options = {});
  /// Replaces nothing: where the key has a value, both are siblings afterwards.
  [[nodiscard]] Result<PutResult> put_blind(const Key& key, Bytes value,
                                            const PutOptions& options = {});
  /// Deletes what `context` covers.
  [[nodiscard]] Result<PutResult> remove(const Key& key, const Context& context,
                                         const PutOptions& options = {});
  [[nodiscard]] Result<PutResult> write(Write write, const PutOptions& options = {});
  /// Results stand in the order of what was asked; each may fail by itself. The deadline is each
  /// key's own.
  [[nodiscard]] std::vector<Result<GetResult>> get_many(std::span<const Key> keys,
                                                        const GetOptions& options = {});
  [[nodiscard]] std::vector<Result<PutResult>> write_many(std::vector<Write> writes,
                                                          const PutOptions& options = {});
  /// The next page; begin with an empty cursor. A page is merged from R owners of its partition;
  /// pages are not of one moment.
  [[nodiscard]] Result<ScanPage> scan(const Range& range, const Cursor& cursor = {},
                                      const ScanOptions& options = {});

  // The same with callbacks.

  void get(Key key, GetOptions options, Callback<GetResult> done);
  void write(Write write, PutOptions options, Callback<PutResult> done);
  void get_many(std::vector<Key> keys, GetOptions options,
                std::move_only_function<void(std::vector<Result<GetResult>>)> done);
  void write_many(std::vector<Write> writes, PutOptions options,
                  std::move_only_function<void(std::vector<Result<PutResult>>)> done);
  void scan(Range range, Cursor cursor, ScanOptions options, Callback<ScanPage> done);

  /// Waits at most so long for something to happen, and serves it: callbacks run here. Nothing with
  /// a background thread, or from within a callback.
  void poll(std::chrono::nanoseconds at_most);
  /// poll() until no call is in progress; with a background thread, waits for that.
  void run_until_idle();

  /// Calls in progress.
  [[nodiscard]] std::size_t pending() const;
  [[nodiscard]] Counters counters() const;
  /// Of the ring as known now.
  [[nodiscard]] std::uint32_t partitions() const;
  [[nodiscard]] std::vector<std::string> buckets() const;

 private:
  class Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace coterie::client
