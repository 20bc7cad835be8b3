// The replay of hints that hold records: each goes once enough owners hold its record.

#include <algorithm>
#include <utility>

#include "node/transfer/handoff.h"
#include "storage/record.h"

namespace coterie::transfer {

void Handoff::send_record(NodeId target, Stream& stream, const Bytes& hint) {
  const auto parts = *decode_hint_key(hint);
  const auto refuse = [&](std::string why) {
    stream.refused.insert(parts.partition);
    stream.has_failed = true;
    stream.why = std::move(why);
  };
  auto value = env_.records.get(hint);
  if (!value) return refuse("this node's hint: " + value.error().message);
  if (value->empty()) return;
  const auto kept = decode_record_hint(*value);
  const auto readable = kept ? peek_digest(parts.key, kept->record) : std::unexpected(kept.error());
  if (!readable) {
    if (readable.error().code == ErrorCode::corrupt) return drop_damaged(hint);
    return refuse("this node's hint: " + readable.error().message);
  }
  // Its hints are about to be another owner's.
  if (!epoch_->holds(target, parts.partition)) return refuse("it owns the partition no more");
  const std::size_t bytes = parts.key.size() + kept->record.size() + frame_overhead_bytes;
  if (bytes + frame_overhead_most > limits::frame_bytes) {
    return refuse("a record is too large to send");
  }
  Stream::InFlight sent{.bytes = bytes,
                        .value = *value,
                        .configuration = epoch_->configuration(parts.partition),
                        .asked = {},
                        .held_by = {}};
  const std::size_t away =
      lacking(parts.partition, kept->owners, owners_ready(target, parts.partition));
  if (stream.is_detour && away > 0) {
    return refuse("the target and " + std::to_string(away) +
                  " other owners that must hold a record are away");
  }
  const bool was_sent =
      stream.is_detour ? send_on(target, hint, sent) : send_to(target, target, hint, sent);
  if (!was_sent) {
    stream.queue.push_front(hint);
    stream.why = "the target cannot be sent to";
    return back_off(stream, env_.clock.now());
  }
  stream.bytes_in_flight += bytes;
  stream.in_flight.emplace(hint, std::move(sent));
}

bool Handoff::send_to(NodeId owner, NodeId target, const Bytes& hint,
                      HandoffStream::InFlight& sent) {
  const auto parts = *decode_hint_key(hint);
  const auto kept = *decode_record_hint(sent.value);
  sent.asked.push_back(owner);
  const bool was_sent = env_.port.send(
      owner,
      {.scope = {.partition = parts.partition,
                 .configuration = epoch_->configuration(parts.partition),
                 .generation = kept.generation},
       .key = parts.key,
       .record = kept.record},
      limits::handoff_patience, [this, target, hint, owner](const Result<void>& answer) {
        on_record_answer(target, hint, owner, answer);
      });
  if (was_sent) charge(env_.clock.now(), sent.bytes);
  return was_sent;
}

/// Of the partition's owners, old and new, without the target.
std::vector<NodeId> Handoff::owners_ready(NodeId target, PartitionId partition) const {
  auto owners = epoch_->holders(partition);
  std::erase_if(owners, [&](NodeId owner) {
    return owner == target || owner == options_.self ||
           env_.port.reach(owner) != HandoffPort::Reach::ready;
  });
  return owners;
}

/// How many more owners must hold a record, besides these, until W of each group do. This node does
/// not count, should it have become an owner: what it has is the hint.
std::size_t Handoff::lacking(PartitionId partition, std::uint32_t w,
                             const std::vector<NodeId>& held_by) const {
  const auto lacking_of = [&](std::span<const NodeId> group) {
    const auto others =
        group.size() - static_cast<std::size_t>(std::ranges::count(group, options_.self));
    const auto holders = static_cast<std::size_t>(std::ranges::count_if(
        group, [&](NodeId owner) { return std::ranges::count(held_by, owner) != 0; }));
    const auto enough = std::min<std::size_t>(w, others);
    return enough - std::min(enough, holders);
  };
  const auto configuration = epoch_->at(partition);
  return std::max(lacking_of(configuration.old_owners), lacking_of(configuration.new_owners));
}

/// Sends it to the next owner that can be reached; false: there is none.
bool Handoff::send_on(NodeId target, const Bytes& hint, HandoffStream::InFlight& sent) {
  for (const auto owner : epoch_->holders(decode_hint_key(hint)->partition)) {
    if (std::ranges::find(sent.asked, owner) != sent.asked.end()) continue;
    if (owner == options_.self || env_.port.reach(owner) != HandoffPort::Reach::ready) continue;
    if (send_to(owner, target, hint, sent)) return true;
  }
  return false;
}

void Handoff::on_record_answer(NodeId target, const Bytes& hint, NodeId owner,
                               const Result<void>& answer) {
  const auto at = streams_.find(target);
  if (at == streams_.end()) return;
  Stream& stream = at->second;
  const auto found = stream.in_flight.find(hint);
  if (found == stream.in_flight.end()) return;
  auto& sent = found->second;
  const Instant now = env_.clock.now();
  const auto kept = *decode_record_hint(sent.value);
  const PartitionId partition = decode_hint_key(hint)->partition;
  if (answer) {
    stream.failures = 0;
    sent.held_by.push_back(owner);
    const auto away = lacking(partition, kept.owners, sent.held_by);
    if (sent.configuration != epoch_->configuration(partition)) {
      // Who was asked is not who must hold it any more: from the first again.
      stream.has_failed = true;
      settle_record(stream, hint, false);
    } else if (away == 0) {
      settle_record(stream, hint, true);
    } else if (!send_on(target, hint, sent)) {
      stream.why = "only " + std::to_string(sent.held_by.size()) + " of the " +
                   std::to_string(sent.held_by.size() + away) +
                   " owners that must hold a record can be reached";
      stream.has_failed = true;
      settle_record(stream, hint, false);
    }
    return replay(target, stream, now);
  }
  ++counts_.failures;
  stream.why = answer.error().message;
  const bool is_outdated = answer.error().code == ErrorCode::stale_configuration &&
                           answer.error().generation > kept.generation.value;
  if (is_outdated) {
    // The purge came to its end only after this node had said that it keeps no hints: enough owners
    // held this one then. It came back with an old copy of this node's data.
    settle_record(stream, hint, false);
    env_.records.erase(hint, RecordHints::Why::outdated);
  } else if (owner != target && send_on(target, hint, sent)) {
    return;
  } else {
    stream.has_failed = true;
    if (owner == target && concerns_partition(answer.error().code)) {
      stream.refused.insert(partition);
    } else if (now >= stream.retry_at) {
      back_off(stream, now);
    }
    settle_record(stream, hint, false);
  }
  replay(target, stream, now);
}

/// It is on its way no more. What was merged into it since is still to go.
void Handoff::settle_record(Stream& stream, const Bytes& hint, bool is_held) {
  const auto sent = stream.in_flight.extract(hint);
  stream.bytes_in_flight -= sent.mapped().bytes;
  if (!is_held) return;
  stream.record_rate.count(env_.clock.now(), sent.mapped().bytes);
  ++stream.replayed;
  ++counts_.replayed;
  counts_.replayed_bytes += sent.mapped().bytes;
  const auto now_kept = env_.records.get(hint);
  if (now_kept && *now_kept == sent.mapped().value) {
    env_.records.erase(hint, RecordHints::Why::held);
  }
}

void Handoff::drop_damaged(const Bytes& hint) {
  env_.log.error("handoff", "a hint that held a write for node " +
                                short_name(decode_hint_key(hint)->target) +
                                " is damaged: one copy of the write is lost");
  env_.records.erase(hint, RecordHints::Why::damaged);
}

}  // namespace coterie::transfer
