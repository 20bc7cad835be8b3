#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/env/transport.h"
#include "base/limits.h"
#include "base/random.h"
#include "client/results.h"
#include "client/ring.h"
#include "client/unanswered.h"
#include "client/window.h"

namespace coterie::client {

/// What Links ask of their user. All are called from the loop, some from within pump().
class LinkUser {
 public:
  virtual ~LinkUser() = default;
  /// A connection can take this call's request now: its frame, or nothing if it is not to be sent
  /// after all (the user has dealt with it).
  virtual std::optional<Bytes> next_frame(CallId call, TryId id, RunId run) = 0;
  /// A call that waited for the link was not sent and does not wait any more.
  virtual void on_not_sent(CallId call, const Error& why) = 0;
  /// The connection was lost with the request on it.
  virtual void on_lost(CallId call, TryId id, const Error& why) = 0;
};

/// A connection to each shard that is talked to: dialled when first wanted, dialled again after a
/// loss with jittered back-off while something waits for it. Requests wait here, unsent, until
/// their connection is open and has room.
class Links {
 public:
  struct Environment {
    const Clock& clock;
    Timers& timers;
    Counters& counters;
    LinkUser& user;
  };
  /// A reply's request.
  struct Sent {
    CallId call;
    TryId id;
    Target target;
  };

  Links(const Environment& environment, Random random);
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;
  ~Links();

  void attach(Transport& transport) { transport_ = &transport; }
  /// Closes everything; the user hears nothing of it.
  void stop();
  /// New addresses and states. What waits for a node that is dead and not connected is handed back.
  void set_ring(const Ring& ring);

  /// The call waits for this link; next_frame or on_not_sent follows, never from within enqueue().
  void enqueue(const Target& target, CallId call);
  /// The call does not wait any more.
  void withdraw(const Target& target, CallId call);
  /// Sends what can be sent; to be called at the end of each event.
  void pump();

  /// For choosing an owner.
  struct Prospect {
    /// Connected or never tried, not said to go away.
    bool is_usable = true;
    /// Requests that wait for it or are unanswered.
    std::size_t load = 0;
  };
  [[nodiscard]] Prospect prospect(const Target& target, Instant now) const;

  [[nodiscard]] bool owns(ConnectionId connection) const {
    return by_connection_.contains(connection);
  }
  void on_open(ConnectionId connection, const wire::Hello& theirs);
  void on_closed(ConnectionId connection, const Error& why);
  void on_go_away(ConnectionId connection, std::uint32_t retry_after_ms);
  /// The request that this reply answers; nothing if there is none.
  [[nodiscard]] std::optional<Sent> on_reply(ConnectionId connection, std::uint64_t request_id);
  /// What a reply said: the request was done, and more may go to this node at once; or the node has
  /// too much to do, and fewer may.
  void on_done(const Target& target);
  void on_refusal(const Target& target, Duration retry_after);

 private:
  struct Link {
    Target target;
    ConnectionId connection;  // 0: none
    bool is_open = false;
    bool is_leaving = false;  // it said go away: nothing new
    bool is_touched = false;  // in touched_
    RunId run;
    std::uint32_t losses = 0;
    Instant retry_at;
    TimerId timer;  // of the next dial
    std::deque<CallId> waiting;
    Unanswered unanswered;
    Window window{limits::client_requests_a_connection};
  };

  Link& link(const Target& target);
  [[nodiscard]] const Link* find(const Target& target) const;
  void touch(Link& link);
  void pump(Link& link);
  void dial(Link& link);
  void hand_back(Link& link, const Error& why);
  void part(Link& link);
  void lose(Link& link, const Error& why, Duration pause);

  Environment env_;
  Random random_;
  Transport* transport_ = nullptr;
  Ring ring_;
  std::map<Target, std::unique_ptr<Link>> links_;
  std::unordered_map<ConnectionId, Link*> by_connection_;
  std::vector<Link*> touched_;
  std::uint64_t last_try_ = 0;
};

}  // namespace coterie::client
