#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "base/limits.h"
#include "client/backoff.h"
#include "client/core.h"

namespace coterie::client {
namespace {

using namespace std::chrono_literals;

/// What the node is told lies so far before the deadline, so that its own answer can still come.
constexpr std::chrono::milliseconds answer_margin_most = 100ms;

std::uint32_t wire_deadline_ms(Duration left) {
  const auto left_ms = std::chrono::duration_cast<std::chrono::milliseconds>(left);
  const auto margin = std::min(left_ms / 10, answer_margin_most);
  return static_cast<std::uint32_t>(std::max<std::int64_t>(1, (left_ms - margin).count()));
}

Error unknown_bucket(const std::string& name, const Epoch& epoch) {
  std::string known;
  for (const auto& bucket : epoch.buckets()) known += (known.empty() ? "" : ", ") + bucket.name;
  return {.code = ErrorCode::unknown_bucket,
          .message = "there is no bucket \"" + name + "\"; the cluster has: " + known};
}

}  // namespace

void ClientCore::route(Call& call) {
  const Epoch& epoch = *source_.ring().epoch;
  ++call.tries;
  const std::string& name = bucket_of(call.request);
  const auto* bucket = epoch.bucket(name);
  // It may have been created since.
  if (bucket == nullptr) return on_failure(call, unknown_bucket(name, epoch), false);
  const PartitionId partition = partition_of(call.request, epoch, bucket->id);
  if (partition.value >= epoch.partitions()) {
    return finish(call, {.code = ErrorCode::invalid_argument,
                         .message = "the bucket has partitions 0 to " +
                                    std::to_string(epoch.partitions() - 1)});
  }
  if (const auto target = choose(call, *bucket, partition)) return wait_for(call, *target);
  source_.refresh();
  on_failure(call,
             {.code = ErrorCode::unavailable, .message = "no owner's address is known to the ring"},
             false);
}

/// The living before the doubtful before the dead; among those, whom this call has not asked; among
/// those, who has least to do; among those, one drawn. Where nothing speaks for any owner, and
/// fallbacks may stand in, the first of those for whom something does.
std::optional<Target> ClientCore::choose(const Call& call, const Bucket& bucket,
                                         PartitionId partition) {
  const Ring& ring = source_.ring();
  const Instant now = env_.clock.now();
  const auto owners = ring.epoch->owners(partition);
  std::optional<Target> best;
  std::tuple<int, bool, std::size_t> best_rank;
  const std::size_t first = random_.below(owners.size());
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const NodeId owner = owners[(first + i) % owners.size()];
    const auto target = ring.target(owner, partition);
    if (!target) continue;
    const auto prospect = links_.prospect(*target, now);
    const int doubt = standing_.doubt(owner, ring.node(owner)->liveness, prospect.is_usable, now);
    const bool was_asked = std::ranges::find(call.asked, owner) != call.asked.end();
    const std::tuple rank{doubt, was_asked, prospect.load};
    if (best && rank >= best_rank) continue;
    best = target;
    best_rank = rank;
  }
  const bool is_hopeless = !best || std::get<0>(best_rank) == Standing::doubt_most;
  if (!is_hopeless || !bucket.sloppy) return best;
  for (const NodeId node : ring.epoch->preference_list(partition, 2 * owners.size())) {
    const auto target = ring.target(node, partition);
    if (!target || std::ranges::find(owners, node) != owners.end()) continue;
    const int doubt = standing_.doubt(node, ring.node(node)->liveness,
                                      links_.prospect(*target, now).is_usable, now);
    if (doubt < Standing::doubt_most) return target;
  }
  return best;
}

void ClientCore::wait_for(Call& call, const Target& target) {
  call.state = Call::State::waiting;
  call.target = target;
  links_.enqueue(target, call.id);
}

std::optional<Bytes> ClientCore::next_frame(CallId id, TryId try_id, RunId run) {
  Call* call = find(id);
  if (call == nullptr || call->state != Call::State::waiting) return std::nullopt;
  call->state = Call::State::pausing;  // it waits for the link no more, whatever follows
  const Instant now = env_.clock.now();
  const Epoch& epoch = *source_.ring().epoch;
  if (call->is_in_doubt && (run != call->run || epoch.number() != call->epoch)) {
    finish(*call, {.code = ErrorCode::unknown_outcome,
                   .message = "the node that was asked has restarted or the ring has changed"});
    return std::nullopt;
  }
  if (now >= call->deadline) {
    expire(*call);
    return std::nullopt;
  }
  const auto* bucket = epoch.bucket(bucket_of(call->request));
  if (bucket == nullptr) {
    finish(*call, unknown_bucket(bucket_of(call->request), epoch));
    return std::nullopt;
  }
  call->state = Call::State::sent;
  call->current = try_id;
  call->run = run;
  call->epoch = epoch.number();
  call->asked.push_back(call->target.node);
  call->next_step = call->is_write() ? call->deadline
                                     : std::min(call->deadline, now + options_.retry.read_attempt);
  arm(*call, call->next_step);
  ++counters_.tries;
  return encode(
      call->request, bucket->id,
      {.request_id = try_id.value, .deadline_ms = wire_deadline_ms(call->deadline - now)});
}

void ClientCore::on_not_sent(CallId id, const Error& why) {
  Call* call = find(id);
  if (call == nullptr || call->state != Call::State::waiting) return;
  call->state = Call::State::pausing;
  on_failure(*call, why, false);
}

