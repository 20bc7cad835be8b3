#include "client/core.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/limits.h"

namespace coterie::client {
namespace {

Error closed_error() {
  return {.code = ErrorCode::closed, .message = "the client was closed"};
}

RequestId draw_request_id(Random& random) {
  RequestId id;
  while (id.is_zero()) id = {.high = random.next(), .low = random.next()};
  return id;
}

}  // namespace

ClientCore::ClientCore(const Environment& environment, Options options, std::vector<Address> seeds,
                       Random random)
    : env_(environment),
      options_(std::move(options)),
      random_(random.fork()),
      budget_(options_.retry.budget_ratio, options_.retry.budget_burst),
      source_({.clock = env_.clock, .timers = env_.timers, .counters = counters_}, std::move(seeds),
              options_.ring_refresh, random.fork(),
              {.on_ring = [this](const Ring& before) { on_ring(before); },
               .on_unreachable = [this](const Error& why) { on_unreachable(why); }}),
      links_({.clock = env_.clock, .timers = env_.timers, .counters = counters_, .user = *this},
             random.fork()) {}

ClientCore::~ClientCore() {
  close();
}

void ClientCore::attach(Transport& transport) {
  links_.attach(transport);
  source_.attach(transport);
}

void ClientCore::close() {
  if (std::exchange(is_closed_, true)) return;
  env_.timers.cancel(wake_);
  source_.stop();
  links_.stop();
  std::vector<CallId> ids = calls_.ids();
  std::ranges::sort(ids);
  for (const auto id : ids) {
    Call& call = *calls_.find(id);
    ++counters_.failed;
    if (call.is_write()) ++counters_.in_doubt;
    fail_with(take_out(call), closed_error());
  }
  auto ready = std::exchange(ready_, {});
  for (auto& done : ready) done(std::unexpected(closed_error()));
  auto idle = std::exchange(idle_, {});
  for (auto& done : idle) done();
}

void ClientCore::get(Key key, const GetOptions& options, Callback<GetResult> done) {
  if (options.resolver) done = resolving(key, options, std::move(done));
  start(
      GetCall{
          .key = std::move(key), .r = options.r, .sloppy = options.sloppy, .done = std::move(done)},
      options.deadline);
}

Callback<GetResult> ClientCore::resolving(const Key& key, const GetOptions& options,
                                          Callback<GetResult> done) {
  const Instant ends = env_.clock.now() + options.deadline.value_or(options_.deadline);
  return [this, key = Key(key), ends, resolver = options.resolver,
          done = std::move(done)](Result<GetResult> read) mutable {
    if (!read || read->siblings.size() < 2) return done(std::move(read));
    ++counters_.resolved;
    auto merged = resolver(read->siblings);
    read->siblings.clear();
    if (merged) read->siblings.push_back({.value = *merged});
    Write back = merged ? Write::put(std::move(key), std::move(*merged), read->context)
                        : Write::remove(std::move(key), read->context);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(ends - env_.clock.now());
    const PutOptions put{.deadline = std::max(left, std::chrono::milliseconds(1))};
    write(std::move(back), put,
          [read = std::move(*read), done = std::move(done)](Result<PutResult> written) mutable {
            // Not written back, the merged value is still what this read says; the next one merges
            // again.
            if (written) read.context = std::move(written->context);
            done(std::move(read));
          });
  };
}

void ClientCore::write(Write write, const PutOptions& options, Callback<PutResult> done) {
  const auto time_to_live = std::max(options.time_to_live, std::chrono::milliseconds(0));
  start(WriteCall{.write = std::move(write),
                  .id = draw_request_id(random_),
                  .w = options.w,
                  .durability = options.durability,
                  .sloppy = options.sloppy,
                  .time_to_live_ms = static_cast<std::uint64_t>(time_to_live.count()),
                  .done = std::move(done)},
        options.deadline);
}

void ClientCore::scan(Range range, const Cursor& cursor, const ScanOptions& options,
                      Callback<ScanPage> done) {
  auto place = decode_place(cursor);
  ScanCall call{.range = std::move(range),
                .partition = PartitionId{0},
                .cursor = {},
                .page_records = options.page_records,
                .r = options.r,
                .done = std::move(done)};
  if (call.range.partition) call.partition = *call.range.partition;
  if (!cursor.bytes.empty() && place) {
    if (call.range.partition && place->partition != call.partition) {
      place = fail(ErrorCode::invalid_argument, "the cursor is of a scan of another partition");
    } else {
      call.partition = place->partition;
      call.cursor = std::move(place->cursor);
    }
  }
  start(std::move(call), options.deadline, place ? Result<void>() : std::unexpected(place.error()));
}

void ClientCore::when_ready(Callback<std::shared_ptr<const Epoch>> done) {
  if (is_closed_) return done(std::unexpected(closed_error()));
  ready_.push_back(std::move(done));
  wake();
}

void ClientCore::when_idle(std::move_only_function<void()> done) {
  idle_.push_back(std::move(done));
  wake();
}

void ClientCore::start(Call::Request request, std::optional<std::chrono::milliseconds> deadline,
                       const Result<void>& checked) {
  ++counters_.calls;
  if (is_closed_) {
    ++counters_.failed;
    return fail_with(std::move(request), closed_error());
  }
  budget_.on_call();
  const auto time = deadline.value_or(options_.deadline);
  const auto accepted = checked ? accept(request, time) : checked;
  const Instant now = env_.clock.now();
  Call& call = calls_.add();
  call.bytes = bytes_of(request);
  call.request = std::move(request);
  call.deadline = now + time;
  bytes_ += call.bytes;
  if (!accepted) {
    call.is_refused = true;
    call.last_error = accepted.error();
    arm(call, now);
    return;
  }
  const bool is_read = !call.is_write();
  arm(call, is_read ? std::min(call.deadline, now + options_.retry.read_attempt) : call.deadline);
  queue_.push_back(call.id);
  wake();
}

Result<void> ClientCore::accept(const Call::Request& request, std::chrono::milliseconds time) {
  if (time <= std::chrono::milliseconds(0) || time > limits::request_deadline_most) {
    return fail(
        ErrorCode::invalid_argument,
        "a deadline lies between 1 and " +
            std::to_string(std::chrono::milliseconds(limits::request_deadline_most).count()) +
            " ms");
  }
  if (calls_.size() >= limits::client_calls || bytes_ >= limits::client_bytes) {
    return fail(ErrorCode::overloaded,
                "too many calls are in progress in this client; wait for some to end");
  }
  return validate(request);
}

/// Calls begin in the next turn, or at the end of the event that is being served.
void ClientCore::wake() {
  if (events_ > 0 || is_waking_) return;
  is_waking_ = true;
  wake_ = env_.timers.start(Duration::zero(), [this] {
    is_waking_ = false;
    const Event event(*this);
  });
}

void ClientCore::settle() {
  if (is_closed_) return;
  if (source_.is_known()) {
    auto ready = std::exchange(ready_, {});
    for (auto& done : ready) done(source_.ring().epoch);
    while (!queue_.empty() && started_ < options_.in_flight) {
      const CallId id = queue_.front();
      queue_.pop_front();
      Call* call = find(id);
      if (call == nullptr) continue;
      call->is_started = true;
      ++started_;
      route(*call);
    }
  }
  links_.pump();
  if (!calls_.empty() || idle_.empty()) return;
  auto idle = std::exchange(idle_, {});
  for (auto& done : idle) done();
}

void ClientCore::on_ring(const Ring& /*before*/) {
  const Event event(*this);
  links_.set_ring(source_.ring());
}

void ClientCore::on_unreachable(const Error& why) {
  if (source_.is_known()) return;  // what is known still serves
  const Event event(*this);
  auto ready = std::exchange(ready_, {});
  for (auto& done : ready) done(std::unexpected(why));
  const auto queue = std::exchange(queue_, {});
  for (const auto id : queue) {
    if (Call* call = find(id)) finish(*call, why);
  }
}

void ClientCore::arm(Call& call, Instant at) {
  // A timer that fires early looks again.
  if (call.timer.value != 0 && call.timer_at <= at) return;
  env_.timers.cancel(call.timer);
  call.timer_at = at;
  call.timer = env_.timers.start(std::max(Duration::zero(), at - env_.clock.now()),
                                 [this, id = call.id] { on_timer(id); });
}

void ClientCore::on_timer(CallId id) {
  const Event event(*this);
  Call& call = *calls_.find(id);
  call.timer = {};
  const Instant now = env_.clock.now();
  if (call.is_refused) return finish(call, *call.last_error);
  if (now >= call.deadline) return expire(call);
  const bool has_step = call.state == Call::State::pausing || call.state == Call::State::sent;
  if (!has_step || now < call.next_step) {
    return arm(call, has_step ? std::min(call.next_step, call.deadline) : call.deadline);
  }
  arm(call, call.deadline);
  if (call.state == Call::State::sent) {
    on_silence(call);
  } else if (call.is_in_doubt) {
    wait_for(call, call.target);
  } else {
    route(call);
  }
}

void ClientCore::expire(Call& call) {
  ++counters_.deadlines_passed;
  if (call.is_write() && call.state == Call::State::sent) call.is_in_doubt = true;
  std::string message = "no answer within the deadline";
  if (call.last_error) message += "; before that: " + reason(call).message;
  const bool was_unreachable = call.asked.empty() && call.last_error;
  finish(call, {.code = was_unreachable ? ErrorCode::unavailable : ErrorCode::expired,
                .message = std::move(message)});
}

void ClientCore::finish(Call& call, Error error) {
  ++counters_.failed;
  if (call.is_in_doubt) {
    ++counters_.in_doubt;
    error = {.code = ErrorCode::unknown_outcome,
             .message = "it is not known whether the write was executed (" + error.message +
                        "); read the key before writing it again"};
  } else if (error.code == ErrorCode::io || error.code == ErrorCode::closed ||
             error.code == ErrorCode::unknown_outcome) {
    // Of tries that had no effect: what matters is that nobody could be asked.
    error.code = ErrorCode::unavailable;
  }
  fail_with(take_out(call), std::move(error));
}

Call::Request ClientCore::take_out(Call& call) {
  env_.timers.cancel(call.timer);
  if (call.state == Call::State::waiting) links_.withdraw(call.target, call.id);
  bytes_ -= call.bytes;
  if (call.is_started) --started_;
  Call::Request request = std::move(call.request);
  calls_.erase(call.id);
  return request;
}

void ClientCore::on_open(ConnectionId connection, const wire::Hello& theirs) {
  const Event event(*this);
  if (source_.on_open(connection) || !links_.owns(connection)) return;
  links_.on_open(connection, theirs);
}

void ClientCore::on_frame(ConnectionId connection, const wire::FrameHeader& header,
                          BytesView body) {
  const Event event(*this);
  if (source_.on_frame(connection, header, body) || !links_.owns(connection)) return;
  if (header.kind == wire::Kind::go_away) {
    const auto message = wire::decode<wire::GoAway>(body);
    links_.on_go_away(connection, message ? message->retry_after_ms : 0);
    return;
  }
  if (const auto sent = links_.on_reply(connection, header.request_id)) {
    on_reply(*sent, header, body);
  } else {
    ++counters_.replies_late;
  }
}

void ClientCore::on_closed(ConnectionId connection, const Error& why) {
  const Event event(*this);
  if (!source_.on_closed(connection, why)) links_.on_closed(connection, why);
}

}  // namespace coterie::client
