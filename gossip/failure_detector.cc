#include "gossip/failure_detector.h"

#include <algorithm>
#include <vector>

namespace coterie::gossip {

namespace {

constexpr std::size_t errands_most = 256;
constexpr std::size_t suspects_asked_most = 32;  // in one gossip interval
constexpr std::size_t newcomers_asked_most = 8;  // in one call

}  // namespace

FailureDetector::FailureDetector(Instant now, Core& core, Claims& claims, Sender& sender)
    : core_(core),
      claims_(claims),
      sender_(sender),
      next_sequence_(static_cast<std::uint32_t>(core.random.next())) {
  start_over(now);
}

void FailureDetector::start_over(Instant now) {
  probe_.reset();
  errands_.clear();
  // Members that start, or wake, together do not probe in step.
  const auto interval = static_cast<std::uint64_t>(core_.settings.probe_interval.count());
  next_probe_ = now + Duration(core_.random.below(std::max<std::uint64_t>(interval, 1)));
}

Instant FailureDetector::next_due() const {
  Instant due = next_probe_;
  if (probe_ && !probe_->acked && !probe_->indirect) due = std::min(due, probe_->indirect_at);
  for (const auto& [sequence, errand] : errands_) {
    due = std::min(due, errand.nacked ? errand.end : errand.nack_at);
  }
  return due;
}

void FailureDetector::on_timer(Instant now, Outbox& out) {
  send_nacks(now, out);
  if (probe_ && !probe_->acked && !probe_->indirect && probe_->indirect_at <= now)
    ask_others(now, out);
  if (next_probe_ > now) return;
  conclude(now, out);
  begin(now, out);
}

void FailureDetector::begin(Instant now, Outbox& out) {
  const std::uint32_t multiplier = core_.health.multiplier();
  next_probe_ = now + core_.settings.probe_interval * multiplier;
  if (core_.leaving) return;
  const Member* target = core_.round.next(core_.table, core_.self_id, core_.random);
  if (target == nullptr) return;
  probe_ = Probe{.target = target->id,
                 .sequence = next_sequence_++,
                 .indirect_at = now + core_.settings.probe_timeout * multiplier};
  ++core_.counters.probes;
  ping(now, *target, probe_->sequence, out);
}

void FailureDetector::ask_others(Instant now, Outbox& out) {
  probe_->indirect = true;
  ++core_.counters.probes_indirect;
  const Member* target = core_.table.find(probe_->target);
  if (target == nullptr) return;
  // Once more directly: one lost packet is commoner than a lost member.
  ping(now, *target, probe_->sequence, out);
  const auto helpers =
      core_.table.pick(core_.random, core_.settings.indirect_probes, [&](const Member& member) {
        return member.state == MemberState::alive && member.id != core_.self_id &&
               member.id != probe_->target;
      });
  for (const Member* helper : helpers) {
    sender_.send(
        helper->address, helper->id,
        {PingRequest{
            .sequence = probe_->sequence, .target = target->id, .address = target->address}},
        out);
  }
  probe_->helpers = static_cast<std::uint32_t>(helpers.size());
}

void FailureDetector::conclude(Instant now, Outbox& out) {
  if (!probe_) return;
  const Probe probe = *probe_;
  probe_.reset();
  if (probe.acked) {
    core_.health.add(-1);
    return;
  }
  ++core_.counters.probes_failed;
  // Helpers that did not even say nack cast doubt on this node rather than on the target.
  const std::int64_t silent = std::int64_t{probe.helpers} - std::int64_t{probe.nacks};
  core_.health.add(probe.helpers > 0 ? std::max<std::int64_t>(silent, 0) : 1);
  claims_.accuse(now, probe.target, out);
}

void FailureDetector::on_ack(Instant now, const Ack& ack, Outbox& out) {
  if (probe_ && probe_->sequence == ack.sequence && probe_->target == ack.subject) {
    probe_->acked = true;
  }
  if (dead_sequence_ == ack.sequence && dead_asked_ == ack.subject && !dead_asked_.is_zero()) {
    dead_asked_ = {};
    const Member* member = core_.table.find(ack.subject);
    if (member != nullptr) {
      ++core_.counters.exchanges_out;
      out.exchanges.push_back(
          {.to = member->address, .request = sender_.table(now, EnvelopeKind::exchange_request)});
    }
  }
  const auto errand = errands_.find(ack.sequence);
  if (errand == errands_.end() || errand->second.target != ack.subject) return;
  sender_.send(errand->second.asker_address, errand->second.asker,
               {Ack{.sequence = errand->second.asker_sequence, .subject = ack.subject}}, out);
  errands_.erase(errand);
}

void FailureDetector::on_nack(const Nack& nack) {
  if (!probe_ || probe_->sequence != nack.sequence || probe_->target != nack.subject) return;
  ++probe_->nacks;
}

void FailureDetector::on_ping_request(Instant now, const Address& from, const NodeId& asker,
                                      const PingRequest& request, Outbox& out) {
  if (errands_.size() >= errands_most) return;
  const Duration timeout = core_.settings.probe_timeout;
  const std::uint32_t sequence = next_sequence_++;
  errands_[sequence] = {.asker_address = from,
                        .asker = asker,
                        .asker_sequence = request.sequence,
                        .target = request.target,
                        .nack_at = now + timeout * 4 / 5,  // in time for the asker's verdict
                        .end = now + 2 * timeout};
  sender_.send(request.address, request.target,
               {Ping{.sequence = sequence, .target = request.target}}, out);
}

void FailureDetector::send_nacks(Instant now, Outbox& out) {
  for (auto at = errands_.begin(); at != errands_.end();) {
    Errand& errand = at->second;
    if (!errand.nacked && errand.nack_at <= now) {
      errand.nacked = true;
      sender_.send(errand.asker_address, errand.asker,
                   {Nack{.sequence = errand.asker_sequence, .subject = errand.target}}, out);
    }
    at = errand.end <= now ? errands_.erase(at) : std::next(at);
  }
}

void FailureDetector::ask_suspects(Instant now, Outbox& out) {
  std::vector<std::pair<Instant, NodeId>> urgent;
  for (const auto& [id, suspicion] : core_.suspicions) {
    const Instant deadline = suspicion.deadline();
    const bool soon = deadline - now <= core_.settings.last_words;
    if (soon || suspicion.accused_by(core_.self_id)) urgent.emplace_back(deadline, id);
  }
  std::sort(urgent.begin(), urgent.end());
  if (urgent.size() > suspects_asked_most) urgent.resize(suspects_asked_most);
  for (const auto& [deadline, id] : urgent) {
    // The answer that matters is the refutation that comes with the ack.
    ping(now, *core_.table.find(id), next_sequence_++, out);
  }
}

void FailureDetector::ask_a_dead(Instant now, Outbox& out) {
  const auto dead = core_.table.pick(
      core_.random, 1, [](const Member& member) { return member.state == MemberState::dead; });
  if (dead.empty() || core_.leaving) return;
  dead_asked_ = dead.front()->id;
  dead_sequence_ = next_sequence_++;
  ping(now, *dead.front(), dead_sequence_, out);
}

void FailureDetector::ask_newcomers(Instant now, Outbox& out) {
  if (core_.newcomers.size() > newcomers_asked_most) core_.newcomers.resize(newcomers_asked_most);
  for (const NodeId& id : core_.newcomers) {
    const Member* member = core_.table.find(id);
    if (member != nullptr && !core_.leaving) ping(now, *member, next_sequence_++, out);
  }
  core_.newcomers.clear();
}

void FailureDetector::ping(Instant now, const Member& member, std::uint32_t sequence, Outbox& out) {
  core_.clocks.asked(now, sequence, member.id);
  sender_.send(member.address, member.id, {Ping{.sequence = sequence, .target = member.id}}, out);
}

}  // namespace coterie::gossip