void ClientCore::on_lost(CallId id, TryId try_id, const Error& why) {
  Call* call = find(id);
  if (call == nullptr || call->state != Call::State::sent || call->current != try_id) return;
  on_failure(*call, {.code = ErrorCode::closed, .message = why.message}, true);
}

void ClientCore::on_reply(const Links::Sent& sent, const wire::FrameHeader& header,
                          BytesView body) {
  Call* call = find(sent.call);
  if (call == nullptr || call->state != Call::State::sent || call->current != sent.id) {
    ++counters_.replies_late;
    return;
  }
  if (header.kind == wire::Kind::error) {
    if (const auto error = wire::decode<wire::ErrorReply>(body)) {
      return on_failure(*call,
                        {.code = error->code,
                         .message = std::string(error->message),
                         .retry_after_ms = error->retry_after_ms},
                        true);
    }
  } else if (auto reply =
                 read_reply(call->request, header.kind, body, source_.ring().epoch->partitions())) {
    ++counters_.succeeded;
    standing_.on_answer(sent.target.node, env_.clock.now());
    links_.on_done(sent.target);
    return succeed(take_out(*call), std::move(*reply));
  }
  ++counters_.replies_malformed;
  on_failure(*call, {.code = ErrorCode::io, .message = "the node's answer cannot be read"}, true);
}

void ClientCore::on_failure(Call& call, Error error, bool was_sent) {
  if (was_sent) standing_.on_failure(call.target.node, error.code, env_.clock.now());
  if (was_sent && error.code == ErrorCode::overloaded) {
    links_.on_refusal(call.target, std::chrono::milliseconds(error.retry_after_ms));
  }
  const TryFailure failure{.code = error.code, .was_sent = was_sent};
  NextTry next = next_try(call.is_write(), call.is_in_doubt, failure);
  // A fallback may pass the second try on to an owner, which would not know it again.
  if (next == NextTry::same_node && !is_owner(call)) next = NextTry::none;
  if (call.is_write() && leaves_in_doubt(failure)) call.is_in_doubt = true;
  if (error.code == ErrorCode::not_owner || error.code == ErrorCode::stale_configuration ||
      error.code == ErrorCode::unknown_bucket) {
    source_.refresh();
  }
  call.was_last_sent = was_sent;
  if (was_sent) call.last_sent_error = error;
  call.last_error = std::move(error);
  if (next == NextTry::none) return finish(call, reason(call));
  try_again(call, next, was_sent);
}

/// What a node answered says more than that another could not be asked after it.
Error ClientCore::reason(const Call& call) {
  if (call.was_last_sent || !call.last_sent_error) return *call.last_error;
  Error told = *call.last_sent_error;
  told.message += " (tried again elsewhere: " + call.last_error->message + ")";
  return told;
}

bool ClientCore::is_owner(const Call& call) const {
  const Epoch& epoch = *source_.ring().epoch;
  const auto* bucket = epoch.bucket(bucket_of(call.request));
  return bucket != nullptr &&
         epoch.owns(call.target.node, partition_of(call.request, epoch, bucket->id));
}

void ClientCore::try_again(Call& call, NextTry where, bool was_sent) {
  const auto pause = next_pause(call, was_sent);
  if (!pause) return finish(call, reason(call));
  if (was_sent) ++counters_.retries;
  if (where == NextTry::same_node) ++call.tries;  // route() counts the others
  try_after(call, *pause);
}

void ClientCore::try_after(Call& call, Duration pause) {
  if (pause == Duration::zero()) return route(call);
  call.state = Call::State::pausing;
  call.next_step = env_.clock.now() + pause;
  arm(call, call.next_step);
}

/// A read has no answer yet. Where it may not be tried again the answer is waited for: it may only
/// be late.
void ClientCore::on_silence(Call& call) {
  call.last_error = Error{.code = ErrorCode::io, .message = "the node did not answer in time"};
  call.last_sent_error = call.last_error;
  call.was_last_sent = true;
  standing_.on_failure(call.target.node, call.last_error->code, env_.clock.now());
  const auto pause = next_pause(call, true);
  if (!pause) {
    call.next_step = call.deadline;
    return;
  }
  ++counters_.retries;
  try_after(call, *pause);
}

/// Nothing where the call may not be tried again.
std::optional<Duration> ClientCore::next_pause(const Call& call, bool was_sent) {
  if (call.tries >= options_.retry.attempts) return std::nullopt;
  const Duration pause = pause_before(call, was_sent);
  // A try that could not be answered any more is not made.
  if (env_.clock.now() + pause >= call.deadline) return std::nullopt;
  // What is refused for too much to do is paced by the link's window.
  const bool has_price = was_sent && call.last_error->code != ErrorCode::overloaded;
  if (has_price && !budget_.take()) {
    ++counters_.retries_denied;
    return std::nullopt;
  }
  return pause;
}

/// A lost connection says nothing against the other owners: they are asked at once.
Duration ClientCore::pause_before(const Call& call, bool was_sent) {
  const bool is_link_lost = !was_sent || call.last_error->code == ErrorCode::closed;
  if (call.tries == 1 && is_link_lost && !call.is_in_doubt) return Duration::zero();
  const Backoff backoff{.least = options_.retry.backoff_least, .most = options_.retry.backoff_most};
  return std::max<Duration>(backoff.pause(std::max(call.tries, 1U), random_),
                            std::chrono::milliseconds(call.last_error->retry_after_ms));
}

}  // namespace coterie::client
