#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/env/transport.h"
#include "base/random.h"
#include "client/call.h"
#include "client/call_table.h"
#include "client/callback.h"
#include "client/exchange.h"
#include "client/links.h"
#include "client/options.h"
#include "client/requests.h"
#include "client/retry_budget.h"
#include "client/retry_rules.h"
#include "client/ring_source.h"
#include "client/standing.h"

namespace coterie::client {

/// What a client does, over the seams: routing, retries, deadlines. One thread, that of the loop
/// whose clock, timers and transport it is given. Client drives it over libuv, the simulator over
/// virtual time.
class ClientCore final : public TransportHandler, private LinkUser {
 public:
  struct Environment {
    const Clock& clock;
    Timers& timers;
  };

  /// `seeds` are those of the options, parsed.
  ClientCore(const Environment& environment, Options options, std::vector<Address> seeds,
             Random random);
  ClientCore(const ClientCore&) = delete;
  ClientCore& operator=(const ClientCore&) = delete;
  /// close()s.
  ~ClientCore() override;

  /// Once, before anything else; begins to look for the ring. The transport must live until
  /// close().
  void attach(Transport& transport);
  /// Fails all calls with `closed`, hangs up, and fails further calls at once.
  void close();

  /// Callbacks are called from events of the seams, never from within these.
  void get(Key key, const GetOptions& options, Callback<GetResult> done);
  void write(Write write, const PutOptions& options, Callback<PutResult> done);
  void scan(Range range, const Cursor& cursor, const ScanOptions& options, Callback<ScanPage> done);
  /// Once the ring is known, or every seed was tried in vain (unavailable).
  void when_ready(Callback<std::shared_ptr<const Epoch>> done);

  /// When no call is in progress.
  void when_idle(std::move_only_function<void()> done);

  [[nodiscard]] std::size_t pending() const { return calls_.size(); }
  /// Null before the first ring.
  [[nodiscard]] std::shared_ptr<const Epoch> epoch() const { return source_.ring().epoch; }
  [[nodiscard]] const Counters& counters() const { return counters_; }

  void on_open(ConnectionId connection, const wire::Hello& theirs) override;
  void on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body) override;
  void on_closed(ConnectionId connection, const Error& why) override;

 private:
  /// Around whatever an event does: at the end of the outermost one, calls that may start do, and
  /// what links can send leaves.
  class Event {
   public:
    explicit Event(ClientCore& core) : core_(core) { ++core_.events_; }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() {
      if (core_.events_ == 1) core_.settle();
      --core_.events_;
    }

   private:
    ClientCore& core_;
  };

  // core.cc: calls, from their beginning to their callback.
  void start(Call::Request request, std::optional<std::chrono::milliseconds> deadline,
             const Result<void>& checked = {});
  [[nodiscard]] Callback<GetResult> resolving(const Key& key, const GetOptions& options,
                                              Callback<GetResult> done);
  [[nodiscard]] Result<void> accept(const Call::Request& request, std::chrono::milliseconds time);
  void wake();
  void settle();
  void on_ring(const Ring& before);
  void on_unreachable(const Error& why);
  void on_timer(CallId id);
  void arm(Call& call, Instant at);
  void expire(Call& call);
  void finish(Call& call, Error error);
  [[nodiscard]] Call::Request take_out(Call& call);
  [[nodiscard]] Call* find(CallId id) { return calls_.find(id); }

  // core_tries.cc: the tries of a call.
  void route(Call& call);
  [[nodiscard]] std::optional<Target> choose(const Call& call, const Bucket& bucket,
                                             PartitionId partition);
  [[nodiscard]] bool is_owner(const Call& call) const;
  [[nodiscard]] static Error reason(const Call& call);
  void wait_for(Call& call, const Target& target);
  std::optional<Bytes> next_frame(CallId id, TryId try_id, RunId run) override;
  void on_not_sent(CallId id, const Error& why) override;
  void on_lost(CallId id, TryId try_id, const Error& why) override;
  void on_reply(const Links::Sent& sent, const wire::FrameHeader& header, BytesView body);
  void on_failure(Call& call, Error error, bool was_sent);
  void on_silence(Call& call);
  void try_again(Call& call, NextTry where, bool was_sent);
  void try_after(Call& call, Duration pause);
  [[nodiscard]] std::optional<Duration> next_pause(const Call& call, bool was_sent);
  [[nodiscard]] Duration pause_before(const Call& call, bool was_sent);

  Environment env_;
  Options options_;
  Random random_;
  Counters counters_;
  RetryBudget budget_;
  RingSource source_;
  Links links_;
  Standing standing_;
  bool is_closed_ = false;
  int events_ = 0;  // nested
  bool is_waking_ = false;
  TimerId wake_;

  CallTable calls_;
  std::size_t bytes_ = 0;    // of all calls
  std::size_t started_ = 0;  // calls at the nodes
  std::deque<CallId> queue_;
  std::vector<Callback<std::shared_ptr<const Epoch>>> ready_;
  std::vector<std::move_only_function<void()>> idle_;
};

}  // namespace coterie::client
