#include "bench/driver.h"

#include <ctime>

#include <algorithm>
#include <array>
#include <utility>

#include "base/env/system.h"
#include "bench/arrival_timer.h"

namespace coterie::bench {
namespace {

using namespace std::chrono_literals;

double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

constexpr std::array reported_counters{
    &client::Counters::calls,        &client::Counters::tries,
    &client::Counters::retries,      &client::Counters::retries_denied,
    &client::Counters::dials,        &client::Counters::dials_failed,
    &client::Counters::in_doubt,     &client::Counters::connections_lost,
    &client::Counters::replies_late, &client::Counters::refused,
};

void add(client::Counters& to, const client::Counters& from) {
  for (const auto counter : reported_counters) to.*counter += from.*counter;
}

client::Counters since(client::Counters now, const client::Counters& before) {
  for (const auto counter : reported_counters) now.*counter -= before.*counter;
  return now;
}

}  // namespace

void PhaseTally::add(const PhaseTally& other) {
  tally.add(other.tally);
  answered_in_window += other.answered_in_window;
  unsent += other.unsent;
  backlog_most += other.backlog_most;
  last_answer = std::max(last_answer, other.last_answer);
  bench::add(counters, other.counters);
  cpu_seconds += other.cpu_seconds;
}

struct Driver::Session {
  Session(UvLoop& loop, const Options& options, Random random)
      : core({.clock = loop.clock(), .timers = loop.timers()}, options.client, options.seeds,
             random),
        transport(loop, core) {
    core.attach(transport);
  }
  ~Session() { core.close(); }

  client::ClientCore core;
  UvTransport transport;
  std::size_t in_progress = 0;
};

Driver::Driver(const Options& options) : options_(options) {
  for (std::size_t i = 0; i < options.connections; ++i) {
    // Never from the workload's seed: two runs must not name their requests alike.
    sessions_.push_back(std::make_unique<Session>(loop_, options_, Random(random_bits())));
  }
}

Driver::~Driver() = default;

Result<void> Driver::connect() {
  Result<void> result;
  std::size_t waiting = sessions_.size();
  for (const auto& session : sessions_) {
    session->core.when_ready([&](const auto& ring) {
      --waiting;
      if (!ring && result) result = std::unexpected(ring.error());
    });
  }
  while (waiting > 0) loop_.turn(100ms);
  return result;
}

PhaseTally Driver::run(Phase phase) {
  const double cpu_before = thread_cpu_seconds();
  const client::Counters counters_before = counters();
  phase_ = std::move(phase);
  tally_ = {};
  is_exhausted_ = false;
  {
    std::optional<ArrivalTimer> timer;
    if (phase_.arrivals) {
      timer.emplace(loop_, [this] { on_arrival(); });
      arm_ = [&timer](Instant at) { timer->arm(at); };
      on_arrival();
    } else {
      for (const auto& session : sessions_) fill(*session);
    }
    while (in_progress_ > 0 || !is_over(loop_.clock().now())) loop_.turn(100ms);
  }
  arm_ = {};
  tally_.counters = since(counters(), counters_before);
  tally_.cpu_seconds = thread_cpu_seconds() - cpu_before;
  return std::exchange(tally_, {});
}

Tally Driver::take_second() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(second_, {});
}

bool Driver::is_over(Instant now) const {
  return is_exhausted_ || now >= phase_.end || is_stopped_.load(std::memory_order_relaxed);
}

void Driver::fill(Session& session) {
  while (session.in_progress < options_.pipeline) {
    if (!begin(session, loop_.clock().now())) return;
  }
}

void Driver::on_arrival() {
  const Instant now = loop_.clock().now();
  Arrivals& arrivals = *phase_.arrivals;
  while (arrivals.next() <= now) {
    const Instant meant = arrivals.next();
    arrivals.advance();
    if (is_over(meant)) return;
    if (in_progress_ >= phase_.backlog) {
      if (meant >= phase_.measure_from) ++tally_.unsent;
      continue;
    }
    if (!begin(*sessions_[next_session_++ % sessions_.size()], meant)) return;
    if (meant >= phase_.measure_from) {
      tally_.backlog_most = std::max(tally_.backlog_most, in_progress_);
    }
  }
  arm_(arrivals.next());
}

