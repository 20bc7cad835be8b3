#include <algorithm>
#include <utility>

#include "node/transfer/handoff.h"

namespace coterie::transfer {
namespace {

constexpr std::size_t page_hints = 256;
/// Hints looked at in one turn of the loop, sent or not.
constexpr std::size_t hints_a_turn = 256;
/// While clients wait the window is so much less.
constexpr std::size_t yield_factor = 8;
/// Between two passes over the hints of a target.
constexpr auto pass_wait = std::chrono::milliseconds(20);
/// Until an unreachable target is tried again.
constexpr auto reach_wait = std::chrono::milliseconds(200);

}  // namespace

void Handoff::replay(NodeId target, Stream& stream, Instant now) {
  if (is_blocked(target, stream, now)) return;
  const std::size_t window = std::max<std::size_t>(
      1, env_.port.is_busy() ? options_.window / yield_factor : options_.window);
  for (std::size_t step = 0; stream.in_flight.size() < window; ++step) {
    if (stream.bytes_in_flight >= limits::handoff_window_bytes) return;
    if (step == hints_a_turn) return wake_at(now);
    if (const Instant ready = throttle_.ready(now); ready > now) return wake_at(ready);
    if (stream.queue.empty() && !fill(target, stream)) return end_pass(target, stream, now);
    send_next(target, stream, now);
    if (stream.retry_at > now) return wake_at(stream.retry_at);
  }
}

/// Hints that hold records do not wait for their target if enough other owners can be reached.
bool Handoff::is_blocked(NodeId target, Stream& stream, Instant now) {
  if (is_paused_ || epoch_ == nullptr) return true;
  const auto reach = env_.port.reach(target);
  const bool is_ready = reach == HandoffPort::Reach::ready;
  if (is_ready == stream.is_detour && stream.in_flight.empty()) {
    // Once it is back nothing speaks for waiting.
    stream.is_detour = !is_ready;
    stream.retry_at = now;
    stream.failures = 0;
    begin_pass(stream);
  }
  if (!is_ready && !env_.records.targets().contains(target)) {
    if (reach == HandoffPort::Reach::unreachable) wake_at(now + reach_wait);
    return true;
  }
  // The last answer goes on.
  if (is_ready == stream.is_detour) return true;
  if (now >= stream.retry_at) return false;
  wake_at(stream.retry_at);
  return true;
}

void Handoff::begin_pass(Stream& stream) {
  stream.kind = HintKind::record;
  stream.queue.clear();
  stream.cursor.clear();
  stream.refused.clear();
}

/// The next hints of the pass; false: there are none.
bool Handoff::fill(NodeId target, Stream& stream) {
  for (;;) {
    const bool is_strict = stream.kind == HintKind::strict;
    const auto page = is_strict ? book_.page(target, stream.cursor, page_hints)
                                : env_.records.page(target, stream.cursor, page_hints);
    if (!page) return false;
    if (page->empty()) {
      if (is_strict || stream.is_detour) return false;
      stream.kind = HintKind::strict;
      stream.cursor.clear();
      continue;
    }
    for (const auto& hint : *page) {
      const PartitionId partition = decode_hint_key(hint)->partition;
      if (stream.refused.contains(partition) ||
          (is_strict && book_.is_dropping(target, partition))) {
        stream.cursor = hints_of(stream.kind, target, partition).to;
        break;
      }
      stream.cursor = hint + '\0';
      if (!stream.in_flight.contains(hint)) stream.queue.push_back(hint);
    }
    if (!stream.queue.empty()) return true;
  }
}

void Handoff::end_pass(NodeId target, Stream& stream, Instant now) {
  if (!stream.in_flight.empty()) return;  // the last answer goes on
  begin_pass(stream);
  const bool has_failed = std::exchange(stream.has_failed, false);
  if (!has_hints(target)) return;
  if (has_failed) return back_off(stream, now);
  wake_at(now + pass_wait);
  stream.retry_at = now + pass_wait;
}

void Handoff::send_next(NodeId target, Stream& stream, Instant now) {
  const Bytes hint = std::move(stream.queue.front());
  stream.queue.pop_front();
  const auto parts = *decode_hint_key(hint);
  if (stream.refused.contains(parts.partition)) return;
  if (parts.kind == HintKind::record) return send_record(target, stream, hint);
  const auto refuse = [&](std::string why) {
    stream.refused.insert(parts.partition);
    stream.has_failed = true;
    stream.why = std::move(why);
  };
  const bool is_owners =
      epoch_->holds(target, parts.partition) && epoch_->holds(options_.self, parts.partition);
  const auto current =
      is_owners ? env_.port.current(parts.partition, parts.key) : Result<HandoffPort::Current>();
  if (!current) return refuse("this node's copy: " + current.error().message);
  if (current->record.empty()) {
    ++counts_.forgotten;
    return erase(hint);
  }
  const std::size_t bytes = parts.key.size() + current->record.size() + frame_overhead_bytes;
  if (bytes + frame_overhead_most > limits::frame_bytes)
    return refuse("a record is too large to send");
  const bool was_sent = env_.port.send(
      target, {.scope = current->scope, .key = parts.key, .record = current->record},
      limits::handoff_patience,
      [this, target, hint](const Result<void>& answer) { on_answer(target, hint, answer); });
  if (!was_sent) {
    stream.queue.push_front(hint);
    stream.why = "the target cannot be sent to";
    return back_off(stream, now);
  }
  charge(now, bytes);
  stream.in_flight.emplace(
      hint, Stream::InFlight{.bytes = bytes, .value = {}, .asked = {}, .held_by = {}});
  stream.bytes_in_flight += bytes;
#ifdef COTERIE_PLANT_DROP_HINT  // defined only where a test must see it
  erase(hint);
#endif
}

void Handoff::on_answer(NodeId target, const Bytes& hint, const Result<void>& answer) {
  const auto at = streams_.find(target);
  if (at == streams_.end()) return;
  Stream& stream = at->second;
  const auto sent = stream.in_flight.extract(hint);
  if (sent.empty()) return;
  stream.bytes_in_flight -= sent.mapped().bytes;
  const Instant now = env_.clock.now();
  if (answer) {
    stream.failures = 0;
    stream.rate.count(now, sent.mapped().bytes);
    ++stream.replayed;
    ++counts_.replayed;
    counts_.replayed_bytes += sent.mapped().bytes;
    // What was missed since is told by the same hint.
    if (!sent.mapped().is_needed_again) erase(hint);
  } else {
    ++counts_.failures;
    stream.why = answer.error().message;
    stream.has_failed = true;
    if (concerns_partition(answer.error().code)) {
      stream.refused.insert(decode_hint_key(hint)->partition);
    } else if (now >= stream.retry_at) {
      back_off(stream, now);
    }
  }
  replay(target, stream, now);
}

void Handoff::back_off(Stream& stream, Instant now) {
  const auto doubled = limits::handoff_back_off_least * (1U << std::min(stream.failures, 8U));
  const Duration most = std::min<Duration>(doubled, limits::handoff_back_off_most);
  ++stream.failures;
  const auto half = static_cast<std::uint64_t>(most.count() / 2);
  stream.retry_at = now + Duration{static_cast<std::int64_t>(half + random_.below(half))};
  wake_at(stream.retry_at);
}

void Handoff::erase(const Bytes& hint) {
  const auto parts = *decode_hint_key(hint);
  book_.erase(parts.target, parts.partition, parts.key);
}

}  // namespace coterie::transfer
