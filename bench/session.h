#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/env/uv_loop.h"
#include "base/error.h"
#include "base/instant.h"
#include "bench/workload.h"
#include "client/core.h"

namespace coterie::bench {

/// An operation in progress: of which of a driver's sessions, when it was meant to begin, and when
/// it did.
struct Flight {
  std::size_t session = 0;
  Operation operation;
  Instant begun;
  Instant asked;
};

/// Whom a session tells what became of what it performs: the driver.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  /// The value of the next write.
  [[nodiscard]] virtual Bytes next_value() = 0;
  virtual void on_answered(const Flight& flight, bool is_missing) = 0;
  virtual void on_failed(const Flight& flight, const Error& error) = 0;
  /// Before it tells what became of `flight`: has that session perform one thing more, which comes
  /// on top of what is asked for.
  virtual void follow_up(const Flight& flight, Kind kind) = 0;
};

/// One independent client of the system that is measured, over a driver's loop, on its thread.
class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  /// Calls back once, when the system can be asked or cannot.
  virtual void when_ready(std::function<void(const Result<void>&)> done) = 0;
  /// Begins it, and tells the listener once what became of it; it may leave with flush().
  virtual void perform(const Flight& flight) = 0;
  /// What was begun goes out now, unless the session is about to send it by itself.
  virtual void flush() {}
  /// Fails what is past its deadline, where nothing below does that.
  virtual void expire(Instant) {}
  /// Asked for nothing more once it is not.
  [[nodiscard]] virtual bool is_alive() const { return true; }
  [[nodiscard]] virtual client::Counters counters() const { return {}; }
};

/// Makes the session of that number (counted over all drivers); `listener` outlives it.
using MakeSession =
    std::function<std::unique_ptr<Session>(UvLoop& loop, SessionListener& listener, std::size_t)>;

}  // namespace coterie::bench