bool Driver::begin(Session& session, Instant begins) {
  if (is_over(begins)) return false;
  const auto operation = phase_.next(begins);
  if (!operation) {
    is_exhausted_ = true;
    return false;
  }
  ++session.in_progress;
  ++in_progress_;
  perform({.session = &session, .operation = *operation, .begun = begins});
  return true;
}

void Driver::perform(const Flight& flight) {
  const bool is_write =
      flight.operation.kind == Kind::update || flight.operation.kind == Kind::insert;
  if (!is_write) return read(flight);
  write(flight, options_.space->context(flight.operation.record));
}

void Driver::read(const Flight& flight) {
  flight.session->core.get(
      options_.space->key(flight.operation.record), {.r = options_.r},
      [this, flight](Result<client::GetResult> result) { on_read(flight, std::move(result)); });
}

void Driver::write(const Flight& flight, const client::Context& context) {
  flight.session->core.write(
      client::Write::put(options_.space->key(flight.operation.record), phase_.next_value(),
                         context),
      {.w = options_.w},
      [this, flight](const Result<client::PutResult>& result) { on_written(flight, result); });
}

void Driver::on_read(const Flight& flight, Result<client::GetResult> result) {
  if (!result) return failed(flight, result.error());
  switch (flight.operation.kind) {
    case Kind::read_modify_write:
      return write(flight, result->context);
    case Kind::resolve:
      options_.space->set_context(flight.operation.record, result->context);
      break;
    default:
      break;
  }
  answered(flight, !result->is_found());
}

void Driver::on_written(const Flight& flight, const Result<client::PutResult>& result) {
  const bool is_crowded =
      result ? result->siblings > 1 : result.error().code == ErrorCode::too_many_siblings;
  if (flight.operation.kind == Kind::insert) options_.space->on_inserted(flight.operation.record);
  if (result && !is_crowded) options_.space->set_context(flight.operation.record, result->context);
  if (is_crowded) {
    // Concurrent puts of one key: the next one shall replace them all.
    ++flight.session->in_progress;
    ++in_progress_;
    perform({.session = flight.session,
             .operation = {.kind = Kind::resolve, .record = flight.operation.record},
             .begun = loop_.clock().now()});
  }
  if (!result) return failed(flight, result.error());
  answered(flight, false);
}

void Driver::answered(const Flight& flight, bool is_missing) {
  const Instant now = loop_.clock().now();
  const Kind kind = flight.operation.kind;
  const Duration latency = now - flight.begun;
  if (flight.begun >= phase_.measure_from) {
    tally_.tally.add_answer(kind, latency, is_missing);
    tally_.last_answer = now;
  }
  if (now >= phase_.measure_from && now <= phase_.end && kind != Kind::resolve) {
    ++tally_.answered_in_window;
  }
  {
    const std::scoped_lock lock(mutex_);
    second_.add_answer(kind, latency, is_missing);
  }
  end(flight);
}

void Driver::failed(const Flight& flight, const Error& error) {
  const Kind kind = flight.operation.kind;
  if (flight.begun >= phase_.measure_from) tally_.tally.add_failure(kind, error);
  {
    const std::scoped_lock lock(mutex_);
    second_.add_failure(kind, error);
  }
  end(flight);
}

void Driver::end(const Flight& flight) {
  --flight.session->in_progress;
  --in_progress_;
  if (!phase_.arrivals) fill(*flight.session);
}

client::Counters Driver::counters() const {
  client::Counters all;
  for (const auto& session : sessions_) add(all, session->core.counters());
  return all;
}

}  // namespace coterie::bench
