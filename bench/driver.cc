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

constexpr std::size_t arrivals_a_turn = 64;

}  // namespace

void PhaseTally::add(const PhaseTally& other) {
  tally.add(other.tally);
  answered_in_window += other.answered_in_window;
  unsent += other.unsent;
  backlog_most += other.backlog_most;
  last_answer = std::max(last_answer, other.last_answer);
  longest_call = std::max(longest_call, other.longest_call);
  bench::add(counters, other.counters);
  cpu_seconds += other.cpu_seconds;
}

Driver::Driver(const Options& options) : options_(options) {
  for (std::size_t i = 0; i < options.connections; ++i) {
    slots_.push_back(
        {.session = options_.make_session(loop_, *this, options.first_connection + i)});
  }
}

Driver::~Driver() = default;

Result<void> Driver::connect() {
  Result<void> result;
  std::size_t waiting = slots_.size();
  for (const Slot& slot : slots_) {
    slot.session->when_ready([&](const Result<void>& ready) {
      --waiting;
      if (!ready && result) result = ready;
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
      for (std::size_t i = 0; i < slots_.size(); ++i) fill(i);
    }
    while (in_progress_ > 0 || !is_over(loop_.clock().now())) {
      loop_.turn(100ms);
      expire();
    }
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

void Driver::expire() {
  const Instant now = loop_.clock().now();
  if (now - expired_ < 100ms) return;
  expired_ = now;
  bool is_any_alive = false;
  for (const Slot& slot : slots_) {
    slot.session->expire(now);
    is_any_alive = is_any_alive || slot.session->is_alive();
  }
  if (!is_any_alive) is_exhausted_ = true;
}

void Driver::fill(std::size_t slot) {
  while (slots_[slot].in_progress < options_.pipeline) {
    if (!begin(slot, loop_.clock().now())) break;
  }
  slots_[slot].session->flush();
}

void Driver::on_arrival() {
  const Instant now = loop_.clock().now();
  Arrivals& arrivals = *phase_.arrivals;
  // Answers are taken between: a bench that is asked for more than it can do must not starve them.
  for (std::size_t i = 0; i < arrivals_a_turn && arrivals.next() <= now; ++i) {
    const Instant meant = arrivals.next();
    arrivals.advance();
    if (is_over(meant)) return;
    if (in_progress_ >= phase_.backlog || meant + phase_.late_most < now) {
      if (meant >= phase_.measure_from) ++tally_.unsent;
      continue;
    }
    const std::size_t slot = next_slot_++ % slots_.size();
    if (!slots_[slot].session->is_alive()) {
      if (meant >= phase_.measure_from) ++tally_.unsent;
      continue;
    }
    if (!begin(slot, meant)) return;
    slots_[slot].session->flush();
    if (meant >= phase_.measure_from) {
      tally_.backlog_most = std::max(tally_.backlog_most, in_progress_);
    }
  }
  arm_(arrivals.next());
}

bool Driver::begin(std::size_t slot, Instant begins) {
  Session& session = *slots_[slot].session;
  if (is_over(begins) || !session.is_alive()) return false;
  const auto operation = phase_.next(begins);
  if (!operation) {
    is_exhausted_ = true;
    return false;
  }
  ++slots_[slot].in_progress;
  ++in_progress_;
  session.perform({.session = slot,
                   .operation = *operation,
                   .begun = begins,
                   .asked = phase_.arrivals ? loop_.clock().now() : begins});
  return true;
}

void Driver::follow_up(const Flight& flight, Kind kind) {
  ++slots_[flight.session].in_progress;
  ++in_progress_;
  const Instant now = loop_.clock().now();
  slots_[flight.session].session->perform(
      {.session = flight.session,
       .operation = {.kind = kind, .record = flight.operation.record},
       .begun = now,
       .asked = now});
}

void Driver::on_answered(const Flight& flight, bool is_missing) {
  const Instant now = loop_.clock().now();
  note_call(flight, now);
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

void Driver::on_failed(const Flight& flight, const Error& error) {
  const Kind kind = flight.operation.kind;
  const Instant now = loop_.clock().now();
  note_call(flight, now);
  const Duration latency = now - flight.begun;
  if (flight.begun >= phase_.measure_from) tally_.tally.add_failure(kind, latency, error);
  {
    const std::scoped_lock lock(mutex_);
    second_.add_failure(kind, latency, error);
  }
  end(flight);
}

void Driver::note_call(const Flight& flight, Instant now) {
  if (flight.begun < phase_.measure_from) return;
  tally_.longest_call = std::max(tally_.longest_call, now - flight.asked);
}

void Driver::end(const Flight& flight) {
  --slots_[flight.session].in_progress;
  --in_progress_;
  if (!phase_.arrivals) fill(flight.session);
}

client::Counters Driver::counters() const {
  client::Counters all;
  for (const Slot& slot : slots_) add(all, slot.session->counters());
  return all;
}

}  // namespace coterie::bench
