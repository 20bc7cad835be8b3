#include "node/transfer/record_repair.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "storage/record.h"

namespace coterie::transfer {

namespace {

constexpr std::size_t questions_most = 2;
constexpr std::size_t tries_most = 3;

Error cannot_ask() {
  return {.code = ErrorCode::unavailable, .message = "the other owner cannot be asked now"};
}

}  // namespace

RecordRepair::RecordRepair(const Environment& environment, NodeId other, const Options& options,
                           Done done)
    : env_(environment), other_(other), options_(options), done_(std::move(done)) {}

void RecordRepair::add(PartitionId partition, BytesView key, Instant now) {
  waiting_.push_back({.partition = partition, .key = Bytes(key), .due = now + options_.pause});
}

Instant RecordRepair::due() const {
  return waiting_.empty() ? Instant::max() : waiting_.front().due;
}

wire::ReplicaScope RecordRepair::scope_of(PartitionId partition) const {
  const auto* copy = env_.copies.copy(partition);
  if (copy == nullptr) return {.partition = partition};
  return {.partition = partition,
          .configuration = copy->configuration(),
          .generation = copy->generation()};
}

Result<std::uint64_t> RecordRepair::digest_here(BytesView key) const {
  const auto stored = env_.store.get(Space::records, key);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return 0;
  return peek_digest(key, **stored);
}

bool RecordRepair::step(Instant now) {
  if (!pushes_.empty() && pushing_ < limits::repair_window) {
    Push next = std::move(pushes_.front());
    pushes_.pop_front();
    push(std::move(next));
    return true;
  }
  // What is asked for is pushed, mostly: those come first.
  const bool is_due = !waiting_.empty() && waiting_.front().due <= now;
  if (!is_due || questions_ >= questions_most || pushes_.size() >= limits::repair_window) {
    return false;
  }
  std::vector<Suspect> suspects;
  while (!waiting_.empty() && suspects.size() < limits::records_a_frame &&
         waiting_.front().due <= now &&
         (suspects.empty() || suspects.front().partition == waiting_.front().partition)) {
    suspects.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  open_ += suspects.size();
  ask(std::move(suspects));
  return true;
}

void RecordRepair::ask(std::vector<Suspect> suspects) {
  wire::ReplicaRecords message{.scope = scope_of(suspects.front().partition)};
  std::vector<Suspect> asked;
  for (auto& suspect : suspects) {
    const auto digest = digest_here(suspect.key);
    if (!digest) {
      // One other owner's record cannot stand in for a damaged one.
      if (digest.error().code == ErrorCode::corrupt) {
        env_.copies.note_damaged(suspect.partition, suspect.key);
      }
      fail_with(suspect, digest.error());
      continue;
    }
    asked.push_back(std::move(suspect));
    message.wanted.push_back({.digest = *digest});
  }
  if (asked.empty()) return;
  const std::weak_ptr<bool> alive = alive_;
  // Kept apart from the callback, which may never be made.
  auto kept = std::make_shared<std::vector<Suspect>>(std::move(asked));
  for (std::size_t i = 0; i < kept->size(); ++i) message.wanted[i].key = (*kept)[i].key;
  const bool is_asked = env_.others.ask(
      other_, message, [this, alive, kept](Result<wire::ReplicaRecordsReply> reply) {
        if (alive.expired()) return;
        --questions_;
        if (reply) return take(std::move(*kept), *reply);
        for (auto& suspect : *kept) try_again(std::move(suspect), reply.error());
      });
  if (is_asked) {
    ++questions_;
    return;
  }
  for (auto& suspect : *kept) fail_with(suspect, cannot_ask());
}

void RecordRepair::take(std::vector<Suspect> suspects, const wire::ReplicaRecordsReply& reply) {
  // An answer without answers would be asked for for ever.
  const auto answered = std::min(suspects.size(), reply.answers.size());
  for (std::size_t i = 0; i < answered; ++i) {
    take(std::move(suspects[i]), reply.answers[i], reply.generation);
  }
  for (std::size_t i = suspects.size(); i > answered; --i) {
    if (answered == 0) {
      fail_with(suspects[i - 1], {.code = ErrorCode::corrupt, .message = "an empty answer"});
      continue;
    }
    --open_;
    waiting_.push_front(std::move(suspects[i - 1]));
  }
}

void RecordRepair::take(Suspect suspect, const wire::RecordAnswer& answer, Generation theirs) {
  using Outcome = RepairedKey::Outcome;
  if (answer.state == wire::RecordState::damaged) {
    return fail_with(suspect, {.code = ErrorCode::unsure,
                               .message = "the other owner's copy of the record is damaged"});
  }
  if (answer.state == wire::RecordState::same) return finish(suspect, Outcome::same, false, false);
  if (!options_.changes) return finish(suspect, Outcome::repaired, false, false);
  bool is_pulled = false;
  std::uint64_t their_digest = 0;
  if (answer.state == wire::RecordState::differing) {
    const auto digest = peek_digest(suspect.key, answer.record);
    if (!digest) return fail_with(suspect, digest.error());
    their_digest = *digest;
    const auto before = digest_here(suspect.key);
    const auto kept =
        env_.copies.keep(suspect.partition, theirs, suspect.key, answer.record, false);
    if (!kept) return try_again(std::move(suspect), kept.error());
    const auto after = digest_here(suspect.key);
    is_pulled = before && after && *before != *after;
  }
  const auto ours = digest_here(suspect.key);
  if (!ours) return fail_with(suspect, ours.error());
  const auto* copy = env_.copies.copy(suspect.partition);
  const bool pushes =
      options_.pushes && copy != nullptr && copy->state() == replica::CopyState::full;
  if (*ours == their_digest || *ours == 0 || !pushes) {
    return finish(suspect, Outcome::repaired, is_pulled, false);
  }
  pushes_.push_back({.suspect = std::move(suspect),
                     .generation = std::min(theirs, copy->generation()),
                     .is_pulled = is_pulled});
}

void RecordRepair::push(Push push) {
  const auto stored = env_.store.get(Space::records, push.suspect.key);
  if (!stored) return fail_with(push.suspect, stored.error());
  if (!*stored) {
    return finish(push.suspect, RepairedKey::Outcome::repaired, push.is_pulled, false);
  }
  wire::ReplicaWrite message{.scope = scope_of(push.suspect.partition),
                             .key = push.suspect.key,
                             .record = **stored,
                             // One owner's record: it must not replace a damaged one unseen.
                             .is_repair = false};
  message.scope.generation = push.generation;
  const std::weak_ptr<bool> alive = alive_;
  const Suspect suspect = push.suspect;
  const bool is_asked = env_.others.ask(
      other_, message,
      [this, alive, suspect, is_pulled = push.is_pulled](Result<wire::ReplicaWriteReply> reply) {
        if (alive.expired()) return;
        --pushing_;
        if (!reply) return try_again(suspect, reply.error());
        finish(suspect, RepairedKey::Outcome::repaired, is_pulled, true);
      });
  if (is_asked) {
    ++pushing_;
  } else {
    fail_with(suspect, cannot_ask());
  }
}

/// After a refusal for a purge in between, both are read again; what does not answer is left alone.
void RecordRepair::try_again(Suspect suspect, const Error& error) {
  const bool is_stale = error.code == ErrorCode::stale_configuration;
  if (is_stale) env_.copies.heard_of_purge(suspect.partition, Generation{error.generation});
  if (!is_stale || ++suspect.tries >= tries_most) return fail_with(suspect, error);
  --open_;
  waiting_.push_front(std::move(suspect));
}

void RecordRepair::fail_with(const Suspect& suspect, const Error& error) {
  --open_;
  done_({.partition = suspect.partition,
         .key = suspect.key,
         .outcome = RepairedKey::Outcome::failed,
         .why = std::unexpected(error)});
}

void RecordRepair::finish(const Suspect& suspect, RepairedKey::Outcome outcome, bool is_pulled,
                          bool is_pushed) {
  --open_;
  done_({.partition = suspect.partition,
         .key = suspect.key,
         .outcome = outcome,
         .is_pulled = is_pulled,
         .is_pushed = is_pushed});
}

}  // namespace coterie::transfer
