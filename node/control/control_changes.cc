// How this node takes changes of owners from stage to stage.

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "node/control/control.h"

namespace coterie {
namespace {

/// Soon, but together with what else is noted in this turn.
constexpr auto gather_pause = std::chrono::milliseconds(5);

}  // namespace

void Control::note_evidence(const ShardEvidence& evidence) {
  for (const auto& one : evidence.partitions) note_partition(one);
  if (!evidence.keeps) return;
  kept_hints_[evidence.shard] = *evidence.keeps;
  note_hints();
}

/// Whether this node is free to go, as far as it leaves.
void Control::note_hints() {
  for (const Change& change : epochs_.newest()->changes()) {
    if (!holds_nothing_for_others(change.id)) continue;
    if (driver_.note_free(options_.identity.node, change.id)) drive_in(gather_pause);
  }
}

bool Control::holds_nothing_for_others(std::uint64_t change) const {
  for (std::uint16_t i = 0; i < options_.identity.shards; ++i) {
    const auto kept = kept_hints_.find(ShardIndex{i});
    const bool is_free =
        kept != kept_hints_.end() && kept->second.epoch.number >= change && kept->second.hints == 0;
    if (!is_free) return false;
  }
  return true;
}

void Control::note_partition(const wire::PartitionEvidence& evidence) {
  auto& held = held_evidence_[evidence.partition];
  held.partition = evidence.partition;
  held.fenced = std::max(held.fenced, evidence.fenced);
  if (evidence.covered_at >= held.covered_at) {
    held.covered_at = evidence.covered_at;
    held.covered = evidence.covered;
  }
  if (driver_.note(options_.identity.node, held)) drive_in(gather_pause);
}

std::vector<ChangeProgress> Control::changes() const {
  return driver_.progress();
}

void Control::on_epoch_of_changes() {
  driver_.on_epoch(epochs_.newest());
  for (const auto& [partition, held] : held_evidence_) driver_.note(options_.identity.node, held);
  note_hints();
  ready_since_.reset();
  drive_failures_ = 0;
  if (!driver_.is_idle()) drive_in(gather_pause);
}

void Control::drive_in(Duration pause) {
  const Instant when = env_.clock.now() + pause;
  if (drive_at_ && *drive_at_ <= when) return;
  env_.timers.cancel(drive_timer_);
  drive_at_ = when;
  drive_timer_ = env_.timers.start(pause, [this] {
    drive_at_.reset();
    drive_changes();
  });
}

/// Any node may. The lowest live voter begins at once, others the later the more are before them.
void Control::drive_changes() {
  if (driver_.is_idle() || transport_ == nullptr || !is_member()) return;
  std::vector<NodeId> alive;
  for (const auto* member : gossip_.members()) {
    if (member->state == gossip::MemberState::alive) alive.push_back(member->id);
  }
  const auto rank = driving_rank(*epochs_.newest(), options_.identity.node, alive);
  ask_for_evidence(alive);
  take_changes_further(rank);
  const auto slower = std::min<std::size_t>(rank, 5);
  drive_in(limits::change_poll * (1U << slower));
}

void Control::ask_for_evidence(const std::vector<NodeId>& alive) {
  auto questions = driver_.questions();
  // Not always the same ones first.
  std::ranges::rotate(questions, std::ranges::upper_bound(questions, last_asked_));
  for (const auto& question : questions) {
    if (asking_.size() >= limits::change_questions) return;
    const auto address = gossip_address_of(question.node);
    const bool may_ask = question.node != options_.identity.node && address &&
                         std::ranges::count(alive, question.node) != 0 &&
                         !asking_.contains(question);
    if (!may_ask) continue;
    asking_.insert(question);
    last_asked_ = question;
    const auto make = [&question](std::uint64_t id) {
      return wire::encode(wire::ChangeEvidence{.change = question.change}, {.request_id = id});
    };
    calls_.call(*address, make, limits::change_patience, [this, question](auto reply) {
      asking_.erase(question);
      // A node that was wiped has another's address, and says nothing for that one.
      if (!reply || reply->from != question.node) return;
      const auto message = wire::decode<wire::ChangeEvidenceReply>(reply->body);
      if (!message) return;
      bool is_news =
          message->holds_nothing_for_others && driver_.note_free(question.node, question.change);
      for (const auto& one : message->partitions) {
        is_news = driver_.note(question.node, one) || is_news;
      }
      if (is_news) drive_in(gather_pause);
    });
  }
}

void Control::take_changes_further(std::size_t rank) {
  const Instant now = env_.clock.now();
  auto next = driver_.next();
  if (next == nullptr) return ready_since_.reset();
  if (!ready_since_) ready_since_ = now;
  Duration pause = limits::change_take_over * static_cast<std::int64_t>(rank);
  if (drive_failures_ > 0) {
    pause += std::min<Duration>(limits::change_retry_most,
                                limits::change_retry_least * (1U << std::min(drive_failures_, 8U)));
  }
  if (now < *ready_since_ + pause) return;
  if (proposal_ != nullptr && !proposal_->is_over()) return;
  const auto number = next->number().number;
  propose(std::move(next), [this, number](const Result<void>& result) {
    if (result) return;
    // Another one may have been faster, or an operator: then there is a newer epoch.
    env_.log.info("changes", "epoch " + std::to_string(number) +
                                 " was not made here: " + result.error().message);
    if (epochs_.newest()->number().number >= number) return;
    ++drive_failures_;
    ready_since_ = env_.clock.now();
  });
}

Result<Bytes> Control::serve_change_evidence(BytesView body, const wire::Envelope& envelope) {
  const auto message = wire::decode<wire::ChangeEvidence>(body);
  if (!message) return std::unexpected(message.error());
  wire::ChangeEvidenceReply reply{
      .change = message->change,
      .partitions = {},
      .holds_nothing_for_others = holds_nothing_for_others(message->change)};
  if (epochs_.newest() != nullptr) {
    for (const Change& change : epochs_.newest()->changes()) {
      if (change.id != message->change) continue;
      for (const Handover& handover : change.handovers) {
        const auto held = held_evidence_.find(handover.partition);
        if (held != held_evidence_.end()) reply.partitions.push_back(held->second);
      }
    }
  }
  return wire::encode(reply, envelope);
}

}  // namespace coterie
